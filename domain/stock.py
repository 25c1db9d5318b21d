"""Places a part can lie at, and the sum of its moves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

SUPPLIER = "supplier"
"""Where parts come from; the only place that may owe, together with `COUNTED`."""

COUNTED = "counted"
"""The other side of a stock count: what turned up or was missing."""

SCRAP = "scrap"
BOUNDLESS = frozenset({SUPPLIER, COUNTED})


def van(technician_number: int) -> str:
    """The van of a technician."""
    return f"van:{technician_number}"


def outlet(outlet_id: object) -> str:
    """The shelf of an outlet."""
    return f"outlet:{outlet_id}"


def job(job_id: object) -> str:
    """Built in at a consumer's, for a job."""
    return f"job:{job_id}"


@dataclass(frozen=True, slots=True)
class Move:
    """Pieces of a part going from one place to another."""

    part: str
    quantity: int
    origin: str
    goal: str


def balances(moves: Iterable[Move]) -> dict[tuple[str, str], int]:
    """Pieces by place and part, the plain sum; places where nothing is left out are absent."""
    found: dict[tuple[str, str], int] = {}
    for move in moves:
        for place, delta in ((move.origin, -move.quantity), (move.goal, move.quantity)):
            key = (place, move.part)
            found[key] = found.get(key, 0) + delta
    return {key: pieces for key, pieces in found.items() if pieces}


def overdrawn(moves: Iterable[Move]) -> list[tuple[str, str]]:
    """Places and parts whose stock fell below nothing at some point of the history, in order."""
    found: dict[tuple[str, str], int] = {}
    bad = []
    for move in moves:
        origin, goal = (move.origin, move.part), (move.goal, move.part)
        found[origin] = found.get(origin, 0) - move.quantity
        found[goal] = found.get(goal, 0) + move.quantity
        if found[origin] < 0 and move.origin not in BOUNDLESS and origin not in bad:
            bad.append(origin)
    return bad
