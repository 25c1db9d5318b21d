"""The clocks there are, as a table: what law gives the time, and whether pauses move the deadline.

The arrival clock's hours come with the class of the job (`domain.rules.arrival`); every other
clock's time is a clause of a rule pack. Without a clause there is no deadline, and the clock says
so: a target nobody has set is not invented.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class ClockKind:
    """A clock.

    Parameters
    ----------
    law, key
        The clause that gives the time; empty for the arrival clock.
    starts, stops
        In words: what starts it, what it waits for.
    pauses_by
        The flag of the law that says that pauses move the deadline itself; ``""`` where no pause
        does: then the first deadline stands, and the excused one is told beside it.
    """

    name: str
    law: str
    key: str
    starts: str
    stops: str
    pauses_by: str = ""


CLOCKS: Mapping[str, ClockKind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            ClockKind("arrival", "", "", "the report", "a technician at the door"),
            ClockKind("answer", "phone", "answer_within", "the first ring", "a human voice"),
            ClockKind("repair", "repair", "loaner_after", "the report", "repaired, or a loaner"),
            ClockKind(
                "complaint_acceptance",
                "complaint",
                "accept_within",
                "the complaint",
                "accepted or refused",
                "testing_excluded",
            ),
            ClockKind(
                "complaint_conclusion",
                "complaint",
                "conclude_within",
                "acceptance",
                "settled or ended",
                "testing_excluded",
            ),
            ClockKind(
                "complaint_answer", "repair", "answer_within", "the complaint", "a first answer"
            ),
            ClockKind("follow_up", "follow-up", "call_within", "the work", "a call back"),
        )
    }
)
