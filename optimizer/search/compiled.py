"""``@compiled``: Numba's njit, with a cache that notices every change of the search's sources.

Numba's own cache looks at the file of the function only, not at the functions it calls, so a
changed callee would leave stale machine code behind. The cache folder's name therefore holds a hash
of all sources of this package.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from numba import types

F = TypeVar("F", bound=Callable[..., Any])


def _sources_hash(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _cache_folder() -> Path:
    """Beside the package where that can be written, else in the temporary folder."""
    here = Path(__file__).parent
    name = f"machine-code-{_sources_hash(here)}"
    beside = here / "__pycache__" / name
    try:
        beside.mkdir(parents=True, exist_ok=True)
    except OSError:
        beside = Path(tempfile.gettempdir()) / f"zhunda-{os.getuid()}" / name
        beside.mkdir(parents=True, exist_ok=True)
    return beside


CACHE_FOLDER = Path(os.environ.get("NUMBA_CACHE_DIR") or _cache_folder())


def is_cached() -> bool:
    """Whether machine code of these very sources lies in the cache already."""
    return any(CACHE_FOLDER.rglob("*.nbc"))


def _widened(dispatcher: Any) -> Any:
    """Called from compiled code, every integer is an int64: one translation instead of several.

    An index read from an int32 array, an int64 one or a literal would each be a type of its own,
    and the function, with all that it calls, would be compiled once for each.
    """
    if numba.config.DISABLE_JIT:
        return dispatcher
    resolve = dispatcher.get_call_template

    def resolve_widened(arguments: Any, keywords: Any) -> Any:
        return resolve(tuple(_widest(kind) for kind in arguments), keywords)

    dispatcher.get_call_template = resolve_widened
    return dispatcher


def _widest(kind: Any) -> Any:
    if isinstance(kind, types.BooleanLiteral):
        return types.boolean
    return types.int64 if isinstance(kind, types.Integer) else kind


def _njit(**options: Any) -> Callable[[F], F]:
    def decorate(function: F) -> F:
        before = numba.config.CACHE_DIR
        numba.config.CACHE_DIR = str(CACHE_FOLDER)
        try:
            return cast(F, _widened(numba.njit(cache=True, nogil=True, **options)(function)))
        finally:
            numba.config.CACHE_DIR = before

    return decorate


# Without Numba's reference counting: atomic counters at every mention of an array cost more than
# the search itself. The price: compiled functions allocate nothing (they must not anyway).
compiled: Callable[[F], F] = _njit(_nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True)
"""A function of its own in the machine code, called from compiled code only."""

inlined: Callable[[F], F] = _njit(
    _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True
)
"""A function that dissolves in its callers: arrays passed by value cost more than the work."""

entry: Callable[[F], F] = _njit(_nrt=False, no_cfunc_wrapper=True)
"""A function that Python calls."""


def note_compilation() -> None:
    """Tell a person who waits at a terminal why the first run takes longer."""
    if not is_cached():
        print("compiling the search (once after an installation) …", file=sys.stderr, flush=True)
