"""Row 1.1: what a phone queued is signed when it happens, and nobody alters it on the way."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from uuid_utils.compat import uuid7

from api import wiring
from api.db.models import Activity, VisitEvent
from api.services.device_keys import TAG
from api.services.packs import orders, verify
from domain import signatures
from tests.api.world import World, busy_logins, event, first_stop

V1 = "/api/v1"
SEED = bytes(range(32))


@pytest.fixture(scope="module")
def logins(world: World) -> list[str]:
    return busy_logins(world, 5)


def with_key(client: FlaskClient, seed: bytes = SEED) -> str:
    """The id of a key that a phone has registered."""
    sent = {"id": str(uuid7()), "public_key": signatures.public_key(seed).hex()}
    answers = [client.post(f"{V1}/me/device-keys", json=sent) for _ in range(2)]
    assert [one.status_code for one in answers] == [201, 201], answers[0].text
    return sent["id"]


def signed(key: str, visit_id: UUID, body: dict[str, Any], seed: bytes = SEED) -> dict[str, Any]:
    """An event as a phone sends it: with the text it has signed."""
    whole = body | {"visit_id": str(visit_id)}
    text = json.dumps(whole, ensure_ascii=False, separators=(",", ":"))
    value = signatures.sign(seed, TAG + text.encode()).hex()
    return whole | {"signature": {"key": key, "text": text, "value": value}}


def tell(client: FlaskClient, *events: dict[str, Any]) -> list[dict[str, Any]]:
    sent = {"sent_at": datetime.now(UTC).isoformat(), "events": list(events)}
    answer = client.post(f"{V1}/me/events", json=sent)
    assert answer.status_code == 200, answer.text
    return list(answer.get_json()["events"])


def test_1_1_arrival_that_was_altered_after_it_was_signed_is_refused(
    world: World, logins: list[str]
) -> None:
    client, visit_id = first_stop(world, logins[0])
    key = with_key(client)
    start = [signed(key, visit_id, event(kind)) for kind in ("accepted", "on_the_way")]
    assert {one["status"] for one in tell(client, *start)} == {"taken"}
    with world.sessions() as session:
        door = session.scalars(select(VisitEvent.visit_id)).first()
        assert door is not None
    arrived = signed(key, visit_id, event("arrived"))
    for change in (
        {"at": datetime.now(UTC).isoformat()},
        {"place": {"lat": -29.9, "lon": -71.2501}},
        {"accuracy_m": 5},
        {"details": {"note": "all fine"}},
        {"id": str(uuid7())},
    ):
        [told] = tell(client, arrived | change)
        assert (told["status"], told["code"]) == ("refused", "signature_wrong"), change
    forged = signed(key, visit_id, event("arrived"), seed=bytes(32))
    assert tell(client, forged)[0]["code"] == "signature_wrong"
    other, _ = first_stop(world, logins[1])
    theirs = signed(with_key(other, b"7" * 32), visit_id, event("arrived"), seed=b"7" * 32)
    assert tell(client, theirs)[0]["code"] == "signature_wrong"
    [told] = tell(client, arrived)
    assert told["status"] == "taken" and told["answer"]["signed"] is True
    assert tell(client, arrived)[0] == told
    with world.sessions() as session:
        stored = session.get_one(VisitEvent, UUID(arrived["id"]))
        assert stored.signed is not None and stored.signed["text"] == arrived["signature"]["text"]
        registered = session.scalars(
            select(Activity).where(Activity.kind == "device_key_registered")
        ).all()
        public = {one.data["public_key"] for one in registered}
        assert stored.signed["public_key"] in public
        job_id = (
            session.scalars(select(VisitEvent).where(VisitEvent.id == stored.id)).one().visit_id
        )
    assert job_id == visit_id


def test_1_1_arrival_signature_is_in_the_pack_and_the_verifier_checks_it(
    world: World, logins: list[str]
) -> None:
    client, visit_id = first_stop(world, logins[2])
    key = with_key(client)
    tell(client, *(signed(key, visit_id, event(kind)) for kind in ("accepted", "on_the_way")))
    single = signed(key, visit_id, event("arrived"))
    del single["visit_id"]
    answer = client.post(f"{V1}/visits/{visit_id}/events", json=single)
    assert (answer.status_code, answer.get_json()["signed"]) == (201, True), answer.text
    auditor = world.client("auditor")
    job_id = next(
        one["job_id"]
        for one in client.get(f"{V1}/me/route").get_json()["stops"]
        if one["visit_id"] == str(visit_id)
    )
    sent = {"kind": "case", "job_id": job_id, "why": "who was at the door"}
    place = auditor.post(f"{V1}/evidence", json=sent).headers["Location"]
    orders.carry_out(
        world.sessions,
        UUID(place.rpartition("/")[2]),
        world.settings.data_dir,
        wiring.signer_of(world.settings),
    )
    pack = auditor.get(f"{place}/file", buffered=True).get_data()
    told = verify.verify(pack)
    assert "3 events of visits signed by the phones, as they say" in told
    rows = json.loads(verify.members_of(pack)["sections/visit_event.json"])
    rows[0]["signed"]["text"] = rows[0]["signed"]["text"].replace("accepted", "arrived")
    with pytest.raises(verify.Refused, match="signature is wrong"):
        verify.check_events(json.dumps(rows))
    rows[0]["signed"] = rows[1]["signed"]
    with pytest.raises(verify.Refused, match="another one was signed"):
        verify.check_events(json.dumps(rows))


def test_1_1_arrival_that_comes_unsigned_from_a_phone_that_signs_is_taken_and_listed(
    world: World, logins: list[str]
) -> None:
    client, visit_id = first_stop(world, logins[3])
    path = f"{V1}/visits/{visit_id}/events"

    def listed() -> list[dict[str, Any]]:
        rows = world.client("desk").get(f"{V1}/exceptions?limit=500").get_json()["items"]
        return [
            one
            for one in rows
            if one["kind"] == "event_unsigned" and one["visit_id"] == str(visit_id)
        ]

    # A phone without a key (plain http, an old browser) tells unsigned, and nobody minds.
    assert client.post(path, json=event("accepted")).status_code == 201
    assert listed() == []
    key = with_key(client)
    assert client.post(path, json=event("on_the_way")).get_json()["signed"] is False
    assert [one["detail"] for one in listed()] == ["1 events without the phone's signature"]
    assert client.delete(f"{V1}/me/device-keys/{key}").status_code == 204
    assert client.post(path, json=event("arrived")).status_code == 201
    assert len(listed()) == 1


def test_a_key_that_is_none_is_refused(world: World, logins: list[str]) -> None:
    client, _ = first_stop(world, logins[4])
    # Nothing, no digits, no point of the curve, and two points of small order.
    for public in ("00", "zz" * 32, "02" + "00" * 31, "00" * 32, "01" + "00" * 31):
        answer = client.post(
            f"{V1}/me/device-keys", json={"id": str(uuid7()), "public_key": public}
        )
        assert answer.get_json()["code"] == "invalid", public
