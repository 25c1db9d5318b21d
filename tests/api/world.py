"""What tests of the API share: an application on a database of its own, and good requests."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, sessionmaker
from uuid_utils.compat import uuid7

from api import wiring, worker
from api.db.models import Job, Person, Visit
from api.services.identity import open_session
from api.unit_of_work import COOKIE
from config.settings import Settings
from network.roads import Roads

OPEN_JOBS = 70
TICKS = ("tested", "explained", "gas_tight", "earth", "no_leak")
"""Every tick that any product's checklist asks for."""

ITERATIONS = 200
"""Where the search stops under test."""


@dataclass(frozen=True)
class World:
    """An application on a database of its own."""

    settings: Settings
    app: Flask
    sessions: sessionmaker[Session]
    roads: Roads

    def client(self, login: str | None = None) -> FlaskClient:
        """A browser, signed in as somebody when a login is given.

        Without the password, whose check takes long on purpose; it has its own tests.
        """
        client = self.app.test_client()
        if login:
            with self.sessions.begin() as session:
                person = session.scalars(select(Person).where(Person.login == login)).one()
                client.set_cookie(COOKIE, open_session(session, person, datetime.now(UTC)))
        return client

    def work_queue(self) -> None:
        """Do what is in the queue, as a worker does."""
        worker.drain(
            worker.build(
                self.settings.database_url,
                self.sessions,
                self.roads,
                data_dir=self.settings.data_dir,
                signer=wiring.signer_of(self.settings),
            )
        )

    def plan(self, client: FlaskClient, **order: Any) -> dict[str, Any]:
        """Order a plan and have it made; the run as it ended."""
        answer = client.post("/api/v1/plans", json={"iterations": ITERATIONS, "threads": 1} | order)
        assert answer.status_code == 202, answer.text
        self.work_queue()
        return dict(client.get(answer.headers["Location"]).get_json())


def report(**changes: Any) -> dict[str, Any]:
    """A report that is fine, with some values changed."""
    return {
        "channel": "phone",
        "product": "fridge",
        "fault": "not-cooling",
        "consumer": {"name": "Rosa Araya Soto", "phone": "+56 9 0000 0042"},
        "address": "Avenida Balmaceda 1234",
        "place": {"lat": -29.9077, "lon": -71.2541},
    } | changes


def event(kind: str, **changes: Any) -> dict[str, Any]:
    """An event that is fine, with an id of its own."""
    told: dict[str, Any] = {
        "id": str(uuid7()),
        "event": kind,
        "at": datetime.now(UTC).isoformat(),
    }
    if kind == "arrived":
        told["place"] = {"lat": -29.9, "lon": -71.25}
    if kind == "done":
        told["details"] = {"checklist": dict.fromkeys(TICKS, True)}
    return told | changes


def first_stop(world: World, login: str) -> tuple[FlaskClient, UUID]:
    """A technician's browser, and the first visit that nobody has reported on yet."""
    client = world.client(login)
    stops = client.get("/api/v1/me/route").get_json()["stops"]
    return client, UUID(next(stop["visit_id"] for stop in stops if stop["state"] == "published"))


def reported_before(world: World, visit_ids: Iterable[UUID], at: datetime) -> None:
    """Let the reports of visits be older than an instant, so that a phone may tell of it."""
    with world.sessions.begin() as session:
        mine = select(Visit.job_id).where(Visit.id.in_(list(visit_ids)))
        session.execute(
            update(Job)
            .where(Job.id.in_(mine), Job.reported_at > at)
            .values(reported_at=at - timedelta(minutes=1))
        )


def jpeg(width: int = 64, height: int = 48, gps: bool = False) -> bytes:
    """A photo that is fine, with a time and maybe a place written in by its camera."""
    image = Image.new("RGB", (width, height), (90, 120, 60))
    exif = Image.Exif()
    exif[0x0110] = "Camera of the tests"
    exif[0x0132] = "2026:11:25 10:00:00"
    if gps:
        exif[0x8825] = {1: "S", 2: (29.0, 54.0, 30.0), 3: "W", 4: (71.0, 15.0, 15.0)}
    out = io.BytesIO()
    image.save(out, "JPEG", exif=exif)
    return out.getvalue()


def photo_path(visit_id: UUID, **changes: Any) -> str:
    """Where to send a photo of a visit, with an id of its own."""
    told = {
        "id": str(uuid7()),
        "kind": "evidence",
        "taken_at": datetime.now(UTC).isoformat(),
    } | changes
    return f"/api/v1/visits/{visit_id}/photos?{urlencode(told)}"


def busy_logins(world: World, count: int) -> list[str]:
    """Technicians who have visits, by login."""
    with world.sessions() as session:
        return list(
            session.scalars(
                select(Person.login)
                .join(Visit, Visit.technician_number == Person.technician_number)
                .where(Visit.active, Visit.state == "published")
                .group_by(Person.login)
                .order_by(func.count().desc(), Person.login)
                .limit(count)
            )
        )
