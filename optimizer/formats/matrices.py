"""Travel matrices: nested arrays with null for "no way", or memory-mapped ``.npy`` files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from optimizer.formats.errors import ProblemError
from optimizer.formats.fields import LATEST, Fields, array, kind
from optimizer.problem import UNREACHABLE, IntMatrix, Travel

TRAVEL_KEYS = frozenset({"durations_s", "distances_m", "durations_npy", "distances_npy"})


def travel_from_json(value: object, path: str, size: int, folder: Path | None) -> Travel:
    """One profile's matrices, ``int32[size, size]``; ``.npy`` names are relative to ``folder``."""
    fields = Fields(value, path, TRAVEL_KEYS)
    durations = _either(fields, "durations_s", "durations_npy", size, folder)
    if durations is None:
        raise ProblemError(path, "key 'durations_s' is missing")
    distances = _either(fields, "distances_m", "distances_npy", size, folder)
    if distances is not None:
        lost = (distances >= UNREACHABLE) & (durations < UNREACHABLE)
        if lost.any():
            row, column = np.argwhere(lost)[0]
            where = f"{path}.distances_m[{row}][{column}]"
            raise ProblemError(where, "null, although durations_s has a way")
    return Travel(durations, distances)


def travel_to_json(travel: Travel) -> dict[str, Any]:
    """The matrices as nested lists, null where there is no way."""
    document: dict[str, Any] = {"durations_s": _rows(travel.durations_s)}
    if travel.distances_m is not None:
        document["distances_m"] = _rows(travel.distances_m)
    return document


def _either(
    fields: Fields, key: str, file_key: str, size: int, folder: Path | None
) -> IntMatrix | None:
    if key in fields and file_key in fields:
        raise ProblemError(fields.at(file_key), f"{key!r} is given too; one of them is enough")
    if key in fields:
        return _from_lists(fields.get(key), fields.at(key), size)
    if file_key in fields:
        return _from_file(fields.text(file_key, ""), fields.at(file_key), size, folder)
    return None


def _from_lists(value: object, path: str, size: int) -> IntMatrix:
    rows = array(value, path)
    if len(rows) != size:
        message = f"{len(rows)} rows, but there are {size} locations"
        raise ProblemError(path, message)
    matrix = np.empty((size, size), dtype=np.int32)
    for number, row in enumerate(rows):
        where = f"{path}[{number}]"
        if len(array(row, where)) != size:
            message = f"{len(row)} values, but there are {size} locations"
            raise ProblemError(where, message)
        # one pass in C over the types: a million cells must not cost a million Python calls
        types = set(map(type, row))
        if not types <= {int, type(None)}:
            column = next(n for n, cell in enumerate(row) if type(cell) not in (int, type(None)))
            message = f"expected an integer or null, got {kind(row[column])}"
            raise ProblemError(f"{where}[{column}]", message)
        cells = row
        if type(None) in types:
            cells = [UNREACHABLE if cell is None else cell for cell in row]
        known = [cell for cell in row if cell is not None] if cells is not row else row
        if known and not (min(known) >= 0 and max(known) <= LATEST):
            column = next(
                n for n, cell in enumerate(row) if cell is not None and not 0 <= cell <= LATEST
            )
            _out_of_range(f"{where}[{column}]", row[column])
        matrix[number] = cells
    return matrix


def _from_file(name: str, path: str, size: int, folder: Path | None) -> IntMatrix:
    if folder is None:
        raise ProblemError(path, "only a problem that is read from a file may name matrix files")
    file = (folder / name).resolve()
    if not file.is_relative_to(folder.resolve()):
        raise ProblemError(path, f"{name!r} is outside the problem's folder")
    try:
        # Copy on write: read-only arrays are a type of their own, for which all would be compiled
        # once more.
        matrix = np.load(file, mmap_mode="c", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ProblemError(path, f"cannot read {name!r} as an .npy matrix") from error
    if not isinstance(matrix, np.ndarray) or matrix.dtype.kind not in "iu":
        raise ProblemError(path, f"{name!r} does not hold integers")
    if matrix.shape != (size, size):
        message = f"shape {matrix.shape}, but there are {size} locations"
        raise ProblemError(path, message)
    if matrix.size:
        low, high = int(matrix.min()), int(matrix.max())
        if low < 0 or high > UNREACHABLE:
            _out_of_range(path, low if low < 0 else high)
    return matrix if matrix.dtype == np.int32 else matrix.astype(np.int32)


def _out_of_range(path: str, value: int) -> None:
    hint = "must not be negative" if value < 0 else f"must be at most {LATEST} (null = no way)"
    raise ProblemError(path, f"{hint}, got {value}")


def _rows(matrix: IntMatrix) -> list[list[int | None]]:
    rows: list[list[int | None]] = matrix.tolist()
    for number in np.flatnonzero((matrix >= UNREACHABLE).any(axis=1)):
        rows[number] = [None if cell is None or cell >= UNREACHABLE else cell
                        for cell in rows[number]]  # fmt: skip
    return rows
