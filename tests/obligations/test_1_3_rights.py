"""Rows 1.3: to know, to choose, fair fees, complaints."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from uuid_utils.compat import uuid7

from api.db.models import Choice, Consent, ConsumerLink, Job, Quote
from api.services.identity import Identity
from api.services.quotes import Wanted, offer
from api.services.refusals import Refusal
from domain.fees import fingerprint
from tests.api.cases import agree, complaint, get, new_job, now, post, quote
from tests.api.ownership import consumer
from tests.api.world import World


@pytest.fixture
def desk(world: World) -> FlaskClient:
    return world.client("dispatch")


def refused(client: FlaskClient, path: str, sent: Any, status: int, code: str) -> None:
    answer = client.post(f"/api/v1{path}", json=sent)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code), answer.text


def test_1_3_know_the_consent_holds_the_hash_of_the_text_shown(
    world: World, desk: FlaskClient
) -> None:
    job = new_job(desk)
    one = quote(desk, job["id"])
    shown = one["document"]
    assert fingerprint(shown) == one["sha256"]
    for key in ("content", "fee-standard", "steps"):
        text_ = shown["texts"][key]
        assert text_["body"] and fingerprint(text_["body"]) == text_["sha256"]
    kept = agree(consumer(world, UUID(job["id"])), job["id"], one)
    assert (kept["shown_sha256"], kept["door"]) == (one["sha256"], "link")
    with world.sessions.begin() as session, pytest.raises(DBAPIError, match="never changed"):
        session.execute(text("UPDATE consent SET agreed = false"))


def test_1_3_know_nobody_is_asked_to_agree_to_a_text_that_was_not_published(
    world: World, desk: FlaskClient
) -> None:
    job = new_job(desk)
    with world.sessions() as session:
        who = Identity(None, "", "desk", "dispatcher")
        with pytest.raises(Refusal) as caught:
            offer(
                session,
                session.get_one(Job, UUID(job["id"])),
                [Wanted("VISIT", 1)],
                "la",
                who,
                datetime.now(UTC),
            )
    assert caught.value.code == "text_missing"
    assert caught.value.params["missing"] == ["content", "fee-standard", "steps"]


def test_1_3_choose_the_alternatives_shown_are_on_record_with_the_ranking_rule(
    world: World, desk: FlaskClient
) -> None:
    job = new_job(desk, product="fridge", fault="noise")
    own = consumer(world, UUID(job["id"]))
    made = post(own, f"/jobs/{job['id']}/choices", {"language": "en"})
    options = made["shown"]["options"]
    assert {option["mode"] for option in options} >= {"on_site", "drop_in", "mail_in", "remote"}
    assert len({option["provider"] for option in options}) > 1
    order = [(not o["keeps_deadline"], o["start"], o["price_fen"]) for o in options]
    assert order == sorted(order)
    assert made["shown"]["ranking"]["body"]
    wanted = next(n for n, o in enumerate(options) if o["mode"] == "on_site")
    taken = post(own, f"/jobs/{job['id']}/choices/{made['id']}", {"option": wanted})
    assert taken["chosen"] == wanted
    refused(own, f"/jobs/{job['id']}/choices/{made['id']}", {"option": 0}, 409, "consent_replayed")
    with world.sessions() as session:
        row = session.get_one(Choice, UUID(made["id"]))
        assert fingerprint(row.shown) == row.sha256 == made["sha256"]
    assert get(desk, f"/jobs/{job['id']}")["windows"] == [
        [options[wanted]["start"], options[wanted]["end"]]
    ]


def test_1_3_choose_to_bring_it_takes_the_visit_off_and_a_visit_can_be_wanted_again(
    world: World, desk: FlaskClient
) -> None:
    job = new_job(desk, product="fridge", fault="noise")
    own = consumer(world, UUID(job["id"]))
    for mode, status in (("drop_in", "awaiting_item"), ("on_site", "open")):
        made = post(own, f"/jobs/{job['id']}/choices", {"language": "zh"})
        options = made["shown"]["options"]
        number = next(n for n, option in enumerate(options) if option["mode"] == mode)
        post(own, f"/jobs/{job['id']}/choices/{made['id']}", {"option": number})
        told = get(desk, f"/jobs/{job['id']}")
        assert (told["status"], told["mode"]) == (status, mode)


def test_1_3_fees_bill_equals_the_consents_to_the_fen(world: World, desk: FlaskClient) -> None:
    job = new_job(desk)
    own = consumer(world, UUID(job["id"]))
    agree(own, job["id"], quote(desk, job["id"], "VISIT", "INSPECT", "LABOUR"))
    post(
        desk,
        f"/jobs/{job['id']}/quotes",
        {"lines": [{"code": "DOOR-SEAL"}, {"code": "AUX", "quantity": 2}], "language": "en"},
    )
    _, seal, auxiliaries = get(own, f"/jobs/{job['id']}/quotes")["items"]
    agree(own, job["id"], seal)
    agree(own, job["id"], auxiliaries, agreed=False)
    bill = post(desk, f"/jobs/{job['id']}/bill", {})
    assert bill["total_fen"] == 3000 + 2000 + 6000 + 8900
    assert bill["reconciliation"]["unexplained_fen"] == 0
    refused(desk, f"/jobs/{job['id']}/bill", {}, 409, "already_exists")

    def money(kind: str, amount: int, status: int = 201) -> Any:
        sent = {"id": str(uuid7()), "kind": kind, "amount_fen": amount, "reason": "said so"}
        return post(desk, f"/jobs/{job['id']}/money", sent, status)

    money("payment", 19_900)
    assert money("payment", 1, 409)["code"] == "bill_refused"
    # The seal was not needed after all: it comes off the bill, and the money goes back.
    assert money("correction", -8_900)["reconciliation"]["open_fen"] == -8_900
    assert money("refund", 8_900)["reconciliation"]["open_fen"] == 0
    assert money("refund", 20_000, 409)["code"] == "bill_refused"
    assert get(desk, f"/jobs/{job['id']}/bill")["total_fen"] == 11_000
    books = get(world.client("admin"), "/reconciliation")
    assert (books["unexplained_fen"], books["unexplained"]) == (0, [])


def test_1_3_fees_an_added_item_that_was_not_agreed_to_cannot_be_billed(
    desk: FlaskClient,
) -> None:
    job = new_job(desk)
    quote(desk, job["id"])
    refused(desk, f"/jobs/{job['id']}/bill", {}, 409, "nothing_agreed")


def test_1_3_fees_what_the_three_guarantees_cover_is_free_in_the_quote(desk: FlaskClient) -> None:
    job = new_job(desk)
    sold = (datetime.now(UTC) - timedelta(days=40)).date().isoformat()
    told = post(
        desk,
        f"/jobs/{job['id']}/purchase",
        {"sold_on": sold, "proof": "invoice 77", "warranty_months": 12, "serial": str(uuid4())},
    )
    assert told["remedies"] == ["repair"]
    one = quote(desk, job["id"], "VISIT", "DOOR-SEAL")
    assert one["total_fen"] == 0
    assert all("three-guarantees" in line["free_because"] for line in one["document"]["lines"])
    assert "free_lines" in one["document"]["entitlement"]["unconfirmed"]


def test_1_3_fees_the_consumers_fault_needs_evidence(desk: FlaskClient) -> None:
    job = new_job(desk)
    sent = {"sold_on": "2026-10-01", "proof": "invoice", "consumer_caused": True}
    refused(desk, f"/jobs/{job['id']}/purchase", sent, 422, "evidence_missing")


def test_1_3_fees_a_known_serial_brings_its_earlier_repairs(desk: FlaskClient) -> None:
    serial, sold = str(uuid4()), (datetime.now(UTC) - timedelta(days=60)).date()
    proof = {
        "sold_on": sold.isoformat(),
        "proof": "invoice 9",
        "warranty_months": 12,
        "serial": serial,
    }
    for began in (20, 40):
        job = new_job(desk)
        post(desk, f"/jobs/{job['id']}/purchase", proof)
        stay = {
            "began_on": (sold + timedelta(days=began)).isoformat(),
            "ended_on": (sold + timedelta(days=began + 1)).isoformat(),
            "held": False,
        }
        post(desk, f"/jobs/{job['id']}/stays", stay)
    third = new_job(desk)
    told = post(desk, f"/jobs/{third['id']}/purchase", proof)
    assert told["remedies"] == ["repair", "exchange", "return"]
    assert told["failed_repairs"] == 2


def test_1_3_fees_replayed_stale_foreign_and_expired_consents_are_one_clear_error_each(
    world: World, desk: FlaskClient
) -> None:
    job, other = new_job(desk), new_job(desk)
    own, stranger = (consumer(world, UUID(one["id"])) for one in (job, other))
    one = quote(desk, job["id"])
    path = f"/jobs/{job['id']}/quotes/{one['id']}/decision"
    yes = {"sha256": one["sha256"], "agreed": True}
    refused(own, path, {**yes, "sha256": "0" * 64}, 409, "consent_stale")
    refused(stranger, path, yes, 404, "not_found")
    refused(stranger, f"/jobs/{other['id']}/quotes/{one['id']}/decision", yes, 404, "not_found")
    post(own, path, yes)
    refused(own, path, yes, 409, "consent_replayed")
    refused(own, path, {**yes, "agreed": False}, 409, "consent_replayed")
    two = quote(desk, other["id"])
    three = quote(desk, other["id"])
    stale = f"/jobs/{other['id']}/quotes/{two['id']}/decision"
    refused(stranger, stale, {"sha256": two["sha256"], "agreed": True}, 409, "quote_superseded")
    with world.sessions.begin() as session:
        session.get_one(Quote, UUID(three["id"])).expires_at = datetime.now(UTC)
    late = f"/jobs/{other['id']}/quotes/{three['id']}/decision"
    refused(stranger, late, {"sha256": three["sha256"], "agreed": True}, 409, "quote_expired")
    with world.sessions.begin() as session:
        for link in session.scalars(
            select(ConsumerLink).where(ConsumerLink.job_id == UUID(job["id"]))
        ):
            link.expires_at = datetime.now(UTC)
        consents = session.scalars(select(Consent).where(Consent.job_id == UUID(job["id"]))).all()
        assert [consent.agreed for consent in consents] == [True]
    gone = own.get("/api/v1/link")
    assert (gone.status_code, gone.get_json()["code"]) == (410, "link_expired")


def test_1_3_complaints_deadlines_are_recomputed_per_law_version(desk: FlaskClient) -> None:
    made = complaint(desk, new_job(desk)["id"])
    path = f"/complaints/{made['id']}"
    step = {"id": str(uuid7()), "event": "accept", "at": now(), "note": ""}
    post(desk, f"{path}/steps", step)
    new, old = get(desk, path), get(desk, f"{path}?rules_on=2026-04-14")

    def conclusion(told: Any) -> datetime:
        (clock,) = (c for c in told["clocks"] if c["name"] == "conclusion")
        return datetime.fromisoformat(clock["deadlines"][0]["due_at"])

    accepted = datetime.fromisoformat(new["steps"][0]["at"])
    assert timedelta(days=60) <= conclusion(new) - accepted < timedelta(days=61, hours=1)
    assert conclusion(old) != conclusion(new)
    assert {rule["version"] for rule in old["rules"]} == {"complaint-CN-order-20"}
    assert "accept_within" in new["unconfirmed"]


def test_1_3_complaints_go_through_mediation_and_appeal_and_no_illegal_step(
    world: World, desk: FlaskClient
) -> None:
    job = new_job(desk)
    own = consumer(world, UUID(job["id"]))
    made = complaint(own, job["id"], text="It leaks again")
    path = f"/complaints/{made['id']}/steps"

    def step(event: str) -> dict[str, str]:
        return {"id": str(uuid7()), "event": event, "note": "said so"}

    refused(desk, path, step("settle"), 409, "illegal_step")
    refused(own, path, step("accept"), 403, "forbidden")
    for event in ("accept", "mediate", "fail"):
        post(desk, path, step(event))
    told = post(own, path, step("appeal"))
    assert told["state"] == "appealed"
    assert {clock["name"] for clock in told["clocks"]} >= {"appeal 1 acceptance"}


def test_1_3_complaints_the_file_for_12315_is_whole_as_json_and_pdf(
    world: World, desk: FlaskClient
) -> None:
    job = new_job(desk)
    agree(desk, job["id"], quote(desk, job["id"]))
    made = complaint(desk, job["id"], text="漏水未修好 <b>&")
    file = get(desk, f"/complaints/{made['id']}/file")
    sealed = file.pop("sha256")
    assert fingerprint(file) == sealed
    assert file["complaint"]["text"] == "漏水未修好 <b>&"
    assert file["quotes"][0]["status"] == "accepted"
    answer = desk.get(f"/api/v1/complaints/{made['id']}/file.pdf")
    assert answer.data.startswith(b"%PDF-") and answer.mimetype == "application/pdf"


def test_1_3_privacy_whereabouts_need_a_consent_of_their_own_and_it_can_be_taken_back(
    world: World, desk: FlaskClient
) -> None:
    job = new_job(desk)
    own = consumer(world, UUID(job["id"]))
    agree(own, job["id"], quote(desk, job["id"]))
    shown = get(own, "/link?language=en")["whereabouts"]
    assert shown["agreed"] is False
    path = f"/jobs/{job['id']}/whereabouts"
    refused(own, path, {"sha256": "0" * 64, "agreed": True}, 409, "consent_stale")
    for agreed in (True, False):
        post(own, path, {"sha256": shown["sha256"], "agreed": agreed})
        assert get(own, "/link?language=en")["whereabouts"]["agreed"] is agreed


def test_1_3_privacy_a_consumer_gets_everything_and_leaves_the_record_but_not_the_name(
    world: World, desk: FlaskClient
) -> None:
    admin = world.client("admin")
    job = new_job(desk)
    with world.sessions() as session:
        consumer_id = session.get_one(Job, UUID(job["id"])).request.consumer_id
    path = f"/consumers/{consumer_id}"
    data = get(admin, f"{path}/data")
    assert data["consumer"]["phone"] == "+56 9 0000 0042"
    assert data["reports"][0]["address"] == "Avenida Balmaceda 1234"
    years = timedelta(days=3 * 365)
    kept_until = datetime.fromisoformat(data["kept_because"][0]["kept_until"]).date()
    assert kept_until - datetime.now(UTC).date() >= years
    refused(admin, f"{path}/erasure", {}, 409, "case_open")
    with world.sessions.begin() as session:
        session.get_one(Job, UUID(job["id"])).status = "done"
    told = post(admin, f"{path}/erasure", {})
    assert post(admin, f"{path}/erasure", {}) == told
    after = get(admin, f"{path}/data")
    assert after["consumer"]["name"].startswith("consumer-")
    assert "Rosa" not in str(after) and "Balmaceda" not in str(after)
    assert after["reports"][0]["fault"] == "not-cooling"
