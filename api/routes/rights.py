"""What consumers are told, agree to and pay."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import select

from api.access import V1
from api.db.models import LegalText, PriceBook
from api.parsing import Blueprint
from api.schemas.fields import CursorQuery
from api.schemas.rights import (
    ChosenSchema,
    ConsentSchema,
    DecisionSchema,
    EntitlementQuery,
    LanguageSchema,
    MoneySchema,
    NewPriceBookSchema,
    NewQuoteSchema,
    NewTextSchema,
    PriceBookPageSchema,
    PriceBookSchema,
    PurchaseSchema,
    StaySchema,
    TextPageSchema,
    TextSchema,
)
from api.services import bills, choices, papers, quotes, warranties
from api.services.clock_events import ruling_view, trace_view
from api.services.identity import Identity
from api.services.paging import page
from api.services.plain import plain
from api.services.refusals import Refusal
from api.services.scope import reach_job
from api.services.visits import utc_now
from api.unit_of_work import database, identity

blueprint = Blueprint("rights", __name__, url_prefix=V1, description="What consumers agree to")


def door_of(who: Identity) -> str:
    """Where a consumer decides: on the link, on the technician's screen, or at the desk."""
    return {"consumer": "link", "technician": "screen"}.get(who.role, "desk")


@blueprint.route("/texts", methods=["GET"])
@blueprint.arguments(CursorQuery, location="query")
@blueprint.response(200, TextPageSchema)
def texts(query: dict[str, Any]) -> dict[str, Any]:
    """Every version of every text that consumers are shown."""
    items, following = page(
        database(), select(LegalText), [LegalText.id], query.get("cursor"), query["limit"]
    )
    return {"items": items, "next": following}


@blueprint.route("/texts", methods=["POST"])
@blueprint.arguments(NewTextSchema)
@blueprint.response(201, TextSchema)
def publish_text(data: dict[str, Any]) -> LegalText:
    """A new version of a text; the same words again are the version there is."""
    return papers.publish_text(
        database(), data["key"], data["language"], data["body"], identity().person_id
    )


@blueprint.route("/price-books", methods=["GET"])
@blueprint.arguments(CursorQuery, location="query")
@blueprint.response(200, PriceBookPageSchema)
def price_books(query: dict[str, Any]) -> dict[str, Any]:
    """Every price book."""
    items, following = page(
        database(), select(PriceBook), [PriceBook.id], query.get("cursor"), query["limit"]
    )
    return {"items": items, "next": following}


@blueprint.route("/price-books", methods=["POST"])
@blueprint.arguments(NewPriceBookSchema)
@blueprint.response(201, PriceBookSchema)
def publish_prices(data: dict[str, Any]) -> PriceBook:
    """A new price book, in force from its day on."""
    return papers.publish_prices(
        database(),
        data["version"],
        data["currency"],
        data["valid_from"],
        data["items"],
        identity().person_id,
    )


@blueprint.route("/jobs/<uuid:job_id>/purchase", methods=["POST"])
@blueprint.arguments(PurchaseSchema)
@blueprint.response(201, description="What the consumer may ask for now")
def purchase(data: dict[str, Any], job_id: UUID) -> dict[str, Any]:
    """Record the thing that is repaired; a known serial brings its earlier repairs."""
    session, who = database(), identity()
    job = reach_job(session, who, job_id)
    warranties.put_purchase(session, job, warranties.Proof(**data), who.person_id)
    return _entitlement(job, {})


@blueprint.route("/jobs/<uuid:job_id>/stays", methods=["POST"])
@blueprint.arguments(StaySchema)
@blueprint.response(201, description="What the consumer may ask for now")
def stay(data: dict[str, Any], job_id: UUID) -> dict[str, Any]:
    """Record days in repair, waiting for parts, and a loaner given."""
    session, who = database(), identity()
    job = reach_job(session, who, job_id)
    warranties.put_stay(session, job, data, who.person_id)
    return _entitlement(job, {})


@blueprint.route("/jobs/<uuid:job_id>/entitlement", methods=["GET"])
@blueprint.arguments(EntitlementQuery, location="query")
@blueprint.response(200, description="Remedies, what is free, and why")
def entitlement(query: dict[str, Any], job_id: UUID) -> dict[str, Any]:
    """What the three guarantees (三包) give on a day, by the rules of a day, line by line."""
    return _entitlement(reach_job(database(), identity(), job_id), query)


def _entitlement(job: Any, query: dict[str, Any]) -> dict[str, Any]:
    judgement, found = warranties.entitlement_of(
        database(), job, query.get("as_of"), query.get("rules_on")
    )
    told: dict[str, Any] = plain(
        {
            "remedies": found.remedies,
            "free_kinds": sorted(found.free_kinds),
            "warranty_until": found.warranty_until,
            "days_in_repair": found.days_in_repair,
            "failed_repairs": found.failed_repairs,
            "loaner_due_on": found.loaner_due_on,
            "proof_until": found.proof_until,
            "rules": [ruling_view(ruling) for ruling in judgement.rulings],
            "unconfirmed": [ruling.key for ruling in judgement.unconfirmed],
            "trace": [trace_view(line) for line in judgement.trace],
        }
    )
    return told


