"""Photos on bad reception: pieces come late, twice, or not at all, and the photo is whole."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from uuid_utils.compat import uuid7

from api.db.models import Photo
from api.services import photo_pieces
from tests.api.world import World, busy_logins, first_stop, jpeg, photo_path


@pytest.fixture(scope="module")
def logins(world: World) -> list[str]:
    return busy_logins(world, 3)


def send(client: FlaskClient, path: str, raw: bytes, offset: int, size: int) -> Any:
    content = raw[offset : offset + size]
    query = f"{path}&offset={offset}&total={len(raw)}"
    return client.post(query, data=content, content_type="image/jpeg")


def test_a_photo_in_pieces_goes_on_where_it_broke_off_and_is_kept_once(
    world: World, logins: list[str]
) -> None:
    client, visit_id = first_stop(world, logins[0])
    raw, photo_id = jpeg(400, 300), str(uuid7())
    path, size = photo_path(visit_id, id=photo_id), 900
    assert send(client, path, raw, 0, 0).get_json() == {"received": 0}
    assert send(client, path, raw, 0, size).get_json() == {"received": size}
    # The answer was lost: the same again, and one that overlaps.
    assert send(client, path, raw, 0, size).get_json() == {"received": size}
    assert send(client, path, raw, size - 100, size).get_json() == {"received": 2 * size - 100}
    gap = send(client, path, raw, 2 * size, size)
    assert (gap.status_code, gap.get_json()["code"]) == (409, "upload_gap")
    assert gap.get_json()["params"] == {"received": 2 * size - 100}
    told = send(client, path, raw, 0, 0)
    while told.status_code == 202:
        told = send(client, path, raw, told.get_json()["received"], size)
    assert told.status_code == 201, told.text
    assert send(client, path, raw, len(raw) - 1, 1).get_json() == told.get_json()
    with world.sessions() as session:
        kept = session.get_one(Photo, UUID(photo_id))
        assert kept.sent_sha256 == hashlib.sha256(raw).hexdigest()
    assert not photo_pieces.path_of(
        world.settings.data_dir, visit_id, UUID(photo_id), len(raw)
    ).exists()
    # Whole, it is the same photo.
    assert client.post(path, data=raw, content_type="image/jpeg").status_code == 201


def test_pieces_that_do_not_fit_are_one_clear_error_each(world: World, logins: list[str]) -> None:
    client, visit_id = first_stop(world, logins[1])
    raw = jpeg()
    path = photo_path(visit_id)

    def code(query: str, content: bytes = b"x") -> str:
        answer = client.post(f"{path}&{query}", data=content, content_type="image/jpeg")
        return str(answer.get_json()["code"])

    assert code("total=50000000&offset=0") == "too_large"
    assert code("total=10&offset=9", b"abc") == "invalid"
    assert code("total=0") == code("total=-1") == code("total=10&offset=-1") == "invalid"
    assert code("total=3", b"abc") == "not_a_photo"
    assert send(client, path, raw, 0, 0).get_json() == {"received": 0}, "nothing of it is left"
    other, _ = first_stop(world, logins[2])
    theirs = send(other, path, raw, 0, 100)
    assert theirs.get_json()["code"] == "forbidden"
    assert send(client, path, raw, 0, 0).get_json() == {"received": 0}


def test_pieces_that_nobody_goes_on_with_go_after_a_day(world: World, logins: list[str]) -> None:
    client, visit_id = first_stop(world, logins[0])
    raw, photo_id = jpeg(), uuid7()
    send(client, photo_path(visit_id, id=str(photo_id)), raw, 0, 50)
    folder, now = world.settings.data_dir, datetime.now(UTC)
    path = photo_pieces.path_of(folder, visit_id, photo_id, len(raw))
    photo_pieces.forget(folder, now)
    assert path.exists()
    old = (now - timedelta(days=2)).timestamp()
    os.utime(path, (old, old))
    assert photo_pieces.forget(folder, now) >= 1
    assert not path.exists()
