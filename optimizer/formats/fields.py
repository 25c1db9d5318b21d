"""Typed access to the members of a JSON object; every complaint names key and path."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any, overload

from optimizer.formats.errors import ProblemError
from optimizer.problem import UNREACHABLE, Window

LATEST = UNREACHABLE - 1
"""The largest second, metre, count or weight that may be written: 2^30 − 1."""


def kind(value: object) -> str:
    """The JSON name of a value's type, with the value where that is short."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "an object"
    if isinstance(value, list | tuple):
        return "an array"
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "…"


def whole(value: object, path: str, minimum: int = 0, maximum: int = LATEST) -> int:
    """An integer in a range; no booleans, no floats."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise ProblemError(path, f"expected an integer, got {kind(value)}")
    if value < minimum:
        hint = "must not be negative" if minimum == 0 else f"must be at least {minimum}"
        raise ProblemError(path, f"{hint}, got {kind(value)}")
    if value > maximum:
        raise ProblemError(path, f"must be at most {maximum}, got {kind(value)}")
    return value


def finite(value: object, path: str) -> float:
    """A number that is neither NaN nor infinite."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ProblemError(path, f"expected a number, got {kind(value)}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ProblemError(path, f"expected a finite number, got {kind(value)}")
    return number


def word(value: object, path: str) -> str:
    """A string that is not empty."""
    if not isinstance(value, str):
        raise ProblemError(path, f"expected a string, got {kind(value)}")
    if not value:
        raise ProblemError(path, "must not be empty")
    _writable(value, path)
    return value


def _writable(text: str, path: str) -> None:
    """JSON can spell half a character (a lone surrogate); nothing could print or store it."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ProblemError(path, f"not valid Unicode: {text!a}") from error


def free(value: object, path: str) -> dict[str, Any]:
    """An object whose content is nobody's business, as long as it can be written again."""
    found = dict(mapping(value, path))
    try:
        json.dumps(found, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, TypeError) as error:
        raise ProblemError(path, "holds something that is not JSON, such as NaN") from error
    return found


def array(value: object, path: str) -> list[Any] | tuple[Any, ...]:
    """A JSON array."""
    if not isinstance(value, list | tuple):
        raise ProblemError(path, f"expected an array, got {kind(value)}")
    return value


def mapping(value: object, path: str) -> Mapping[str, Any]:
    """A JSON object."""
    if not isinstance(value, Mapping):
        raise ProblemError(path, f"expected an object, got {kind(value)}")
    for key in value:
        if not isinstance(key, str):
            raise ProblemError(path, f"keys have to be strings, got {kind(key)}")
        _writable(key, path)
    return value


def window(value: object, path: str) -> Window:
    """``[start, end]``, closed at both ends."""
    pair = array(value, path)
    if len(pair) != 2:
        raise ProblemError(path, f"expected [start, end], got {len(pair)} values")
    start, end = whole(pair[0], f"{path}[0]"), whole(pair[1], f"{path}[1]")
    if end < start:
        raise ProblemError(path, f"end {end} is before start {start}")
    return start, end


class Fields:
    """The members of one JSON object, read one by one.

    Parameters
    ----------
    value
        What should be the object.
    path
        Where it stands; empty for the document itself.
    keys
        Every key that may occur; any other is an error.
    required
        The keys that have to be there.
    """

    __slots__ = ("path", "value")

    def __init__(
        self, value: object, path: str, keys: frozenset[str], required: tuple[str, ...] = ()
    ) -> None:
        self.value = mapping(value, path)
        self.path = path
        if not self.value.keys() <= keys:
            unknown = next(key for key in self.value if key not in keys)
            raise ProblemError(self.at(unknown), f"unknown key {unknown!r}")
        for key in required:
            if key not in self.value:
                raise ProblemError(path, f"key {key!r} is missing")

    def __contains__(self, key: str) -> bool:
        return key in self.value

    def at(self, key: str) -> str:
        """The path of a member."""
        return f"{self.path}.{key}" if self.path else key

    def get(self, key: str) -> Any:
        """The raw member; None when absent."""
        return self.value.get(key)

    def integer(self, key: str, default: int = 0, minimum: int = 0) -> int:
        """An integer ≥ ``minimum``."""
        if key not in self.value:
            return default
        return whole(self.value[key], self.at(key), minimum)

    def maybe_integer(self, key: str) -> int | None:
        """An integer ≥ 0, or null."""
        value = self.value.get(key)
        return None if value is None else whole(value, self.at(key))

    def number(self, key: str, default: float) -> float:
        """A finite number."""
        return finite(self.value[key], self.at(key)) if key in self.value else default

    @overload
    def text(self, key: str) -> str | None: ...
    @overload
    def text(self, key: str, default: str) -> str: ...
    def text(self, key: str, default: str | None = None) -> str | None:
        """A string that is not empty; null counts as absent where the default is None."""
        value = self.value.get(key, default)
        return None if value is None and default is None else word(value, self.at(key))

    def items(self, key: str) -> Iterator[tuple[str, Any]]:
        """Path and value of each element of an array; nothing when absent."""
        for number, value in enumerate(array(self.value.get(key, ()), self.at(key))):
            yield f"{self.at(key)}[{number}]", value

    def words(self, key: str) -> tuple[str, ...]:
        """An array of strings without repetition."""
        found = tuple(word(value, path) for path, value in self.items(key))
        if len(set(found)) != len(found):
            twice = next(text for text in found if found.count(text) > 1)
            raise ProblemError(self.at(key), f"{twice!r} stands here twice")
        return found

    def integers(self, key: str) -> tuple[int, ...]:
        """An array of integers ≥ 0."""
        return tuple(whole(value, path) for path, value in self.items(key))

    def windows(self, key: str) -> tuple[Window, ...]:
        """An array of windows, sorted by start."""
        return tuple(sorted(window(value, path) for path, value in self.items(key)))

    def counts(self, key: str) -> dict[str, int]:
        """An object of names with an integer ≥ 0 each."""
        path = self.at(key)
        found = mapping(self.value.get(key, {}), path)
        return {name: whole(value, f"{path}.{name}") for name, value in found.items()}

    def factors(self, key: str) -> dict[str, float]:
        """An object of names with a finite number each."""
        path = self.at(key)
        found = mapping(self.value.get(key, {}), path)
        return {name: finite(value, f"{path}.{name}") for name, value in found.items()}
