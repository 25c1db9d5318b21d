"""JSON text in and out of files, with one clear error for whatever can be wrong with a file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from optimizer.formats.errors import ProblemError

Source = Mapping[str, Any] | str | Path
"""A parsed document, or the path of a file that holds one."""


def read_text(path: str | Path) -> str:
    """The text of a UTF-8 file."""
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ProblemError("", f"{path} is not UTF-8 text") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ProblemError("", f"cannot read {path}: {reason}") from error


def read_json(path: str | Path) -> Any:
    """The document in a JSON file; a key that stands twice in one object is an error."""
    return parse_json(read_text(path), str(path))


def parse_json(text: str, name: str) -> Any:
    """The document in a JSON text; ``name`` says in errors where it comes from."""
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except ProblemError:
        raise
    except RecursionError as error:
        raise ProblemError("", f"{name} is nested too deeply") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise ProblemError("", f"{name} is not JSON: {error.msg} at {where}") from error
    except ValueError as error:
        raise ProblemError("", f"{name} is not JSON: {error}") from error


def load(source: Source) -> tuple[Any, Path | None]:
    """The document, and the folder of its file when it comes from one."""
    if isinstance(source, str | Path):
        return read_json(source), Path(source).parent
    return source, None


def write_json(document: Mapping[str, Any], path: str | Path) -> None:
    """Write a document; a regular file is whole or not there at all."""
    target = Path(path)
    text = json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n"
    # a link or a device such as /dev/stdout is written to, never replaced
    direct = target.is_symlink() or (target.exists() and not target.is_file())
    draft = target if direct else target.with_name(f".{target.name}.{os.getpid()}")
    try:
        draft.write_text(text, encoding="utf-8")
        if not direct:
            draft.replace(target)
    except OSError as error:
        if not direct:
            draft.unlink(missing_ok=True)
        raise ProblemError("", f"cannot write {path}: {error.strerror or error}") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ProblemError("", f"key {twice!r} stands twice in one object")
    return found
