"""Itemised quotes and the consents to them: what was shown is what was agreed to, and no more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from api.db.models import Consent, Job, LegalText, Quote
from api.services.activity import record
from api.services.identity import Identity
from api.services.papers import book_of, next_number, prices_on, shown_texts
from api.services.refusals import Refusal
from api.services.rule_packs import setting_of
from api.services.warranties import entitlement_of, free_kinds
from domain.fees import FeeError, LineKind, QuoteLine, fingerprint, price, total_fen

STANDS_FOR = timedelta(days=7)
"""How long a quote may be agreed to."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A line asked for: the price book's code, and how many."""

    code: str
    quantity: int


def offer(
    session: Session,
    job: Job,
    wanted: list[Wanted],
    language: str,
    who: Identity,
    now: datetime,
) -> list[Quote]:
    """Quotes for a job: one for what is foreseen; once it is accepted, one for each added item.

    Every added item is a question of its own, so that a consumer can take one and leave another.

    Raises
    ------
    Refusal
        ``quote_closed`` for a job that is over; ``text_missing``; ``invalid`` for a code without a
        price.
    """
    if job.status in ("done", "cancelled"):
        raise Refusal("quote_closed", f"the job is {job.status}", status=job.status)
    accepted = session.scalar(
        select(Quote.id).where(
            Quote.job_id == job.id, Quote.kind == "initial", Quote.status == "accepted"
        )
    )
    if accepted is None:
        session.execute(
            update(Quote)
            .where(Quote.job_id == job.id, Quote.status == "offered")
            .values(status="superseded")
        )
        return [_quote(session, job, "initial", wanted, language, who, now)]
    return [_quote(session, job, "added", [one], language, who, now) for one in wanted]


def _quote(
    session: Session,
    job: Job,
    kind: str,
    wanted: list[Wanted],
    language: str,
    who: Identity,
    now: datetime,
) -> Quote:
    texts = shown_texts(session, language)
    setting = setting_of(session)
    row = prices_on(session, setting.day(now))
    judgement, found = entitlement_of(session, job)
    try:
        lines = price(book_of(row), [(one.code, one.quantity) for one in wanted], free_kinds(found))
        total = total_fen(lines)
    except FeeError as error:
        raise Refusal("invalid", str(error)) from None
    number = next_number(session, Quote.number, Quote.job_id == job.id)
    expires_at = now + STANDS_FOR
    document = {
        "job": job.number,
        "number": number,
        "kind": kind,
        "language": language,
        "currency": row.currency,
        "lines": [line.document() for line in lines],
        "total_fen": total,
        "price_book": {"version": row.version, "sha256": row.sha256},
        "texts": {
            key: {"version": text.version, "sha256": text.sha256, "body": text.body}
            for key, text in texts.items()
        },
        "entitlement": {
            "remedies": [str(remedy) for remedy in found.remedies],
            "why": [line.text for line in judgement.trace],
            "unconfirmed": [ruling.key for ruling in judgement.unconfirmed],
        },
        "expires_at": expires_at.isoformat(),
    }
    quote = Quote(
        job_id=job.id,
        number=number,
        kind=kind,
        book_id=row.id,
        document=document,
        sha256=fingerprint(document),
        total_fen=total,
        currency=row.currency,
        offered_by=who.person_id,
        expires_at=expires_at,
    )
    session.add(quote)
    session.flush()
    record(
        session,
        "quote_offered",
        "job",
        job.id,
        actor_id=who.person_id,
        quote_id=str(quote.id),
        number=number,
        quote_kind=kind,
        total_fen=total,
        sha256=quote.sha256,
    )
    return quote


