"""Third-party audits on the way, as tests need them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import select

from api.access import V1
from api.db.models import Person
from domain import ledger, sampling, signatures
from domain.audits import RESULT_TAG
from tests.api.finished import finished_jobs
from tests.api.world import World

SEED, NONCE = b"the seed of the assessor", b"and a nonce of its own"
KEY = bytes(range(32))


def an_audit(**changes: Any) -> dict[str, Any]:
    """An audit of the last weeks that is fine, with some values changed."""
    today = datetime.now(UTC).date()
    return {
        "title": "the work at the door",
        "from": str(today - timedelta(days=30)),
        "to": str(today + timedelta(days=1)),
        "size": 3,
    } | changes


@dataclass(frozen=True)
class ThirdParty:
    """An audit by an assessor: its address, and who takes part."""

    path: str
    assessor: FlaskClient
    operator: FlaskClient

    def commit(self) -> Any:
        """The first step."""
        sent = {
            "commitment": sampling.commitment(SEED, NONCE).hex(),
            "public_key": signatures.public_key(KEY).hex(),
        }
        return self.assessor.post(f"{self.path}/commitment", json=sent)

    def freeze(self) -> Any:
        """The second step, the operator's."""
        return self.operator.post(f"{self.path}/freeze")

    def reveal(self, seed: bytes = SEED) -> Any:
        """The third step."""
        return self.assessor.post(
            f"{self.path}/reveal", json={"seed": seed.hex(), "nonce": NONCE.hex()}
        )

    def result(self, key: bytes = KEY, **changes: Any) -> dict[str, Any]:
        """A signed result about the drawn jobs."""
        audit = self.assessor.get(self.path).get_json()
        document = {"audit": audit["id"], "drawn": audit["drawn"], "opinion": "sound 合格"}
        document |= changes
        signature = signatures.sign(key, RESULT_TAG + ledger.canonical(document)).hex()
        return {"document": document, "signature": signature}

    def drawn(self) -> list[str]:
        """All three steps; the sample."""
        for answer in (self.commit(), self.freeze(), self.reveal()):
            assert answer.status_code == 200, answer.text
        return list(self.assessor.get(self.path).get_json()["drawn"])


def third_party(world: World, login: str = "assessor", jobs: int = 3) -> ThirdParty:
    """A planned audit by an assessor, over some jobs that were just finished."""
    finished_jobs(world, jobs)
    operator = world.client("auditor")
    until = datetime.now(UTC) + timedelta(days=2)
    with world.sessions() as session:
        assert session.scalar(select(Person.id).where(Person.login == login)) is not None
    planned = operator.post(
        f"{V1}/audits", json=an_audit(assessor=login, access_until=until.isoformat())
    )
    assert planned.status_code == 201, planned.text
    path = f"{V1}/audits/{planned.get_json()['id']}"
    return ThirdParty(path, world.client(login), operator)
