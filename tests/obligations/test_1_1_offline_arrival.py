"""Row 1.1: an arrival told by a phone that was out of reach counts from the device's own clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from sqlalchemy import select

from api.db.models import Visit, VisitEvent
from tests.api.world import World, busy_logins, event, first_stop

V1 = "/api/v1"


def test_1_1_arrival_told_hours_later_is_proven_by_device_time_offset_and_place(
    world: World,
) -> None:
    client, visit_id = first_stop(world, busy_logins(world, 1)[0])
    zone = timezone(timedelta(hours=8))
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)
    kinds = ("accepted", "on_the_way", "arrived")
    events = [
        event(kind, at=(start + timedelta(minutes=20 * step)).astimezone(zone).isoformat())
        | {"visit_id": str(visit_id)}
        for step, kind in enumerate(kinds)
    ]
    # In the wrong order, and twice, for the first answer was lost.
    sent = {"sent_at": datetime.now(UTC).isoformat(), "events": events[::-1]}
    answers = [client.post(f"{V1}/me/events", json=sent).get_json()["events"] for _ in range(2)]
    assert answers[0] == answers[1]
    assert {one["status"] for one in answers[0]} == {"taken"}
    arrival = next(one["answer"] for one in answers[0] if one["answer"]["event"] == "arrived")
    assert arrival["in_time"] is True
    with world.sessions() as session:
        stored = session.scalars(
            select(VisitEvent).where(VisitEvent.visit_id == visit_id).order_by(VisitEvent.at)
        ).all()
        assert [one.kind for one in stored] == list(kinds)
        told = stored[-1]
        assert (told.at, told.offset_minutes) == (start + timedelta(minutes=40), 480)
        assert (told.lat, told.lon) == (-29.9, -71.25)
        assert session.get_one(Visit, visit_id).arrived_at == told.at
