"""The week's audits: one of the firm's own, drawn twice; one by a third party, and its pack."""

from __future__ import annotations

import secrets
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from api import wiring
from api.db.models import Audit, Person
from api.services import audit_actions, audit_samples, audits
from api.services.identity import Identity
from api.services.packs.pack import make, of_sample
from api.week.cast import cast_of
from api.week.evidence import verified
from api.week.proofs import Proof
from config.settings import Settings
from domain import roles, sampling, signatures
from domain.audits import FAIL, PASS, RESULT_TAG
from domain.ledger import canonical

SIZE = 12
SEED = "5eed5eed5eed5eed"


def audited(
    settings: Settings,
    sessions: sessionmaker[Session],
    folder: Path,
    first: date,
    last: date,
    now: datetime,
) -> list[Proof]:
    """Hold both audits over the week's jobs, and say what they show."""
    with sessions.begin() as session:
        proofs = [_internal(session, first, last, now)]
    with sessions.begin() as session:
        audit_id = _third_party(session, first, last, now).id
    pack = folder / "papers" / "sample.zip"
    with sessions.begin() as session:
        wanted = of_sample(session, audit_id)
        signer = wiring.signer_of(settings)
        made = make(session, wanted, pack, settings.data_dir, signer, now)
    public = signatures.public_key(signer.seed).hex()
    accepted, told = verified(pack, settings.ledger_anchor, public)
    proofs.append(
        Proof(
            "the offline verifier accepts the third party's sample",
            accepted,
            {"pack": str(pack), "jobs": made.jobs, "told": told},
        )
    )
    return proofs


def _internal(session: Session, first: date, last: date, now: datetime) -> Proof:
    """Two audits from one seed; the first is carried through, with an action and a re-measure."""
    auditor = cast_of(session).auditor
    wanted = audits.NewAudit("the week", "service", first, last, "class", SIZE, SEED)
    drawn = []
    for _ in range(2):
        audit = audits.plan_audit(session, wanted, auditor, now)
        audits.draw_audit(session, audit, auditor, now)
        drawn.append(audit_samples.drawn_jobs(session, audit))
    item = audit.items[0]["code"]
    _find_all(session, audit, FAIL, auditor, now)
    due = now.date() + timedelta(days=14)
    action = audit_actions.add_action(
        session, audit, item, "shown once more", auditor.login, due, auditor
    )
    audit_actions.finish_action(session, action.id, "shown", auditor, now)
    again = audits.measure_again(session, audit, first, last, "", auditor, now)
    audits.draw_audit(session, again, auditor, now)
    _find_all(session, again, PASS, auditor, now)
    result = audits.results(session, again)[0]
    return Proof(
        "the same seed draws the same sample",
        drawn[0] == drawn[1] and bool(drawn[0]) and result["improved"] is True,
        {
            "population": len(audit.population or {}),
            "drawn": len(drawn[0]),
            "passed_before": result["before"].passed,
            "passed_again": result["passed"],
        },
    )


def _find_all(
    session: Session, audit: Audit, first_item: str, who: Identity, now: datetime
) -> None:
    """Every item of every sampled job passes, but for the first, which is as told."""
    codes = [item["code"] for item in audit.items]
    found = [
        audits.NewFinding(UUID(job_id), code, first_item if code == codes[0] else PASS, "")
        for job_id in audit_samples.drawn_jobs(session, audit)
        for code in codes
    ]
    audits.find(session, audit, found, who, now)
    audits.close_audit(session, audit, who, now)


def _third_party(session: Session, first: date, last: date, now: datetime) -> Audit:
    """Commit, freeze, reveal, result."""
    auditor = cast_of(session).auditor
    person = session.scalars(select(Person).where(Person.role == roles.ASSESSOR)).first()
    assert person is not None
    assessor = Identity(person.id, person.login, person.name, person.role)
    seed, nonce, key = (secrets.token_bytes(32) for _ in range(3))
    until = now + timedelta(days=30)
    wanted = audits.NewAudit(
        "the week, by a third party",
        "service",
        first,
        last,
        "outlet",
        SIZE,
        assessor=person.login,
        access_until=until,
    )
    audit = audits.plan_audit(session, wanted, auditor, now)
    public = signatures.public_key(key).hex()
    audits.commit(session, audit, sampling.commitment(seed, nonce).hex(), public, assessor, now)
    audits.freeze(session, audit, auditor, now)
    audits.reveal(session, audit, seed.hex(), nonce.hex(), assessor, now)
    document = {
        "audit": str(audit.id),
        "drawn": audit_samples.drawn_jobs(session, audit),
        "opinion": "the record is complete",
    }
    signature = signatures.sign(key, RESULT_TAG + canonical(document)).hex()
    return audits.take_result(session, audit, document, signature, assessor, now)
