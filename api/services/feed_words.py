"""What people wrote in lines of the activity feed, for roles that are shown no names.

A line tells codes, numbers and ids; a few of its values are somebody's own words: why a job was
cancelled, why a held event was set aside. They may name the consumer.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from api.db.among import among
from api.db.models import Complaint, Job, Request, Visit
from api.services.activity import Line
from api.services.masking import NAME, mask_words, sees

WORDS: Final = frozenset({"reason", "why", "note"})
"""Values of lines that somebody wrote."""

HIDDEN: Final = "…"


def masked(session: Session, lines: Iterable[Line], role: str) -> list[dict[str, Any]]:
    """The bodies of lines as a role may read them.

    Words about a case lose what names its consumer (`api.services.masking.mask_words`); words about
    something else (a message that is nobody's job yet) are left out whole, for nothing says whose
    names are in them.
    """
    bodies = [line.body for line in lines]
    if sees(NAME, role):
        return bodies
    telling = [body for body in bodies if _words_of(body)]
    requests = _requests(session, telling) if telling else {}
    for body in telling:
        request = requests.get((body["subject"], UUID(body["subject_id"])))
        body["data"] = body["data"] | {
            key: HIDDEN if request is None else mask_words(text, request, role)
            for key, text in _words_of(body).items()
        }
    return bodies


def _words_of(body: dict[str, Any]) -> dict[str, str]:
    return {
        key: value
        for key, value in body["data"].items()
        if key in WORDS and isinstance(value, str) and value
    }


def _requests(
    session: Session, bodies: Iterable[dict[str, Any]]
) -> dict[tuple[str, UUID], Request]:
    """The report behind each line's subject, by subject and id."""
    wanted: dict[str, set[UUID]] = {"job": set(), "visit": set(), "complaint": set()}
    for body in bodies:
        if body["subject"] in wanted:
            wanted[body["subject"]].add(UUID(body["subject_id"]))
    cases = {("job", job_id): job_id for job_id in wanted["job"]}
    for subject, table in (("visit", Visit), ("complaint", Complaint)):
        if wanted[subject]:
            for key, job_id in session.execute(
                select(table.id, table.job_id).where(among(table.id, wanted[subject]))
            ):
                cases[subject, key] = job_id
    requests = {
        job.id: job.request
        for job in session.scalars(
            select(Job)
            .where(among(Job.id, set(cases.values())))
            .options(joinedload(Job.request).joinedload(Request.consumer))
        )
    }
    return {subject: requests[job_id] for subject, job_id in cases.items() if job_id in requests}