@blueprint.route("/jobs/<uuid:job_id>/quotes", methods=["GET"])
@blueprint.response(200, description="The job's quotes, as they were shown")
def quotes_of(job_id: UUID) -> dict[str, Any]:
    """A job's quotes in order, each with the fingerprint that a consent names."""
    job = reach_job(database(), identity(), job_id)
    found = quotes.quotes_of(database(), job.id)
    told: dict[str, Any] = plain({"items": [quotes.quote_view(quote) for quote in found]})
    return told


@blueprint.route("/jobs/<uuid:job_id>/quotes", methods=["POST"])
@blueprint.arguments(NewQuoteSchema)
@blueprint.response(201, description="The new quotes")
def offer_quote(data: dict[str, Any], job_id: UUID) -> dict[str, Any]:
    """Offer a quote; once the first is accepted, every added item is a quote of its own."""
    session, who = database(), identity()
    job = reach_job(session, who, job_id)
    wanted = [quotes.Wanted(line["code"], line["quantity"]) for line in data["lines"]]
    made = quotes.offer(session, job, wanted, data["language"], who, utc_now())
    told: dict[str, Any] = plain({"items": [quotes.quote_view(quote) for quote in made]})
    return told


@blueprint.route("/jobs/<uuid:job_id>/quotes/<uuid:quote_id>/decision", methods=["POST"])
@blueprint.arguments(DecisionSchema)
@blueprint.response(201, ConsentSchema)
def decide(data: dict[str, Any], job_id: UUID, quote_id: UUID) -> Any:
    """The consumer's yes or no to exactly what was shown, once."""
    session, who = database(), identity()
    job = reach_job(session, who, job_id)
    return quotes.decide(
        session, job, quote_id, data["sha256"], data["agreed"], door_of(who), who, utc_now()
    )


@blueprint.route("/jobs/<uuid:job_id>/whereabouts", methods=["POST"])
@blueprint.arguments(DecisionSchema)
@blueprint.response(201, ConsentSchema)
def whereabouts(data: dict[str, Any], job_id: UUID) -> Any:
    """The consumer's separate yes or no to whereabouts; a later one takes it back."""
    session, who = database(), identity()
    job = reach_job(session, who, job_id)
    return quotes.decide_whereabouts(
        session, job, data["sha256"], data["agreed"], door_of(who), who
    )


@blueprint.route("/jobs/<uuid:job_id>/bill", methods=["GET"])
@blueprint.response(200, description="The bill, and where its money stands")
def bill(job_id: UUID) -> dict[str, Any]:
    """The newest version of a job's bill, held against the consents."""
    job = reach_job(database(), identity(), job_id)
    found = bills.newest_bill(database(), job.id)
    if found is None:
        raise Refusal("not_found", "there is no bill yet")
    told: dict[str, Any] = plain(bills.bill_view(database(), found))
    return told


@blueprint.route("/jobs/<uuid:job_id>/bill", methods=["POST"])
@blueprint.response(201, description="The bill, and where its money stands")
def issue_bill(job_id: UUID) -> dict[str, Any]:
    """Bill what the consumer agreed to, to the fen, less corrections."""
    session, who = database(), identity()
    made = bills.issue(session, reach_job(session, who, job_id), who)
    told: dict[str, Any] = plain(bills.bill_view(session, made))
    return told


@blueprint.route("/jobs/<uuid:job_id>/money", methods=["POST"])
@blueprint.arguments(MoneySchema)
@blueprint.response(201, description="The entry, and where the job's money stands")
def move_money(data: dict[str, Any], job_id: UUID) -> dict[str, Any]:
    """A payment, a refund, or a correction of what was agreed, once."""
    session, who = database(), identity()
    job = reach_job(session, who, job_id)
    entry = bills.move(session, job, bills.Movement(**data), who)
    told: dict[str, Any] = plain(
        {
            "id": entry.id,
            "kind": entry.kind,
            "amount_fen": entry.amount_fen,
            "reason": entry.reason,
            "reconciliation": asdict(bills.reconcile(bills.account_of(session, job.id))),
        }
    )
    return told


@blueprint.route("/reconciliation", methods=["GET"])
@blueprint.response(200, description="All bills held against consents, payments and refunds")
def reconciliation() -> dict[str, Any]:
    """Every bill against its consents and corrections; `unexplained_fen` is to be 0."""
    return asdict(bills.reconcile_all(database()))


@blueprint.route("/jobs/<uuid:job_id>/choices", methods=["POST"])
@blueprint.arguments(LanguageSchema)
@blueprint.response(201, description="The alternatives with prices and the ranking rule")
def offer_choices(data: dict[str, Any], job_id: UUID) -> dict[str, Any]:
    """The alternatives as they stand now: provider, mode, time, price; kept as they are shown."""
    session, who = database(), identity()
    job = reach_job(session, who, job_id)
    made = choices.offer_choices(session, job, data["language"], door_of(who), utc_now())
    told: dict[str, Any] = plain(choices.choice_view(made))
    return told


@blueprint.route("/jobs/<uuid:job_id>/choices/<uuid:choice_id>", methods=["POST"])
@blueprint.arguments(ChosenSchema)
@blueprint.response(201, description="The choice on record")
def choose(data: dict[str, Any], job_id: UUID, choice_id: UUID) -> dict[str, Any]:
    """Take one of the alternatives that were shown."""
    session, who = database(), identity()
    job = reach_job(session, who, job_id)
    taken = choices.choose(session, job, choice_id, data["option"], who, utc_now())
    told: dict[str, Any] = plain(choices.choice_view(taken))
    return told
