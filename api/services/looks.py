"""Looks at personal data: noted where it is shown, written once a request.

Whatever shows personal data calls `seen`. The edge opens a notebook before a request and has what
is in it written after, in the transaction of the answer. Outside a request `seen` notes nothing:
nobody is looking.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import Final
from uuid import UUID

from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from api.db.models import Look
from api.services.identity import Identity
from domain import roles

REQUEST: Final = "request"
PLAN: Final = "plan"
ROUTE_SHEET: Final = "route_sheet"
EVIDENCE: Final = "evidence"
NOTHING_PERSONAL: Final = "none"
LONGEST_REASON: Final = 300

_notebook: ContextVar[dict[str, dict[UUID, None]] | None] = ContextVar("looks", default=None)
# A look that is lost with a crash of the whole database server, within half a second, is worth less
# than every reader of a route waiting for the disk; the ledger's rows never take this way.
_DO_NOT_WAIT = text("SET LOCAL synchronous_commit = off")


def start() -> None:
    """Open an empty notebook for this request."""
    _notebook.set({})


def seen(subject: str, subject_id: UUID) -> None:
    """Note that personal data is shown clear: which kind of thing, which one."""
    notebook = _notebook.get()
    if notebook is not None:
        notebook.setdefault(subject, {})[subject_id] = None


def keep(session: Session, who: Identity, route: str, why: str, *, only_looks: bool) -> bool:
    """Write what this request has shown; True when there was anything to write.

    Parameters
    ----------
    route
        Method and rule, as `api.access` names them.
    why
        The reason the viewer gave; may be empty.
    only_looks
        Whether the transaction changes nothing else, so that its commit need not wait for the disk.
    """
    notebook = _notebook.get() or {}
    _notebook.set(None)
    if not notebook and who.role in roles.OUTSIDE:
        notebook = {NOTHING_PERSONAL: {}}
    if not notebook:
        return False
    if only_looks:
        session.execute(_DO_NOT_WAIT)
    session.execute(
        insert(Look),
        [
            {
                "holder_id": who.holder_id,
                "role": who.role,
                "route": route,
                "subject": subject,
                "subject_ids": list(ids),
                "why": why[:LONGEST_REASON],
            }
            for subject, ids in notebook.items()
        ],
    )
    return True
