"""Who and what may be sent on a day: skills behind valid papers, equipment behind valid checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Paper:
    """A certificate or a course that backs a skill.

    ``valid_until`` None never ends; ``level`` None backs the skill at any level.
    """

    skill: str
    valid_from: date
    valid_until: date | None
    level: int | None = None

    def valid_on(self, day: date) -> bool:
        """Whether it counts on a day; first and last day included."""
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)


def skills_on(
    skills: Mapping[str, int],
    certificates: Iterable[Paper],
    trainings: Iterable[Paper],
    days: Iterable[date],
) -> dict[str, int]:
    """Skills and levels that count on every one of ``days``.

    Where a skill has certificates on record, one must be valid; where it has training on record,
    the level is that of the valid training, and the skill is gone when none is valid. A skill
    without papers counts as it is.
    """
    certificates, trainings = list(certificates), list(trainings)
    held = dict(skills)
    for day in days:
        for skill in list(held):
            papers = [paper for paper in certificates if paper.skill == skill]
            if papers and not any(paper.valid_on(day) for paper in papers):
                del held[skill]
                continue
            courses = [paper for paper in trainings if paper.skill == skill]
            if not courses:
                continue
            valid = [paper for paper in courses if paper.valid_on(day)]
            if not valid:
                del held[skill]
            elif all(paper.level is not None for paper in valid):
                held[skill] = min(held[skill], max(paper.level or 0 for paper in valid))
    return held


@dataclass(frozen=True, slots=True)
class Duty:
    """What must be repeated on a device, with the day before which it need not have been done."""

    kind: str
    first_due_on: date


@dataclass(frozen=True, slots=True)
class Check:
    """A calibration or preventive job that was done."""

    kind: str
    done_on: date
    passed: bool
    valid_until: date


@dataclass(frozen=True, slots=True)
class Device:
    """A piece of equipment with its duties and the checks on record."""

    kind: str
    in_service_from: date
    retired_on: date | None
    duties: tuple[Duty, ...]
    checks: tuple[Check, ...]

    def due_on(self, duty: Duty, day: date) -> date:
        """Until when the duty counts as fulfilled, as known on ``day``.

        The latest check decides: one that failed ends the use on the day it was done.
        """
        done = [check for check in self.checks if check.kind == duty.kind and check.done_on <= day]
        if not done:
            return duty.first_due_on
        latest = max(done, key=lambda check: (check.done_on, check.valid_until))
        return latest.valid_until if latest.passed else date.min

    def usable_on(self, day: date) -> bool:
        """Whether it may be dispatched on a day: in service, and no duty overdue."""
        if day < self.in_service_from or (self.retired_on is not None and day >= self.retired_on):
            return False
        return all(day <= self.due_on(duty, day) for duty in self.duties)


def equipment_on(devices: Iterable[Device], days: Iterable[date]) -> frozenset[str]:
    """Kinds of equipment of which a usable piece is at hand on every one of ``days``."""
    devices, days = list(devices), list(days)
    kinds = {device.kind for device in devices}
    return frozenset(
        kind
        for kind in kinds
        if all(any(one.kind == kind and one.usable_on(day) for one in devices) for day in days)
    )
