"""What can be imported, kind by kind: what is there, how a row reads, how it is put.

``put_…`` makes or changes one thing through the use cases that pages use, so that each change has
its line in the feed and the ledger, and says ``created``, ``updated`` or ``unchanged``. What of
this is personal data (customers) never enters a line.
"""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from api.db.models import Consumer, Outlet, Part, PriceBook, Purchase, Technician
from api.services import stock
from api.services.activity import record
from api.services.equipment import add_certificate
from api.services.import_cells import (
    BadCell,
    Cells,
    code,
    day,
    degrees,
    line,
    whole,
    yes_or_no,
)
from api.services.papers import publish_prices
from api.services.telephones import normalised
from api.services.workforce import add_technician, open_outlet
from domain.fees import LineKind, PriceItem, fingerprint
from domain.fees import PriceBook as Book
from domain.places import Place

CREATED = "created"
UPDATED = "updated"
UNCHANGED = "unchanged"
LARGEST_FEN = 10**12
_SKILL = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}")
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}\.[^@\s]{2,}")
_CURRENCY = re.compile(r"[A-Z]{3}")
_ITEMS = re.compile(r"[;；]")
LONGEST_LIST = 4000


def nothing(_session: Session, _country: str) -> None:
    """For kinds that need to know nothing beforehand."""


def outlets(session: Session, _country: str) -> dict[str, Outlet]:
    """Outlets by name."""
    return {outlet.name: outlet for outlet in session.scalars(select(Outlet))}


def read_outlet(cells: Cells, _known: Any) -> dict[str, Any]:
    """An outlet's row."""
    return {
        "name": line(cells, "name"),
        "address": line(cells, "address"),
        "lat": degrees(cells, "lat", 90),
        "lon": degrees(cells, "lon", 180),
    }


def put_outlet(
    session: Session, row: dict[str, Any], known: dict[str, Outlet], actor_id: UUID | None
) -> str:
    """Open an outlet, or give the one of this name another address."""
    outlet = known.get(row["name"])
    if outlet is None:
        place = Place(row["lat"], row["lon"])
        known[row["name"]] = open_outlet(session, row["name"], row["address"], place, actor_id)
        return CREATED
    if not _change(outlet, row, ("address", "lat", "lon")):
        return UNCHANGED
    record(session, "outlet_changed", "outlet", outlet.id, actor_id=actor_id, name=outlet.name)
    return UPDATED


class Workforce:
    """Who works where: outlets by name, technicians by name and outlet."""

    def __init__(self, session: Session) -> None:
        self.outlets = outlets(session, "")
        self.technicians: dict[tuple[str, UUID], list[Technician]] = {}
        for one in session.scalars(
            select(Technician).options(selectinload(Technician.certificates))
        ):
            self.technicians.setdefault((one.name, one.outlet_id), []).append(one)


def technicians(session: Session, _country: str) -> Workforce:
    """Outlets and technicians there are."""
    return Workforce(session)


def read_technician(cells: Cells, known: Workforce) -> dict[str, Any]:
    """A technician's row: skills as ``code:level; …``, papers as ``name|skill|from|until; …``."""
    outlet = line(cells, "outlet")
    if outlet not in known.outlets:
        raise BadCell("outlet", f"there is no outlet named {outlet!r}")
    name = line(cells, "name")
    if len(known.technicians.get((name, known.outlets[outlet].id), ())) > 1:
        raise BadCell("name", "there are several technicians of this name at this outlet")
    return {
        "name": name,
        "outlet": outlet,
        "skills": dict(_skill(item) for item in _items(cells, "skills")),
        "certificates": [_certificate(item) for item in _items(cells, "certificates")],
    }


def _items(cells: Cells, column: str) -> list[str]:
    value = line(cells, column, longest=LONGEST_LIST, needed=False)
    return [item.strip() for item in _ITEMS.split(value) if item.strip()]


def _skill(item: str) -> tuple[str, int]:
    name, _, level = (part.strip() for part in item.partition(":"))
    if not _SKILL.fullmatch(name) or level not in ("", *map(str, range(1, 10))):
        raise BadCell("skills", f"must be like aircon:2; fridge:1, not {item!r}")
    return name, int(level or 1)


