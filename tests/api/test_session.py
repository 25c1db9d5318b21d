from __future__ import annotations

from datetime import UTC, datetime, timedelta

from api.app import create_app
from domain.roles import SIGNING_IN
from tests.api.world import World


def test_signing_in_sets_a_cookie_that_scripts_cannot_read(world: World) -> None:
    answer = world.client().post(
        "/api/v1/session", json={"login": " Dispatch ", "password": "zhunda-demo"}
    )
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert answer.get_json()["role"] == "dispatcher"
    assert "password" not in answer.text


def test_a_wrong_password_and_an_unknown_login_get_the_same_answer(world: World) -> None:
    client = world.client()
    wrong = client.post("/api/v1/session", json={"login": "dispatch", "password": "guess"})
    unknown = client.post("/api/v1/session", json={"login": "nobody", "password": "guess"})
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.get_json() == unknown.get_json()
    assert wrong.get_json()["code"] == "bad_credentials"


def test_guessing_is_slowed_down_but_signing_in_rightly_is_not(world: World) -> None:
    app = create_app(world.settings, {"LOGIN_LIMIT": "2 per minute"})
    client = app.test_client()
    right = {"login": "dispatch", "password": "zhunda-demo"}
    # Other tests of this process may have used up the limit of its address: ours is another.
    elsewhere = {"REMOTE_ADDR": "192.0.2.7"}
    for _ in range(4):
        answer = client.post("/api/v1/session", json=right, environ_overrides=elsewhere)
        assert answer.status_code == 201
    wrong = {"login": "dispatch", "password": "guess"}
    codes = [
        client.post("/api/v1/session", json=wrong, environ_overrides=elsewhere).status_code
        for _ in range(4)
    ]
    assert codes == [401, 401, 429, 429]
    app.extensions["zhunda.engine"].dispose()


def test_after_signing_out_the_cookie_opens_nothing(world: World) -> None:
    client = world.client("planner")
    cookie = client.get_cookie("zhunda_session")
    assert cookie is not None
    assert client.delete("/api/v1/session").status_code == 204
    client.set_cookie("zhunda_session", cookie.value)
    assert client.get("/api/v1/session").status_code == 401


def test_another_site_cannot_write_with_the_cookie(world: World) -> None:
    client = world.client("dispatch")
    answer = client.post("/api/v1/tokens", json={"name": "x"}, headers={"Origin": "http://evil"})
    assert answer.status_code == 403
    assert answer.get_json()["code"] == "cross_origin"
    own = client.post("/api/v1/tokens", json={"name": "x"}, headers={"Origin": "http://localhost"})
    assert own.status_code == 201


def test_a_token_opens_until_it_is_revoked_and_its_secret_is_not_kept(world: World) -> None:
    client = world.client("planner")
    made = client.post(
        "/api/v1/tokens", json={"name": "report"}, headers={"Idempotency-Key": "token-1"}
    ).get_json()
    bearer = {"Authorization": f"Bearer {made['token']}"}
    nobody = world.client()
    assert nobody.get("/api/v1/session", headers=bearer).get_json()["login"] == "planner"
    again = client.post(
        "/api/v1/tokens", json={"name": "report"}, headers={"Idempotency-Key": "token-1"}
    )
    assert again.get_json() == {**made, "token": None}
    listed = client.get("/api/v1/tokens").get_json()["items"]
    assert made["id"] in [token["id"] for token in listed]
    assert all("token" not in token for token in listed)
    assert client.delete(f"/api/v1/tokens/{made['id']}").status_code == 204
    assert nobody.get("/api/v1/session", headers=bearer).status_code == 401


def test_a_token_that_has_expired_opens_nothing(world: World) -> None:
    past = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    made = world.client("planner").post(
        "/api/v1/tokens", json={"name": "old", "expires_at": past}
    ).get_json()  # fmt: skip
    bearer = {"Authorization": f"Bearer {made['token']}"}
    assert world.client().get("/api/v1/session", headers=bearer).status_code == 401


def test_nobody_revokes_another_persons_token(world: World) -> None:
    made = world.client("planner").post("/api/v1/tokens", json={"name": "mine"}).get_json()
    assert world.client("admin").delete(f"/api/v1/tokens/{made['id']}").status_code == 404


def test_about_tells_the_demos_logins_to_everybody(world: World) -> None:
    told = world.client().get("/api/v1/about").get_json()
    assert told["demo"] is True
    assert {persona["role"] for persona in told["personas"]} == set(SIGNING_IN)
    assert told["timezone"] == "America/Santiago"
