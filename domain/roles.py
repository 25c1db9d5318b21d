"""The parts people play around a repair, by one name each.

``CONSUMER`` is nobody who signs in: it is whoever holds a link to one job.
"""

from __future__ import annotations

from typing import Final

TECHNICIAN: Final = "technician"
DISPATCHER: Final = "dispatcher"
PLANNER: Final = "planner"
DESK_AGENT: Final = "desk_agent"
OUTLET_MANAGER: Final = "outlet_manager"
AUDITOR: Final = "auditor"
REGULATOR: Final = "regulator"
ASSOCIATION: Final = "association"
ASSESSOR: Final = "assessor"
ADMIN: Final = "admin"
CONSUMER: Final = "consumer"

SIGNING_IN: Final = (
    TECHNICIAN,
    DISPATCHER,
    PLANNER,
    DESK_AGENT,
    OUTLET_MANAGER,
    AUDITOR,
    REGULATOR,
    ASSOCIATION,
    ASSESSOR,
    ADMIN,
)
"""Roles of people with a login."""

ROLES: Final = (*SIGNING_IN, CONSUMER)
"""Every role that a request can have."""

OUTSIDE: Final = frozenset({REGULATOR, ASSOCIATION, ASSESSOR})
"""Who supervises and does not belong to the firm: reads, and every request is logged."""

SCOPED: Final = frozenset({TECHNICIAN, OUTLET_MANAGER, ASSESSOR, CONSUMER})
"""Who reaches some rows only: one's own visits, one's outlet, one's sample, one's job."""
