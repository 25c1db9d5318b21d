"""When things happened at a door: a phone's clock that was set back makes nothing earlier."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from api.db.models import Visit
from tests.api.world import World, busy_logins, event, first_stop


def test_nothing_at_a_door_happens_before_the_report_or_what_the_visit_has_told(
    world: World,
) -> None:
    client, visit_id = first_stop(world, busy_logins(world, 1)[0])
    path = f"/api/v1/visits/{visit_id}/events"
    with world.sessions() as session:
        reported = session.get_one(Visit, visit_id).job.reported_at
    long_ago = client.post(path, json=event("accepted", at="2001-01-01T00:00:00Z"))
    assert (long_ago.status_code, long_ago.get_json()["code"]) == (422, "invalid")
    assert "before the report" in long_ago.get_json()["detail"]
    now = datetime.now(UTC)
    for kind in ("accepted", "on_the_way"):
        assert client.post(path, json=event(kind, at=now.isoformat())).status_code == 201
    back = max(reported, now - timedelta(hours=1))
    told = client.post(path, json=event("arrived", at=back.isoformat()))
    assert told.status_code == 422 and "before" in told.get_json()["detail"]
    late = now - timedelta(minutes=9)
    assert client.post(path, json=event("arrived", at=late.isoformat())).status_code == 201