def _certificate(item: str) -> dict[str, Any]:
    parts = [part.strip() for part in item.split("|")]
    if len(parts) != 4 or not parts[0] or not _SKILL.fullmatch(parts[1]):
        raise BadCell("certificates", f"must be name|skill|first day|last day, not {item!r}")
    first, last = day(parts[2], "certificates"), day(parts[3], "certificates")
    if last < first:
        raise BadCell("certificates", f"ends before it begins: {item!r}")
    return {"name": parts[0][:200], "skill": parts[1], "valid_from": first, "valid_until": last}


def put_technician(
    session: Session, row: dict[str, Any], known: Workforce, actor_id: UUID | None
) -> str:
    """Add a technician, or renew skills and papers; a paper on record is never taken away."""
    outlet = known.outlets[row["outlet"]]
    there = known.technicians.get((row["name"], outlet.id))
    if not there:
        data = row | {"outlet_id": outlet.id, "stock": {}}
        add_technician(session, data, actor_id)
        return CREATED
    technician = there[0]
    on_record = {(paper.name, paper.valid_from) for paper in technician.certificates}
    new = [
        paper
        for paper in row["certificates"]
        if (paper["name"], paper["valid_from"]) not in on_record
    ]
    changed = _change(technician, row, ("skills",))
    if changed:
        record(
            session,
            "technician_changed",
            "technician",
            technician.id,
            actor_id=actor_id,
            technician_number=technician.number,
            skills=row["skills"],
        )
    for paper in new:
        add_certificate(session, technician.id, paper, actor_id)
    return UPDATED if changed or new else UNCHANGED


def parts(session: Session, _country: str) -> dict[str, Part]:
    """Parts by code."""
    return {part.code: part for part in session.scalars(select(Part))}


def read_part(cells: Cells, _known: Any) -> dict[str, Any]:
    """A part's row."""
    return {
        "code": code(cells, "code", _PART, "PCB-7"),
        "name": line(cells, "name"),
        "cost_fen": whole(cells, "cost_fen", 0, LARGEST_FEN, 0),
        "serialised": yes_or_no(cells, "serialised"),
    }


def put_part(
    session: Session, row: dict[str, Any], known: dict[str, Part], actor_id: UUID | None
) -> str:
    """Name a part, or change its name, cost or whether its pieces are numbered."""
    part = known.get(row["code"])
    if part is not None and all(getattr(part, name) == value for name, value in row.items()):
        return UNCHANGED
    stock.add_part(session, **row, actor_id=actor_id)
    return CREATED if part is None else UPDATED


class Customers:
    """Who is on record: the newest consumer of each telephone number; things by serial."""

    def __init__(self, session: Session, country: str) -> None:
        self.country = country
        self.by_phone: dict[str, Consumer] = {
            consumer.phone_e164: consumer
            for consumer in session.scalars(
                select(Consumer).where(Consumer.phone_e164.is_not(None)).order_by(Consumer.id)
            )
            if consumer.phone_e164 is not None
        }
        self.things: dict[tuple[str, str], Purchase] = {}

    def number(self, cells: Cells) -> str:
        """The telephone number in E.164."""
        value = line(cells, "phone", longest=40)
        found = normalised(value, self.country)
        if found is None:
            raise BadCell("phone", f"is no telephone number: {value!r}")
        return found


def customers(session: Session, country: str) -> Customers:
    """Consumers by telephone number."""
    return Customers(session, country)


def read_customer(cells: Cells, known: Customers) -> dict[str, Any]:
    """A customer's row."""
    email = line(cells, "email", needed=False)
    if email and not _EMAIL.fullmatch(email):
        raise BadCell("email", f"is no address: {email!r}")
    return {
        "name": line(cells, "name"),
        "phone": line(cells, "phone", longest=40),
        "phone_e164": known.number(cells),
        "email": email or None,
    }


def put_customer(
    session: Session, row: dict[str, Any], known: Customers, actor_id: UUID | None
) -> str:
    """Put a customer on record; the one known by the number gets the name and address told."""
    consumer = known.by_phone.get(row["phone_e164"])
    if consumer is None:
        consumer = known.by_phone[row["phone_e164"]] = Consumer(**row)
        session.add(consumer)
        session.flush()
        record(session, "customer_recorded", "consumer", consumer.id, actor_id=actor_id)
        return CREATED
    # An empty cell says nothing: it takes no address away.
    told = ("name", "email") if row["email"] else ("name",)
    if not _change(consumer, row, told):
        return UNCHANGED
    record(session, "customer_changed", "consumer", consumer.id, actor_id=actor_id)
    return UPDATED


