"""Rewards and penalties as a ledger that a replay of the rules over the events must equal.

Nobody writes an entry by hand: entries follow from dated rules and recorded facts, each with the
sentence that explains it. An appeal that is granted is a fact too, and takes its entry back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

FACT_KINDS = ("job_done", "survey", "repeat_repair", "complaint_decided", "incident")
GRANTED = "appeal_granted"
Value = int | str | bool


class IncentiveError(ValueError):
    """A rule that does not fit; the message names the key."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something on record that rules may reward or punish.

    Parameters
    ----------
    id
        The record's own id: one record, one fact.
    day
        The region's date on which it counts; decides which rules apply.
    values
        What rules may ask about, such as ``in_time`` or ``satisfaction``.
    """

    id: str
    kind: str
    technician: str
    at: datetime
    day: date
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class IncentiveRule:
    """When ``where`` holds for a fact of ``kind``, the technician gets ``fen`` and ``points``."""

    id: str
    kind: str
    where: Mapping[str, Value]
    at_least: Mapping[str, int]
    at_most: Mapping[str, int]
    fen: int
    points: int
    text: Mapping[str, str]

    def holds(self, fact: Fact) -> bool:
        """Whether the rule applies; a value that is not on record never fits."""
        if fact.kind != self.kind:
            return False
        return (
            all(fact.values.get(key) == value for key, value in self.where.items())
            and all(_number(fact, key) >= least for key, least in self.at_least.items())
            and all(_number(fact, key) <= most for key, most in self.at_most.items())
        )


def _number(fact: Fact, key: str) -> float:
    value = fact.values.get(key)
    # NaN fits no comparison.
    return value if isinstance(value, int) else float("nan")


@dataclass(frozen=True, slots=True)
class IncentiveRules:
    """The rules of one operator from a day on."""

    version: str
    valid_from: date
    rules: tuple[IncentiveRule, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger; ``id`` follows from rule and fact, so that a replay finds the same.

    ``takes_back`` names the entry that a granted appeal has undone.
    """

    id: str
    technician: str
    fact: str
    fact_kind: str
    rule: str
    rules_version: str
    at: datetime
    fen: int
    points: int
    explanation: Mapping[str, str]
    takes_back: str | None = None


def entries(packs: Iterable[IncentiveRules], facts: Iterable[Fact]) -> tuple[Entry, ...]:
    """What the rules make of the facts, in the order of the facts' instants.

    Facts before any rules came into force count for nothing. A granted appeal takes back exactly
    the entry it names, once.
    """
    dated = sorted(packs, key=lambda pack: pack.valid_from)
    found: dict[str, Entry] = {}
    granted: list[Fact] = []
    for fact in sorted(facts, key=lambda fact: (fact.at, fact.id)):
        if fact.kind == GRANTED:
            granted.append(fact)
            continue
        in_force = [pack for pack in dated if pack.valid_from <= fact.day]
        if not in_force:
            continue
        for rule in in_force[-1].rules:
            if rule.holds(fact):
                entry = _entry(rule, in_force[-1], fact)
                found[entry.id] = entry
    for fact in granted:
        named = found.get(str(fact.values.get("entry", "")))
        if named is not None and named.takes_back is None:
            back = Entry(
                id=_id("taken-back", named.id),
                technician=named.technician,
                fact=fact.id,
                fact_kind=GRANTED,
                rule=named.rule,
                rules_version=named.rules_version,
                at=fact.at,
                fen=-named.fen,
                points=-named.points,
                explanation={
                    "en": f"Appeal granted; taken back: {named.explanation['en']}",
                    "zh": f"申诉成立，撤销：{named.explanation['zh']}",
                },
                takes_back=named.id,
            )
            found[back.id] = back
    return tuple(sorted(found.values(), key=lambda entry: (entry.at, entry.id)))


def _entry(rule: IncentiveRule, pack: IncentiveRules, fact: Fact) -> Entry:
    told = {key: str(value) for key, value in fact.values.items()}
    return Entry(
        id=_id(rule.id, fact.id),
        technician=fact.technician,
        fact=fact.id,
        fact_kind=fact.kind,
        rule=rule.id,
        rules_version=pack.version,
        at=fact.at,
        fen=rule.fen,
        points=rule.points,
        explanation={
            language: text.format_map(_Told(told)) for language, text in rule.text.items()
        },
    )


class _Told(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "–"


def _id(rule: str, fact: str) -> str:
    return hashlib.sha256(f"{rule}\0{fact}".encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class LedgerDifference:
    """Where a stored ledger and the replay part: what lacks, what is too much, what differs."""

    missing: tuple[Entry, ...]
    unfounded: tuple[Entry, ...]
    changed: tuple[tuple[Entry, Entry], ...]

    @property
    def equal(self) -> bool:
        """Whether the ledger is what the rules make of the facts."""
        return not (self.missing or self.unfounded or self.changed)


def difference(stored: Iterable[Entry], replayed: Iterable[Entry]) -> LedgerDifference:
    """Hold a stored ledger against a replay."""
    kept = {entry.id: entry for entry in stored}
    again = {entry.id: entry for entry in replayed}
    return LedgerDifference(
        missing=tuple(again[key] for key in again if key not in kept),
        unfounded=tuple(kept[key] for key in kept if key not in again),
        changed=tuple(
            (kept[key], again[key]) for key in kept if key in again and kept[key] != again[key]
        ),
    )


def incentive_rules(table: Mapping[str, Any]) -> IncentiveRules:
    """Rules from a parsed TOML file.

    Raises
    ------
    IncentiveError
        Naming the key that is missing, unknown or does not fit.
    """
    _only(table, {"version", "valid_from", "rules"}, "incentives")
    if not isinstance(table.get("valid_from"), date):
        raise IncentiveError("incentives.valid_from must be a date")
    rules = tuple(_rule(row, f"rules[{number}]") for number, row in enumerate(table["rules"]))
    _unique([rule.id for rule in rules])
    return IncentiveRules(str(table["version"]), table["valid_from"], rules)


_KEYS = {"id", "when", "where", "at_least", "at_most", "fen", "points", "en", "zh"}


def _rule(row: Mapping[str, Any], path: str) -> IncentiveRule:
    _only(row, _KEYS, path)
    for key in ("id", "when", "en", "zh"):
        if not isinstance(row.get(key), str) or not row[key]:
            raise IncentiveError(f"{path}.{key} must be text")
    if row["when"] not in FACT_KINDS:
        raise IncentiveError(f"{path}.when must be one of {', '.join(FACT_KINDS)}")
    amounts = [row.get("fen", 0), row.get("points", 0)]
    if not all(isinstance(amount, int) for amount in amounts) or not any(amounts):
        raise IncentiveError(f"{path} must give fen or points, in whole numbers")
    return IncentiveRule(
        row["id"],
        row["when"],
        dict(row.get("where", {})),
        dict(row.get("at_least", {})),
        dict(row.get("at_most", {})),
        amounts[0],
        amounts[1],
        {"en": row["en"], "zh": row["zh"]},
    )


def _only(table: Mapping[str, Any], known: set[str], path: str) -> None:
    for key in table:
        if key not in known:
            raise IncentiveError(f"{path} has the unknown key {key!r}")


def _unique(ids: Sequence[str]) -> None:
    for rule_id in ids:
        if ids.count(rule_id) > 1:
            raise IncentiveError(f"rules: the id {rule_id!r} stands twice")
