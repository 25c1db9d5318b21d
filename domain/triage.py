"""Triage: from a report to the class of a job, its arrival clock, and what the work takes.

A pure function of the report and a dated rule pack, so that every decision can be replayed from
the record: the report, and the pack's version that is stored with the job.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from domain.clocks import ArrivalClock
from domain.rules import ArrivalPack


@dataclass(frozen=True, slots=True)
class Triage:
    """The decision: class, clock, the rule that decided, and skills, parts and service seconds.

    ``rule`` is the id of the urgency rule that matched, or ``default``.
    """

    arrival_class: str
    clock: ArrivalClock
    rule: str
    rule_version: str
    skills: Mapping[str, int]
    parts: Mapping[str, int]
    service_s: int
    equipment: frozenset[str] = frozenset()
    crew: int = 1


def triage(
    product: str,
    fault: str,
    reported_at: datetime,
    pack: ArrivalPack,
    dangers: Iterable[str] = (),
) -> Triage:
    """Decide class, clock and work of a report.

    Parameters
    ----------
    product, fault
        Codes as the operator uses them; unknown ones fall to the pack's general rules.
    reported_at
        The aware instant of the report; the clock starts here, not when somebody reads it.
    pack
        The rules in force on the day of the report (`domain.rules.pack_in_force`).
    dangers
        What the caller says beside the fault (smoke, a smell of gas), as codes of faults: each can
        make the report urgent, none makes it less so. They do not change what the work takes.

    Raises
    ------
    ValueError
        When ``reported_at`` is naive.
    """
    told = (fault, *dangers)
    rule = next(
        (rule for rule in pack.urgency if any(rule.matches(product, code) for code in told)), None
    )
    arrival_class = pack.default_class if rule is None else rule.arrival_class
    hours = pack.classes[arrival_class].arrival_hours
    work = next(work for work in pack.work if work.matches(product, fault))
    return Triage(
        arrival_class=arrival_class,
        clock=ArrivalClock.start(reported_at, hours),
        rule="default" if rule is None else rule.id,
        rule_version=pack.version,
        skills=work.skills,
        parts=work.parts,
        service_s=work.service_s,
        equipment=work.equipment,
        crew=work.crew,
    )
