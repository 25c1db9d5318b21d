"""All tables, imported once, so that metadata is complete wherever it is needed."""

from api.db.base import Base
from api.db.people import Person, Session, Token
from api.db.plans import Plan, PlanRun, RouteSheet, Visit, VisitEvent
from api.db.record import Activity, IdempotencyKey
from api.db.work import Consumer, Job, Request
from api.db.workforce import Certificate, Outlet, Region, Shift, Technician

__all__ = [
    "Activity",
    "Base",
    "Certificate",
    "Consumer",
    "IdempotencyKey",
    "Job",
    "Outlet",
    "Person",
    "Plan",
    "PlanRun",
    "Region",
    "Request",
    "RouteSheet",
    "Session",
    "Shift",
    "Technician",
    "Token",
    "Visit",
    "VisitEvent",
]
