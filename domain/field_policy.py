"""What the operator decides about intake and work at the door: numbers as dated data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

PLACES = ("keep", "remove")


class PolicyError(ValueError):
    """A policy that cannot be read; the message names the key."""


@dataclass(frozen=True, slots=True)
class FieldPolicy:
    """The policy in force from a day on; ``config/policies/field`` explains each number."""

    version: str
    valid_from: date
    source: str
    country: str
    call_target_s: int
    call_target_percent: int
    repeat_days: int
    no_access_near_m: int
    no_access_wait_s: int
    photo_largest_bytes: int
    photo_keep_days: int
    photo_place: str
    duration_prior_visits: int
    duration_prior_spread: float
    device_clock_error_s: int
    labour_fen_per_hour: int


_NUMBERS = (
    ("call_target_s", "telephone", "target_s"),
    ("call_target_percent", "telephone", "target_percent"),
    ("repeat_days", "repeat", "days"),
    ("no_access_near_m", "no_access", "near_m"),
    ("no_access_wait_s", "no_access", "wait_s"),
    ("photo_largest_bytes", "photo", "largest_bytes"),
    ("photo_keep_days", "photo", "keep_days"),
    ("duration_prior_visits", "duration", "prior_visits"),
    ("device_clock_error_s", "device", "clock_error_s"),
    ("labour_fen_per_hour", "cost", "labour_fen_per_hour"),
)


def field_policy(table: Mapping[str, Any]) -> FieldPolicy:
    """A policy from its parsed TOML table.

    Raises
    ------
    PolicyError
        With the path of the first key that is missing or does not fit.
    """
    numbers: dict[str, Any] = {}
    for name, section, key in _NUMBERS:
        value = table.get(section, {}).get(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise PolicyError(f"{section}.{key} must be a whole number of 0 or more, got {value!r}")
        numbers[name] = value
    spread = table.get("duration", {}).get("prior_spread")
    if not isinstance(spread, float) or spread <= 0:
        raise PolicyError(f"duration.prior_spread must be a positive number, got {spread!r}")
    place = table.get("photo", {}).get("place")
    if place not in PLACES:
        raise PolicyError(f"photo.place must be one of {', '.join(PLACES)}, got {place!r}")
    country = table.get("telephone", {}).get("country")
    if not isinstance(country, str) or len(country) != 2:
        raise PolicyError(f"telephone.country must be two letters, got {country!r}")
    for key, kind in (("version", str), ("valid_from", date), ("source", str)):
        if not isinstance(table.get(key), kind):
            raise PolicyError(f"{key} must be {kind.__name__}, got {table.get(key)!r}")
    return FieldPolicy(
        version=table["version"],
        valid_from=table["valid_from"],
        source=table["source"],
        country=country,
        duration_prior_spread=spread,
        photo_place=place,
        **numbers,
    )


def policy_in_force(policies: Iterable[FieldPolicy], day: date) -> FieldPolicy:
    """The policy whose ``valid_from`` is the latest that is not after ``day``; the first before.

    Raises
    ------
    LookupError
        When there is none at all.
    """
    known = sorted(policies, key=lambda policy: policy.valid_from)
    if not known:
        raise LookupError("there is no field policy")
    return next((one for one in reversed(known) if one.valid_from <= day), known[0])
