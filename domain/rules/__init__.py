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

__all__ = [
    "ArrivalClass",
    "ArrivalPack",
    "RuleError",
    "UrgencyRule",
    "WorkRule",
    "arrival_pack",
    "pack_in_force",
]
