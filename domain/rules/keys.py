"""Every clause that a rule pack may hold: its law, its unit, and whom a larger number favours.

A table, so that a misspelt key in a pack is an error and not a rule that never applies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Unit(StrEnum):
    """What a clause's value counts."""

    SECONDS = "seconds"
    HOURS = "hours"
    DAYS = "days"
    WORKING_DAYS = "working_days"
    MONTHS = "months"
    YEARS = "years"
    COUNT = "count"
    POINTS = "points"
    FLAG = "flag"
    NAMES = "names"


TIMES = frozenset({Unit.SECONDS, Unit.HOURS, Unit.DAYS, Unit.WORKING_DAYS})
"""Units of a clause that a clock can count."""


class Better(StrEnum):
    """Which way of changing the value is good for the consumer."""

    LESS = "less"
    MORE = "more"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True)
class Key:
    """A clause that packs of a law may hold; ``units`` are those its value may count."""

    units: frozenset[Unit]
    better: Better
    meaning: str


def _key(units: str, better: Better, meaning: str) -> Key:
    return Key(frozenset(Unit(unit) for unit in units.split()), better, meaning)


_PERIOD = "hours days working_days"

LAWS: Mapping[str, Mapping[str, Key]] = {
    "phone": {
        "answer_within": _key("seconds", Better.LESS, "from the first ring to a human voice"),
    },
    "repair": {
        "loaner_after": _key("days", Better.LESS, "repair done, or a loaner, within"),
        "repeat_within": _key("days", Better.MORE, "a fault that returns is a repeat repair"),
        "answer_within": _key("days", Better.LESS, "no answer for longer is deliberate delay"),
        "delay_after": _key("days", Better.LESS, "longer is deliberate delay"),
    },
    "follow-up": {
        "call_within": _key(_PERIOD, Better.LESS, "call back after the work"),
    },
    "complaint": {
        "accept_within": _key(_PERIOD, Better.LESS, "accept a complaint or refuse it"),
        "conclude_within": _key(_PERIOD, Better.LESS, "mediate or end the case"),
        "testing_excluded": _key("flag", Better.NEITHER, "time of testing does not count"),
    },
    "three-guarantees": {
        "return_within": _key("days", Better.MORE, "return, exchange or repair after the sale"),
        "exchange_within": _key("days", Better.MORE, "exchange or repair after the sale"),
        "repairs_until_exchange": _key("count", Better.LESS, "failed repairs, then exchange"),
        "parts_wait": _key("days", Better.LESS, "longer without parts: exchange"),
        "repairer_fault": _key("days", Better.LESS, "longer by the repairer's fault: exchange"),
        "unrepaired": _key("days", Better.LESS, "unrepaired so long: return or exchange"),
        "total_repair": _key("days", Better.LESS, "longer in repair in all: return or exchange"),
        "warranty": _key("months", Better.MORE, "free repair after the sale"),
        "warranty_main_parts": _key("months", Better.MORE, "free repair of main parts"),
        "repair_holds": _key("days", Better.MORE, "a repair must hold"),
        "extended_by_repair": _key("flag", Better.NEITHER, "repair time extends the warranty"),
        "free_lines": _key("names", Better.NEITHER, "kinds of lines that free repair covers"),
    },
    "evidence": {
        "keep_records": _key("years", Better.MORE, "records of a trade are kept"),
        "repair_records_for_ever": _key("flag", Better.NEITHER, "repair records are not deleted"),
        "consumer_photos": _key("flag", Better.NEITHER, "consumers' photos are evidence"),
        "operator_bears_proof": _key("months", Better.MORE, "the operator proves, after delivery"),
    },
    "privacy": {
        "whereabouts_need_separate_consent": _key("flag", Better.NEITHER, "whereabouts"),
        "automated_decisions_explained": _key("flag", Better.NEITHER, "rankings are open"),
    },
    "quality-standard": {
        "points": _key("points", Better.NEITHER, "points in all"),
        "passes": _key("points", Better.NEITHER, "points that pass"),
        "three_stars": _key("points", Better.NEITHER, "points for three stars"),
        "four_stars": _key("points", Better.NEITHER, "points for four stars"),
        "five_stars": _key("points", Better.NEITHER, "points for five stars"),
        "areas": _key("names", Better.NEITHER, "areas that are scored"),
    },
}
