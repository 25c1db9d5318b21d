"""The others a visit needs: the rest of its crew, and the jobs that start ``together`` with it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from optimizer.explain.clock import Ints
from optimizer.explain.question import Flags, Fleet, Question


class Seat(NamedTuple):
    """One visit of a companion: where it can be put for a common start."""

    question: Question
    shift: int
    position: int


class Companions:
    """Everyone else who has to start in the same second as one visit of ``question.job``.

    Attributes
    ----------
    others
        One question per companion visit; empty for a job that needs nobody else.
    """

    def __init__(self, fleet: Fleet, question: Question) -> None:
        state, job = fleet.state, question.job
        self.fleet = fleet
        self.others: list[Question] = []
        if question.tied_start is not None or (job.crew == 1 and job.id not in state.partners):
            self.rows: list[Ints] = []
            return
        self.others = [question] * (job.crew - 1)
        for name in sorted(state.partners.get(job.id, set()) - {job.id}):
            if name in state.jobs:
                member = Question(fleet, state.jobs[name])
                self.others += [member] * member.job.crew
        none: Ints = np.zeros(len(state.slots), np.int64)
        rows_of: dict[str, Ints] = {}
        for other in self.others:
            if other.job.id not in rows_of:
                blocked = np.zeros(len(state.slots), np.bool_)
                for rows in other.static.values():
                    blocked |= rows
                rows_of[other.job.id] = other.intervals(np.flatnonzero(~blocked), none)
        self.rows = [rows_of[other.job.id] for other in self.others]

    def missing(self, question: Question, shifts: Ints, lift: Ints) -> Flags:
        """``bool[S]``: shifts where the visit (rules lifted) finds no common start with them."""
        alone = np.zeros(len(lift), np.bool_)
        if not self.others:
            return alone
        own = question.intervals(shifts, lift)
        for shift in shifts:
            mine = own[own[:, 0] == shift]
            alone[shift] = self.common_start(question, int(shift), mine) is None
        return alone

    def common_start(
        self, question: Question, shift: int, own: Ints
    ) -> tuple[int, list[Seat]] | None:
        """The earliest start that suits the visit in ``shift`` and all others, with their seats.

        ``own`` are the visit's intervals (shift, position, from, to). The left end of somebody's
        interval is always an earliest common start, so that only those are tried.
        """
        if not len(own):
            return None
        lows = np.unique(np.concatenate([own[:, 2], *(rows[:, 2] for rows in self.rows)]))
        inside = ((own[:, 2] <= lows[:, None]) & (lows[:, None] <= own[:, 3])).any(axis=1)
        for start in lows[inside]:
            seats = self._seats(question, shift, int(start))
            if seats is not None:
                return int(start), seats
        return None

    def _seats(self, question: Question, shift: int, start: int) -> list[Seat] | None:
        """Different technicians for all others at this second (augmenting paths), or None."""
        who = self.fleet.who
        pin = question.job.pinned if question.job.crew > 1 else None
        holds = None if pin is None else question.pin_holds(pin)
        pin_open = holds is not None and not holds[shift]
        options: list[dict[int, Seat]] = []
        for other, rows in zip(self.others, self.rows, strict=True):
            at = rows[(rows[:, 2] <= start) & (start <= rows[:, 3])]
            if pin_open and other.job.id == question.job.id and holds is not None:
                at = at[holds[at[:, 0]]]
                pin_open = False
            seats: dict[int, Seat] = {}
            for row in at:
                technician = int(who[row[0]])
                if technician != who[shift]:
                    seats.setdefault(technician, Seat(other, int(row[0]), int(row[1])))
            if not seats:
                return None
            options.append(seats)
        taken: dict[int, int] = {}
        for number in range(len(options)):
            if not _augment(number, options, taken, set()):
                return None
        chosen: list[Seat] = [seats[next(iter(seats))] for seats in options]
        for technician, number in taken.items():
            chosen[number] = options[number][technician]
        return chosen


def _augment(
    number: int, options: list[dict[int, Seat]], taken: dict[int, int], seen: set[int]
) -> bool:
    for technician in options[number]:
        if technician in seen:
            continue
        seen.add(technician)
        if technician not in taken or _augment(taken[technician], options, taken, seen):
            taken[technician] = number
            return True
    return False
