"""Travel between snapped points, remembered in memory and on disk.

A day's jobs come one by one: with the others known, a new one costs a row and a column. The
cache holds one square pair of arrays per graph version and profile; a cell is unknown until told.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import threading
import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from domain.places import Place
from network.roads.locks import exclusive

UNKNOWN = -1
"""Marks a cell nobody has asked OSRM for yet."""

Whole = NDArray[np.int32]

_MICRODEGREES = 1_000_000
_GROWTH = 1.5
_SMALLEST = 64
_SAVE_SHARE = 0.05
_SAVE_CELLS = 10_000


class MatrixCache:
    """Matrix of travel between snapped points; safe between threads and between processes.

    Parameters
    ----------
    path
        File to keep it in, or None to keep it in memory only. One file belongs to one graph
        version and profile: put both in its name. Its folder is made if absent.
    max_points
        Points kept; beyond it those unused for longest give way. Memory is 8 bytes × points².

    Notes
    -----
    The file is replaced as a whole (written aside, then renamed), so a reader sees the old or
    the new one. Writers take turns and take over what the other has saved in the meantime; a
    file that cannot be read counts as empty.
    """

    def __init__(self, path: Path | None = None, max_points: int = 6_000) -> None:
        self._path = path
        self._max_points = max_points
        self._guard = threading.RLock()
        self._position: dict[tuple[int, int], int] = {}
        self._durations_s = _unknown(_SMALLEST)
        self._distances_m = _unknown(_SMALLEST)
        self._last_used = np.zeros(_SMALLEST, dtype=np.int64)
        self._uses = 0
        self._known_cells = 0
        self._unsaved_cells = 0
        self._stamp: tuple[int, int] | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._take_over_file()

    def __len__(self) -> int:
        return len(self._position)

    def lookup(self, points: Sequence[Place]) -> tuple[Whole, Whole]:
        """What is known between snapped points.

        Returns
        -------
        durations_s, distances_m : arrays of shape (n, n)
            ``UNKNOWN`` where nothing was stored. Copies: the caller may write on them.
        """
        count = len(points)
        durations_s, distances_m = _unknown(count), _unknown(count)
        with self._guard:
            found = [self._position.get(_key(point), UNKNOWN) for point in points]
            rows = np.array(found, dtype=np.int64)
            here = np.flatnonzero(rows != UNKNOWN)
            inside, stored = np.ix_(here, here), np.ix_(rows[here], rows[here])
            durations_s[inside] = self._durations_s[stored]
            distances_m[inside] = self._distances_m[stored]
            self._uses += 1
            self._last_used[rows[here]] = self._uses
        return durations_s, distances_m

    def store(self, points: Sequence[Place], durations_s: Whole, distances_m: Whole) -> None:
        """Remember travel between distinct snapped points; ``UNKNOWN`` cells are passed over.

        Parameters
        ----------
        points
            n distinct points.
        durations_s, distances_m
            Shape (n, n).
        """
        if len(points) > self._max_points:
            return
        with self._guard:
            told = self._insert([_key(point) for point in points], durations_s, distances_m)
            self._known_cells += told
            self._unsaved_cells += told
            due = self._unsaved_cells > max(_SAVE_CELLS, _SAVE_SHARE * self._known_cells)
        if due:
            self.save()

    def save(self) -> None:
        """Write what the file does not have yet; nothing without a path or news."""
        if self._path is None:
            return
        lock = self._path.with_name(f"{self._path.name}.lock")
        with exclusive(lock), self._guard:
            if not self._unsaved_cells:
                return
            self._take_over_file()
            keys = np.array(list(self._position), dtype=np.int64).reshape(-1, 2)
            rows = np.array(list(self._position.values()), dtype=np.int64)
            square = np.ix_(rows, rows)
            handle, unfinished = tempfile.mkstemp(dir=self._path.parent, suffix=".part")
            try:
                with os.fdopen(handle, "wb") as stream:
                    np.savez(
                        stream,
                        keys=keys,
                        durations_s=self._durations_s[square],
                        distances_m=self._distances_m[square],
                    )
                Path(unfinished).replace(self._path)
            except BaseException:
                Path(unfinished).unlink(missing_ok=True)
                raise
            self._stamp = _stamp(self._path)
            self._unsaved_cells = 0

    def _take_over_file(self) -> None:
        if self._path is None or (stamp := _stamp(self._path)) in (None, self._stamp):
            return
        # A damaged file is no loss: every cell can be asked again, and the next save replaces it.
        with contextlib.suppress(OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            with self._path.open("rb") as stream, np.load(stream, allow_pickle=False) as saved:
                keys = [(int(lat), int(lon)) for lat, lon in saved["keys"]]
                durations_s, distances_m = saved["durations_s"], saved["distances_m"]
            if durations_s.shape == distances_m.shape == (len(keys), len(keys)):
                room = self._max_points - len(self._position)
                fresh = [i for i, key in enumerate(keys) if key not in self._position]
                dropped = set(fresh[max(room, 0) :])
                kept = [i for i in range(len(keys)) if i not in dropped]
                square = np.ix_(kept, kept)
                self._known_cells += self._insert(
                    [keys[i] for i in kept], durations_s[square], distances_m[square]
                )
        self._stamp = stamp

    def _insert(self, keys: list[tuple[int, int]], durations_s: Whole, distances_m: Whole) -> int:
        self._make_room(keys)
        for key in keys:
            self._position.setdefault(key, len(self._position))
        rows = np.array([self._position[key] for key in keys], dtype=np.int64)
        square = np.ix_(rows, rows)
        told = durations_s != UNKNOWN
        fresh = int(np.count_nonzero(told & (self._durations_s[square] == UNKNOWN)))
        self._durations_s[square] = np.where(told, durations_s, self._durations_s[square])
        self._distances_m[square] = np.where(told, distances_m, self._distances_m[square])
        self._uses += 1
        self._last_used[rows] = self._uses
        return fresh

    def _make_room(self, keys: list[tuple[int, int]]) -> None:
        wanted = len(self._position) + sum(key not in self._position for key in keys)
        if wanted > self._max_points:
            self._forget(wanted - self._max_points, set(keys))
            wanted = self._max_points
        if wanted > len(self._durations_s):
            size = min(self._max_points, max(wanted, int(len(self._durations_s) * _GROWTH)))
            self._resize(np.arange(len(self._position)), size)

    def _forget(self, count: int, needed: set[tuple[int, int]]) -> None:
        candidates = [key for key in self._position if key not in needed]
        candidates.sort(key=lambda key: self._last_used[self._position[key]])
        for key in candidates[:count]:
            del self._position[key]
        rows = np.array(list(self._position.values()), dtype=np.int64)
        self._position = {key: row for row, key in enumerate(self._position)}
        self._resize(rows, len(self._durations_s))
        self._known_cells = int(np.count_nonzero(self._durations_s != UNKNOWN))

    def _resize(self, rows: NDArray[np.int64], size: int) -> None:
        durations_s, distances_m = _unknown(size), _unknown(size)
        last_used = np.zeros(size, dtype=np.int64)
        square, kept = np.ix_(rows, rows), len(rows)
        durations_s[:kept, :kept] = self._durations_s[square]
        distances_m[:kept, :kept] = self._distances_m[square]
        last_used[:kept] = self._last_used[rows]
        self._durations_s, self._distances_m = durations_s, distances_m
        self._last_used = last_used


def _unknown(size: int) -> Whole:
    return np.full((size, size), UNKNOWN, dtype=np.int32)


def _key(point: Place) -> tuple[int, int]:
    # OSRM's own resolution: two answers about one point on a road agree to the last digit.
    return round(point.lat * _MICRODEGREES), round(point.lon * _MICRODEGREES)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_mtime_ns, status.st_ino