def products(session: Session, country: str) -> Customers:
    """Consumers by telephone number, and the things they bought by product and serial."""
    known = Customers(session, country)
    for thing in session.scalars(select(Purchase).where(Purchase.serial.is_not(None))):
        assert thing.serial is not None  # as asked
        known.things[thing.product, thing.serial] = thing
    return known


def read_product(cells: Cells, known: Customers) -> dict[str, Any]:
    """A row about a thing that a customer bought."""
    number = known.number(cells)
    if number not in known.by_phone:
        raise BadCell("phone", "no customer has this number; import the customers first")
    sold_on, proof = line(cells, "sold_on", needed=False), line(cells, "proof", needed=False)
    if sold_on and not proof:
        raise BadCell("proof", "say what proves the day of the sale")
    months = line(cells, "warranty_months", needed=False)
    return {
        "phone_e164": number,
        "product": code(cells, "product", _SKILL, "fridge"),
        "serial": line(cells, "serial", longest=100),
        "sold_on": day(sold_on, "sold_on") if sold_on else None,
        "warranty_months": whole(cells, "warranty_months", 0, 600) if months else None,
        "proof": proof,
    }


def put_product(
    session: Session, row: dict[str, Any], known: Customers, actor_id: UUID | None
) -> str:
    """Record what somebody bought; a job that names the serial finds it."""
    facts = {name: row[name] for name in ("sold_on", "warranty_months", "proof")}
    thing = known.things.get((row["product"], row["serial"]))
    word = UPDATED
    if thing is None:
        word = CREATED
        thing = Purchase(
            consumer_id=known.by_phone[row["phone_e164"]].id,
            product=row["product"],
            serial=row["serial"],
            recorded_by=actor_id,
            **facts,
        )
        session.add(thing)
        session.flush()
    elif not _change(thing, facts, tuple(facts)):
        return UNCHANGED
    record(
        session,
        "product_recorded",
        "purchase",
        thing.id,
        actor_id=actor_id,
        product=thing.product,
        sold_on=str(thing.sold_on or ""),
    )
    return word


def read_price(cells: Cells, _known: Any) -> dict[str, Any]:
    """A price's row; the book's own facts stand on each."""
    kind = line(cells, "kind")
    if kind not in [str(one) for one in LineKind]:
        raise BadCell("kind", f"must be one of {', '.join(LineKind)}, not {kind!r}")
    return {
        "version": line(cells, "version", longest=60),
        "currency": code(cells, "currency", _CURRENCY, "CNY"),
        "valid_from": day(line(cells, "valid_from"), "valid_from"),
        "code": code(cells, "code", _PART, "VISIT-1"),
        "kind": kind,
        "name": line(cells, "name"),
        "unit_fen": whole(cells, "unit_fen", 0, LARGEST_FEN),
    }


def publish_book(session: Session, rows: list[dict[str, Any]], actor_id: UUID | None) -> list[str]:
    """Publish the price book that all rows make; the same book again is the book there is."""
    first = rows[0]
    for column in ("version", "currency", "valid_from"):
        if len({row[column] for row in rows}) > 1:
            raise BadCell(column, "a file is one price book: the same on every row")
    items = [{name: row[name] for name in ("code", "kind", "name", "unit_fen")} for row in rows]
    there = session.scalars(select(PriceBook).where(PriceBook.version == first["version"])).first()
    if there is not None and there.sha256 == _sha256_of(first, items):
        return [UNCHANGED] * len(rows)
    publish_prices(
        session, first["version"], first["currency"], first["valid_from"], items, actor_id
    )
    return [CREATED] * len(rows)


def _sha256_of(first: dict[str, Any], items: list[dict[str, Any]]) -> str:
    book = Book.of(
        first["version"],
        first["currency"],
        [
            PriceItem(item["code"], LineKind(item["kind"]), item["name"], item["unit_fen"])
            for item in items
        ],
    )
    return fingerprint(book.document() | {"valid_from": first["valid_from"].isoformat()})


def _change(thing: Any, row: dict[str, Any], names: tuple[str, ...]) -> bool:
    """Give a thing a row's values; whether any was another."""
    changed = [name for name in names if getattr(thing, name) != row[name]]
    for name in changed:
        setattr(thing, name, row[name])
    return bool(changed)
