"""One way to compile a loop: cached on disk, without the interpreter's lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from numba import njit

# Sums may be reordered (the bounds carry a margin for it), but infinities must stay honest.
_REORDER = {"reassoc", "contract", "nsz", "arcp"}


def compiled[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Compile ``function`` with Numba, keeping its Python signature for the type checker."""
    return cast(
        Callable[P, R],
        njit(cache=True, nogil=True, fastmath=_REORDER, error_model="numpy")(function),
    )
