"""Tiny road networks, cut out of nothing: a few straight streets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from network.demo.extract import write_extract
from network.demo.network_file import Street


def straight_street(
    identifier: int, junctions: tuple[int, int], start: tuple[float, float]
) -> Street:
    """A street of about 5.3 km eastwards from ``start`` (longitude, latitude), both ways."""
    line = np.array([start, (start[0] + 0.05, start[1])])
    return Street(*(identifier, *junctions, "primary", f"Street {identifier}", False, 50, 50), line)


@pytest.fixture
def tiny_extract(tmp_path: Path) -> Callable[[str, int], Path]:
    """Writes an extract with so many disconnected streets, 0.1 degrees apart, from the equator."""

    def write(name: str, count: int) -> Path:
        path = tmp_path / name
        write_extract(
            [straight_street(k + 1, (2 * k + 1, 2 * k + 2), (0.0, 0.1 * k)) for k in range(count)],
            path,
        )
        return path

    return write
