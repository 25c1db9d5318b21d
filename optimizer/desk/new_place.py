"""A place that becomes known while the day runs: its drives, written into spare rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from optimizer.desk.model import Places

Row = Sequence[int] | NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Drives:
    """From every place known so far to the new one, and back; int[n_locations] each."""

    durations_to_s: Row
    durations_from_s: Row
    distances_to_m: Row | None = None
    distances_from_m: Row | None = None

    def refuse_misfits(self, count: int) -> None:
        """ValueError unless each row has ``count`` numbers, none negative."""
        rows = {"durations_to_s": self.durations_to_s, "durations_from_s": self.durations_from_s}
        if self.distances_to_m is not None and self.distances_from_m is not None:
            rows |= {
                "distances_to_m": self.distances_to_m,
                "distances_from_m": self.distances_from_m,
            }
        for key, row in rows.items():
            values = np.asarray(row)
            if values.shape != (count,) or (values < 0).any():
                raise ValueError(f"{key} needs {count} numbers, none below 0")

    def write(self, places: Places, index: int, profile: str | None) -> None:
        """Fill row and column ``index`` of one profile, or of all of them (None)."""
        for known, wide in places.buffers.items():
            if profile is not None and known != profile:
                continue
            for matrix, to, back in (
                (wide.durations_s, self.durations_to_s, self.durations_from_s),
                (wide.distances_m, self.distances_to_m, self.distances_from_m),
            ):
                if matrix is not None and to is not None and back is not None:
                    matrix[:index, index], matrix[index, :index] = to, back
                    matrix[index, index] = 0
