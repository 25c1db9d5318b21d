"""What entry points do with the record: verify and seal the ledger, export evidence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from api import wiring
from api.services import sealing
from api.services.ledger_check import Verdict, check
from api.services.packs.pack import Made, make, of_case, of_period, of_sample
from api.services.regions import local_midnight, the_region
from config.settings import Settings


@contextmanager
def _session(settings: Settings) -> Iterator[Session]:
    engine = wiring.engine_of(settings)
    try:
        with wiring.sessions_of(engine).begin() as session:
            yield session
    finally:
        engine.dispose()


def verify_ledger(settings: Settings, anchors: Path | None = None) -> Verdict:
    """Check the ledger against its key and the lines told outside the database.

    Raises
    ------
    AnchorUnreadable
        For an anchor file that holds anything else.
    """
    anchor = wiring.anchor_of(settings)
    if anchors is not None:
        anchor = replace(anchor, path=anchors)
    with _session(settings) as session:
        return check(session, anchor.lines())


def seal_ledger(settings: Settings, now: datetime) -> dict[str, Any] | None:
    """Seal what is not sealed yet, anchor the head; its line, or None for an empty ledger."""
    with _session(settings) as session:
        sealing.seal(session, now)
        sealing.anchor_head(session, wiring.anchor_of(settings), now)
        return sealing.head_line(session, now)


def export_evidence(
    settings: Settings,
    out: Path,
    now: datetime,
    *,
    job: int | None = None,
    period: tuple[date, date] | None = None,
    sample: UUID | None = None,
) -> Made:
    """Write the pack of a job (by number), of the days of a period, or of an audit's sample.

    Raises
    ------
    Refusal
        ``not_found``, ``invalid``, ``audit_order``, ``too_large``.
    """
    with _session(settings) as session:
        if job is not None:
            wanted = of_case(session, job)
        elif sample is not None:
            wanted = of_sample(session, sample)
        else:
            assert period is not None
            zone = the_region(session).timezone
            end = period[1] + timedelta(days=1)
            wanted = of_period(session, local_midnight(period[0], zone), local_midnight(end, zone))
        return make(session, wanted, out, settings.data_dir, wiring.signer_of(settings), now)
