"""Personal data by role: one table, role by field. Who plans needs the district, not the name.

``CLEAR`` shows a field as part of the role's daily work; ``ASKED`` masks it until it is asked for,
one job at a time and with a reason (`show_personal`); ``MASKED`` never shows it.
Every clear showing is a look, and looks are kept (`api.services.looks`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy.orm import Session

from api.db.models import Job, Request
from api.services import looks
from api.services.activity import record
from api.services.identity import Identity
from domain import roles

CLEAR: Final = "clear"
ASKED: Final = "asked"
MASKED: Final = "masked"

NAME: Final = "name"
PHONE: Final = "phone"
ADDRESS: Final = "address"
PLACE: Final = "place"
FIELDS: Final = (NAME, PHONE, ADDRESS, PLACE)

_EVERYTHING = dict.fromkeys(FIELDS, CLEAR)
_ON_REQUEST = dict.fromkeys(FIELDS, ASKED)
_NOTHING = dict.fromkeys(FIELDS, MASKED)

_DEGREES: Final = frozenset({"lat", "lon"})

SHOWN_ON_REQUEST: Final = "shown_on_request"
"""Whose eyes see what was asked for; nobody's role."""

MASKS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        roles.TECHNICIAN: _EVERYTHING,
        roles.DISPATCHER: _EVERYTHING,
        roles.DESK_AGENT: _EVERYTHING,
        roles.OUTLET_MANAGER: _EVERYTHING,
        roles.CONSUMER: _EVERYTHING,
        roles.ADMIN: _EVERYTHING,
        SHOWN_ON_REQUEST: _EVERYTHING,
        roles.PLANNER: _NOTHING,
        roles.ASSOCIATION: _NOTHING,
        roles.AUDITOR: _ON_REQUEST,
        roles.REGULATOR: _ON_REQUEST,
        roles.ASSESSOR: _ON_REQUEST,
    }
)
"""Role by field: what a role sees of a consumer it may look up at all (`api.services.scope`)."""


_TELLING: Final = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+|\+?\d(?:[\s()./-]{0,2}\d){4,}")
"""Mail addresses, and five digits and more that belong together."""


def sees(field: str, role: str) -> bool:
    """Whether a role is shown a field without asking."""
    return MASKS[role][field] == CLEAR


def may_ask(role: str) -> bool:
    """Whether a role may see a consumer's data when it gives a reason."""
    return MASKED not in MASKS[role].values()


def mask_name(name: str, role: str) -> str:
    """Initials for roles that need no name."""
    if sees(NAME, role):
        return name
    return " ".join(f"{part[0]}." for part in name.split()) or "…"


def mask_phone(phone: str, role: str) -> str:
    """The last two digits for roles that call nobody."""
    if sees(PHONE, role):
        return phone
    return "••• " + re.sub(r"\D", "", phone)[-2:]


def mask_address(address: str, role: str) -> str:
    """The street without the house number, or anything else in digits."""
    if sees(ADDRESS, role):
        return address
    return re.sub(r"\s*\S*\d\S*", "", address).strip(" ,") or "…"


def mask_words(text: str, request: Request, role: str) -> str:
    """What somebody wrote about a case, without what names its consumer.

    The consumer's own names, address and mail address go, and whatever looks like a telephone
    number, a house number or a mail address. Words that point to somebody otherwise stay: text
    that is free cannot be cleaned of everything.
    """
    if not text or sees(NAME, role):
        return text
    numbers = [word for word in request.address.split() if any(map(str.isdigit, word))]
    known = [request.address, request.consumer.email or "", *request.consumer.name.split()]
    known += numbers
    for word in sorted(known, key=len, reverse=True):
        # One letter, or two of an alphabet, is in too many other words.
        if len(word) > 2 or (len(word) == 2 and not word.isascii()):
            text = re.sub(re.escape(word), "…", text, flags=re.IGNORECASE)
    return _TELLING.sub("•••", text)


def mask_degrees(degrees: float, role: str) -> float:
    """A coordinate; rounded to about a hundred metres for roles that visit nobody."""
    return degrees if sees(PLACE, role) else round(degrees, 3)


def mask_line(line: dict[str, Any] | None, role: str) -> dict[str, Any] | None:
    """A GeoJSON line, whose ends are doors; its points rounded like places."""
    if line is None or sees(PLACE, role):
        return line
    points = [[mask_degrees(degrees, role) for degrees in point] for point in line["coordinates"]]
    return line | {"coordinates": points}


def mask_problem(problem: dict[str, Any], role: str) -> dict[str, Any]:
    """A question as JSON with its places rounded; its matrices say all that a checker needs."""
    if sees(PLACE, role):
        return problem
    places = [
        location | {name: mask_degrees(location[name], role) for name in _DEGREES & set(location)}
        for location in problem["locations"]
    ]
    return problem | {"locations": places}


def show_personal(session: Session, job: Job, who: Identity, why: str) -> dict[str, Any]:
    """A consumer's data in clear, for who may ask; that it was shown, and why, is on the record."""
    assert may_ask(who.role)
    record(
        session,
        "personal_data_shown",
        "job",
        job.id,
        actor_id=who.person_id,
        role=who.role,
        why=why,
    )
    return personal(job.request, SHOWN_ON_REQUEST)


def personal(request: Request, role: str) -> dict[str, Any]:
    """Who reported and where, as a role may see it; what is shown clear is noted as a look.

    Returns
    -------
    dict
        ``consumer`` with ``name`` and ``phone``, ``address``, ``place`` with ``lat`` and ``lon``.
    """
    if CLEAR in MASKS[role].values():
        looks.seen(looks.REQUEST, request.id)
    return {
        "consumer": {
            "name": mask_name(request.consumer.name, role),
            "phone": mask_phone(request.consumer.phone, role),
        },
        "address": mask_address(request.address, role),
        "place": {
            "lat": mask_degrees(request.lat, role),
            "lon": mask_degrees(request.lon, role),
        },
    }
