"""Personal data by role: who plans needs the district, not the name; who calls needs both."""

from __future__ import annotations

import re

SEES_PERSONS = frozenset({"technician", "dispatcher", "admin"})
"""Roles that see names, phones and house numbers."""


def mask_name(name: str, role: str) -> str:
    """Initials for roles that need no name."""
    if role in SEES_PERSONS:
        return name
    return " ".join(f"{part[0]}." for part in name.split()) or "…"


def mask_phone(phone: str, role: str) -> str:
    """The last two digits for roles that call nobody."""
    if role in SEES_PERSONS:
        return phone
    return "••• " + re.sub(r"\D", "", phone)[-2:]


def mask_address(address: str, role: str) -> str:
    """The street without the house number, or anything else in digits."""
    if role in SEES_PERSONS:
        return address
    return re.sub(r"\s*\S*\d\S*", "", address).strip(" ,") or "…"


def mask_degrees(degrees: float, role: str) -> float:
    """A coordinate; rounded to about a hundred metres for roles that visit nobody."""
    return degrees if role in SEES_PERSONS else round(degrees, 3)
