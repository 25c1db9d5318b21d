"""Compiled code gets named tuples by address, and is compiled once for integers of any width."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from optimizer.search.by_pointer import by_pointer
from optimizer.search.compiled import compiled, entry


@by_pointer
class _Table(NamedTuple):
    count: int
    doubled: bool
    values: Any
    narrow: Any


@compiled
def _cell(table: Any, row: int, column: int) -> int:
    value = table.values[row, column] + len(table.values) * 100
    return 2 * value if table.doubled else value  # type: ignore[no-any-return]


@entry
def _gather(table: Any, out: Any) -> None:
    for k in range(table.count):
        row = table.values[k]
        out[k] = _cell(table, k, 1) + _cell(table, table.narrow[k], 0) + row[2]
        row[2] = -1


def _table(doubled: bool) -> _Table:
    values = np.arange(6, dtype=np.int64).reshape(2, 3)
    return _Table(2, doubled, values, np.array([1, 0], np.int32))


def test_fields_of_every_kind_are_read_and_arrays_are_written() -> None:
    for doubled in (False, True):
        table, out = _table(doubled), np.zeros(2, np.int64)
        _gather(table, out)
        factor = 2 if doubled else 1
        assert list(out) == [factor * (201 + 203) + 2, factor * (204 + 200) + 5]
        assert list(table.values[:, 2]) == [-1, -1]


def test_an_index_of_any_width_needs_no_second_translation() -> None:
    _gather(_table(False), np.zeros(2, np.int64))
    assert len(_cell.signatures) == 1  # type: ignore[attr-defined]
