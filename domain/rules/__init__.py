"""Dated rule packs: what a law, a place or the operator promises, as data with its source."""

from domain.rules.arrival import (
    ArrivalClass,
    ArrivalPack,
    RuleError,
    UrgencyRule,
    WorkRule,
    arrival_pack,
    pack_in_force,
)
from domain.rules.difference import DifferenceReport, Judgement, difference
from domain.rules.packs import OPERATOR, Clause, Pack, Status, lineage, rule_pack
from domain.rules.rulebook import Rulebook, Rules, Ruling, TraceLine

__all__ = [
    "OPERATOR",
    "ArrivalClass",
    "ArrivalPack",
    "Clause",
    "DifferenceReport",
    "Judgement",
    "Pack",
    "RuleError",
    "Rulebook",
    "Rules",
    "Ruling",
    "Status",
    "TraceLine",
    "UrgencyRule",
    "WorkRule",
    "arrival_pack",
    "difference",
    "lineage",
    "pack_in_force",
    "rule_pack",
]
