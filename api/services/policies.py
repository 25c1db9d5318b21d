"""The operator's field policy and checklists on disk, read once; the day says which applies."""

from __future__ import annotations

import tomllib
from datetime import date
from functools import cache
from pathlib import Path

from domain.checklists import Checklist, checklist, checklist_in_force
from domain.field_policy import FieldPolicy, field_policy, policy_in_force

CONFIG = Path(__file__).resolve().parents[2] / "config"


@cache
def field_policies() -> tuple[FieldPolicy, ...]:
    """All field policies, oldest first."""
    return tuple(
        field_policy(tomllib.loads(path.read_text(encoding="utf-8")))
        for path in sorted((CONFIG / "policies" / "field").glob("*.toml"))
    )


@cache
def checklists() -> tuple[Checklist, ...]:
    """All checklists, oldest first."""
    return tuple(
        checklist(tomllib.loads(path.read_text(encoding="utf-8")))
        for path in sorted((CONFIG / "checklists").glob("*.toml"))
    )


def policy_on(day: date) -> FieldPolicy:
    """The field policy of a day."""
    return policy_in_force(field_policies(), day)


def checklist_on(day: date) -> Checklist:
    """The checklists of a day."""
    return checklist_in_force(checklists(), day)