def decide(
    session: Session,
    job: Job,
    quote_id: UUID,
    shown_sha256: str,
    agreed: bool,
    door: str,
    who: Identity,
    now: datetime,
) -> Consent:
    """A consumer's yes or no to a quote of this job, to exactly what was shown, once.

    Raises
    ------
    Refusal
        ``not_found`` for a quote of another job; ``consent_replayed`` when it has been answered;
        ``quote_superseded``; ``quote_expired``; ``consent_stale`` when something else was shown.
    """
    quote = session.scalars(
        select(Quote).where(Quote.id == quote_id, Quote.job_id == job.id).with_for_update()
    ).one_or_none()
    if quote is None:
        raise Refusal("not_found", "this job has no such quote")
    if quote.status in ("accepted", "declined"):
        raise Refusal(
            "consent_replayed", f"the quote was {quote.status} already", status=quote.status
        )
    if quote.status == "superseded":
        raise Refusal("quote_superseded", "a newer quote has taken its place")
    if quote.expires_at <= now:
        raise Refusal("quote_expired", "ask for a new quote", expired_at=quote.expires_at)
    if shown_sha256 != quote.sha256:
        raise Refusal("consent_stale", "what was shown is not what the quote says; read it again")
    quote.status = "accepted" if agreed else "declined"
    consent = _keep(session, job, "quote", shown_sha256, agreed, door, who, quote.id)
    record(
        session,
        f"quote_{quote.status}",
        "job",
        job.id,
        actor_id=who.person_id,
        quote_id=str(quote.id),
        consent_id=str(consent.id),
        total_fen=quote.total_fen,
        door=door,
        sha256=shown_sha256,
    )
    return consent


def _keep(
    session: Session,
    job: Job,
    subject: str,
    shown_sha256: str,
    agreed: bool,
    door: str,
    who: Identity,
    quote_id: UUID | None = None,
) -> Consent:
    consent = Consent(
        id=uuid7(),
        job_id=job.id,
        subject=subject,
        quote_id=quote_id,
        shown_sha256=shown_sha256,
        agreed=agreed,
        door=door,
        link_id=getattr(who, "link_id", None),
        person_id=who.person_id,
    )
    session.add(consent)
    session.flush()
    return consent


def decide_whereabouts(
    session: Session, job: Job, shown_sha256: str, agreed: bool, door: str, who: Identity
) -> Consent:
    """A yes or no, of its own, to keeping where the consumer is; a later one takes it back.

    Raises
    ------
    Refusal
        ``consent_stale`` when the text shown is not a published one.
    """
    known = session.scalar(
        select(LegalText.id).where(LegalText.key == "whereabouts", LegalText.sha256 == shown_sha256)
    )
    if known is None:
        raise Refusal("consent_stale", "no such text about whereabouts was published")
    consent = _keep(session, job, "whereabouts", shown_sha256, agreed, door, who)
    record(
        session,
        "whereabouts_agreed" if agreed else "whereabouts_refused",
        "job",
        job.id,
        actor_id=who.person_id,
        consent_id=str(consent.id),
        door=door,
    )
    return consent


def whereabouts_agreed(session: Session, job_id: UUID) -> bool:
    """Whether the consumer's last word about whereabouts was a yes; without a word it is no."""
    last = session.scalars(
        select(Consent.agreed)
        .where(Consent.job_id == job_id, Consent.subject == "whereabouts")
        .order_by(Consent.at.desc(), Consent.id.desc())
        .limit(1)
    ).first()
    return bool(last)


def quotes_of(session: Session, job_id: UUID) -> list[Quote]:
    """A job's quotes in order."""
    return list(session.scalars(select(Quote).where(Quote.job_id == job_id).order_by(Quote.number)))


def lines_of(quote: Quote) -> list[QuoteLine]:
    """A quote's lines as the domain's."""
    return [
        QuoteLine(
            line["code"],
            LineKind(line["kind"]),
            line["name"],
            line["quantity"],
            line["unit_fen"],
            line["free_because"],
        )
        for line in quote.document["lines"]
    ]


def quote_view(quote: Quote) -> dict[str, Any]:
    """A quote as the API tells it: the document to be read, and the fingerprint to agree to."""
    return {
        "id": quote.id,
        "job_id": quote.job_id,
        "number": quote.number,
        "kind": quote.kind,
        "status": quote.status,
        "total_fen": quote.total_fen,
        "currency": quote.currency,
        "sha256": quote.sha256,
        "document": quote.document,
        "offered_at": quote.offered_at,
        "expires_at": quote.expires_at,
    }
