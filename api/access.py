"""Who may do what: one table, route by role. A route that is not in it does not start.

``ANYONE`` needs no sign-in. ``OWN`` names, route by route, the roles that reach only what is theirs
there; `api.services.scope` says what that is. Which personal data a role then sees is the table of
`api.services.masking`. A consumer signs in nowhere: the bearer of a link to one job has the role.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from flask import Flask

from api.services.masking import FIELDS, MASKS
from domain.roles import (
    ADMIN,
    ASSESSOR,
    ASSOCIATION,
    AUDITOR,
    CONSUMER,
    DESK_AGENT,
    DISPATCHER,
    OUTLET_MANAGER,
    OUTSIDE,
    PLANNER,
    REGULATOR,
    ROLES,
    SCOPED,
    SIGNING_IN,
    TECHNICIAN,
)

__all__ = [
    "ACCESS",
    "ADMIN",
    "ASSESSOR",
    "ASSOCIATION",
    "AUDITOR",
    "CONSUMER",
    "DESK_AGENT",
    "DISPATCHER",
    "OUTLET_MANAGER",
    "OUTSIDE",
    "OWN",
    "PLANNER",
    "REGULATOR",
    "ROLES",
    "SCOPED",
    "SIGNING_IN",
    "TECHNICIAN",
    "V1",
]

ANYONE: Final = frozenset({"anonymous", *ROLES})
SIGNED_IN: Final = frozenset(SIGNING_IN)
FIRM: Final = SIGNED_IN - OUTSIDE
OFFICE: Final = frozenset({DISPATCHER, PLANNER, ADMIN})
DESK: Final = frozenset({DISPATCHER, ADMIN})
INTAKE: Final = DESK | {DESK_AGENT}
STAFFING: Final = frozenset({PLANNER, ADMIN})
AUDITING: Final = frozenset({AUDITOR, ADMIN})
OVERSIGHT: Final = AUDITING | {PLANNER, REGULATOR, ASSOCIATION}
CASE_READERS: Final = OFFICE | {DESK_AGENT, OUTLET_MANAGER, AUDITOR, REGULATOR}
RIGHTS_DESK: Final = INTAKE | {TECHNICIAN}
"""Who acts for a job's consumer: at the desk, or at the door."""

CASE_SIDES: Final = CASE_READERS | {TECHNICIAN, CONSUMER}
"""Who may read a case's clocks, quotes and bill: the firm, who supervises, and whose case it is."""

COMPLAINT_READERS: Final = INTAKE | {OUTLET_MANAGER, AUDITOR, REGULATOR, ASSOCIATION}
AUDIT_READERS: Final = AUDITING | {REGULATOR, ASSESSOR}
"""An assessor reads the own audits only."""

CONSULTED: Final = frozenset({REGULATOR, ASSOCIATION, ASSESSOR, CONSUMER})
CONSULTING: Final = AUDITING | {PLANNER}
"""Who suggests, and who answers for the firm."""

PLANS_READERS: Final = OFFICE | {AUDITOR, REGULATOR}
"""Who may see where outlets are going to stand, and why."""

EVIDENCE: Final = frozenset({AUDITOR, REGULATOR, ADMIN, ASSESSOR})
"""Who may take cases out whole, with a reason: a pack shows personal data in clear. An assessor's
holds the drawn sample, or a case of it, and names nobody.
"""

ASKING: Final = frozenset({AUDITOR, REGULATOR})
"""Roles that are shown personal data only when they give a reason."""

V1: Final = "/api/v1"

IMPORTING: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "outlets": STAFFING,
        "technicians": STAFFING,
        "parts": STAFFING,
        "customers": INTAKE,
        "products": INTAKE,
        "price-book": frozenset({ADMIN}),
    }
)
"""Who may take over which table."""

EXPORTING: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "jobs": CASE_READERS,
        "visits": CASE_READERS,
        "bills": frozenset({ADMIN, AUDITOR, REGULATOR}),
        "technicians": CASE_READERS,
        "outlets": CASE_READERS,
        "parts": OFFICE | {AUDITOR},
        "complaints": COMPLAINT_READERS,
        "surveys": OVERSIGHT | {OUTLET_MANAGER},
    }
)
"""Who may take out which table; the rows and the fields are the role's own."""

ACCESS: Mapping[tuple[str, str], frozenset[str]] = MappingProxyType(
    {
        ("GET", "/"): ANYONE,
        ("GET", "/assets/<path:path>"): ANYONE,
        ("GET", "/<string:name>"): ANYONE,
        ("GET", "/phone"): ANYONE,
        ("GET", "/phone/"): ANYONE,
        ("GET", "/c"): ANYONE,
        ("GET", "/c/"): ANYONE,
        ("GET", "/healthz"): ANYONE,
        ("GET", "/metrics"): frozenset({ADMIN}),
        ("GET", "/api/openapi.json"): ANYONE,
        ("GET", f"{V1}/about"): ANYONE,
        ("POST", f"{V1}/session"): ANYONE,
        ("GET", f"{V1}/session"): SIGNED_IN,
        ("DELETE", f"{V1}/session"): SIGNED_IN,
        ("GET", f"{V1}/tokens"): SIGNED_IN,
        ("POST", f"{V1}/tokens"): SIGNED_IN,
        ("DELETE", f"{V1}/tokens/<uuid:token_id>"): SIGNED_IN,
        ("GET", f"{V1}/requests"): CASE_READERS,
        ("POST", f"{V1}/requests"): INTAKE,
        ("GET", f"{V1}/requests/<uuid:request_id>"): CASE_READERS,
        ("GET", f"{V1}/jobs"): CASE_READERS | {ASSESSOR},
        ("GET", f"{V1}/jobs/<uuid:job_id>"): CASE_READERS | {ASSESSOR},
        ("POST", f"{V1}/jobs/<uuid:job_id>/personal"): ASKING,
        ("GET", f"{V1}/looks"): frozenset({AUDITOR, REGULATOR, ADMIN}),
        ("POST", f"{V1}/jobs/<uuid:job_id>/offers"): INTAKE,
        ("POST", f"{V1}/jobs/<uuid:job_id>/commit"): INTAKE,
        ("POST", f"{V1}/jobs/<uuid:job_id>/leave-out"): DESK,
        ("GET", f"{V1}/jobs/<uuid:job_id>/why/<uuid:technician_id>"): (
            OFFICE | {DESK_AGENT, TECHNICIAN}
        ),
        ("POST", f"{V1}/visits/<uuid:visit_id>/delay"): DESK,
        ("POST", f"{V1}/technicians/<uuid:technician_id>/out"): DESK,
        ("POST", f"{V1}/plans/<uuid:plan_id>/undo"): DESK,
        ("POST", f"{V1}/plans/<uuid:plan_id>/edits"): DESK,
        ("GET", f"{V1}/outlets"): SIGNED_IN,
        ("POST", f"{V1}/outlets"): STAFFING,
        ("GET", f"{V1}/technicians"): CASE_READERS,
        ("POST", f"{V1}/technicians"): STAFFING,
        ("GET", f"{V1}/technicians/<uuid:technician_id>"): CASE_READERS,
        ("GET", f"{V1}/shifts"): OFFICE | {DESK_AGENT, OUTLET_MANAGER},
        ("POST", f"{V1}/shifts"): STAFFING,
        ("POST", f"{V1}/plans"): OFFICE,
        ("GET", f"{V1}/plans"): OFFICE,
        ("GET", f"{V1}/plans/<uuid:plan_id>"): OFFICE,
        ("GET", f"{V1}/plans/<uuid:plan_id>/problem"): OFFICE,
        ("GET", f"{V1}/plans/<uuid:plan_id>/document"): OFFICE,
        ("POST", f"{V1}/plans/<uuid:plan_id>/publish"): DESK,
        ("GET", f"{V1}/plan-runs/<uuid:run_id>"): OFFICE,
        ("POST", f"{V1}/plan-runs/<uuid:run_id>/cancel"): OFFICE,
        ("GET", f"{V1}/me/route"): frozenset({TECHNICIAN}),
        ("GET", f"{V1}/technicians/<uuid:technician_id>/route"): frozenset(
            {TECHNICIAN, DISPATCHER, OUTLET_MANAGER, ADMIN}
        ),
        ("GET", f"{V1}/visits"): INTAKE | {OUTLET_MANAGER},
        ("POST", f"{V1}/visits/<uuid:visit_id>/events"): frozenset({TECHNICIAN, DISPATCHER}),
        ("GET", f"{V1}/days/today"): OFFICE | {DESK_AGENT, AUDITOR},
        ("GET", f"{V1}/days/<string:day>"): OFFICE | {DESK_AGENT, AUDITOR},
        ("GET", f"{V1}/map/layers"): SIGNED_IN,
        ("GET", f"{V1}/rules"): SIGNED_IN,
        ("GET", f"{V1}/rules/<string:law>"): SIGNED_IN,
        ("GET", f"{V1}/rules/differences"): frozenset({PLANNER, ADMIN, AUDITOR, REGULATOR}),
        ("GET", f"{V1}/jobs/<uuid:job_id>/clocks"): CASE_SIDES | {ASSESSOR},
        ("POST", f"{V1}/jobs/<uuid:job_id>/clock-events"): RIGHTS_DESK,
        ("GET", f"{V1}/breaches"): OFFICE | {DESK_AGENT},
        ("GET", f"{V1}/texts"): SIGNED_IN,
        ("POST", f"{V1}/texts"): frozenset({ADMIN}),
        ("GET", f"{V1}/price-books"): SIGNED_IN,
        ("POST", f"{V1}/price-books"): frozenset({ADMIN}),
        ("POST", f"{V1}/jobs/<uuid:job_id>/purchase"): RIGHTS_DESK,
        ("POST", f"{V1}/jobs/<uuid:job_id>/stays"): RIGHTS_DESK,
        ("GET", f"{V1}/jobs/<uuid:job_id>/entitlement"): CASE_SIDES,
        ("GET", f"{V1}/jobs/<uuid:job_id>/quotes"): CASE_SIDES,
        ("POST", f"{V1}/jobs/<uuid:job_id>/quotes"): RIGHTS_DESK,
        ("POST", f"{V1}/jobs/<uuid:job_id>/quotes/<uuid:quote_id>/decision"): (
            RIGHTS_DESK | {CONSUMER}
        ),
        ("POST", f"{V1}/jobs/<uuid:job_id>/whereabouts"): RIGHTS_DESK | {CONSUMER},
        ("GET", f"{V1}/jobs/<uuid:job_id>/bill"): CASE_SIDES,
        ("POST", f"{V1}/jobs/<uuid:job_id>/bill"): RIGHTS_DESK,
        ("POST", f"{V1}/jobs/<uuid:job_id>/money"): RIGHTS_DESK,
        ("GET", f"{V1}/reconciliation"): frozenset({ADMIN, AUDITOR, REGULATOR}),
        ("POST", f"{V1}/jobs/<uuid:job_id>/choices"): INTAKE | {CONSUMER},
        ("POST", f"{V1}/jobs/<uuid:job_id>/choices/<uuid:choice_id>"): INTAKE | {CONSUMER},
        ("POST", f"{V1}/jobs/<uuid:job_id>/complaints"): INTAKE | {CONSUMER},
        ("GET", f"{V1}/complaints"): COMPLAINT_READERS,
        ("GET", f"{V1}/complaints/<uuid:complaint_id>"): COMPLAINT_READERS | {CONSUMER},
        ("POST", f"{V1}/complaints/<uuid:complaint_id>/steps"): INTAKE | {CONSUMER},
        ("POST", f"{V1}/complaints/<uuid:complaint_id>/clock-events"): INTAKE,
        ("GET", f"{V1}/complaints/<uuid:complaint_id>/file"): INTAKE | {CONSUMER},
        ("GET", f"{V1}/complaints/<uuid:complaint_id>/file.pdf"): INTAKE | {CONSUMER},
        ("GET", f"{V1}/consumers/<uuid:consumer_id>/data"): frozenset({DESK_AGENT, ADMIN}),
        ("POST", f"{V1}/consumers/<uuid:consumer_id>/erasure"): frozenset({DESK_AGENT, ADMIN}),
        ("POST", f"{V1}/jobs/<uuid:job_id>/links"): RIGHTS_DESK,
        ("DELETE", f"{V1}/jobs/<uuid:job_id>/links"): INTAKE,
        ("GET", f"{V1}/link"): frozenset({CONSUMER}),
        ("POST", f"{V1}/link/postponements"): frozenset({CONSUMER}),
        ("POST", f"{V1}/link/arrivals"): frozenset({CONSUMER}),
        ("POST", f"{V1}/jobs/<uuid:job_id>/survey"): INTAKE | {CONSUMER},
        ("POST", f"{V1}/jobs/<uuid:job_id>/follow-ups"): INTAKE,
        ("GET", f"{V1}/follow-ups"): INTAKE | {AUDITOR, OUTLET_MANAGER},
        ("GET", f"{V1}/quality/figures"): OVERSIGHT | {OUTLET_MANAGER},
        ("GET", f"{V1}/quality/topics"): OVERSIGHT,
        ("POST", f"{V1}/incidents"): INTAKE | {AUDITOR},
        ("GET", f"{V1}/incidents"): AUDITING | {OUTLET_MANAGER},
        ("POST", f"{V1}/incidents/<uuid:incident_id>/decision"): AUDITING,
        ("POST", f"{V1}/scorecards"): AUDITING,
        ("GET", f"{V1}/scorecards"): OVERSIGHT,
        ("GET", f"{V1}/scorecards/<uuid:scorecard_id>"): OVERSIGHT,
        ("GET", f"{V1}/scorecards/<uuid:scorecard_id>/recount"): OVERSIGHT,
        ("GET", f"{V1}/me/merits"): frozenset({TECHNICIAN}),
        ("GET", f"{V1}/me/appeals"): frozenset({TECHNICIAN}),
        ("POST", f"{V1}/me/appeals"): frozenset({TECHNICIAN}),
        ("GET", f"{V1}/merits"): AUDITING | {OUTLET_MANAGER},
        ("POST", f"{V1}/merits/book"): AUDITING,
        ("GET", f"{V1}/merits/check"): AUDITING | {REGULATOR},
        ("GET", f"{V1}/merits/appeals"): AUDITING | {OUTLET_MANAGER},
        ("POST", f"{V1}/merits/appeals/<uuid:appeal_id>/decision"): AUDITING,
        ("POST", f"{V1}/me/device-keys"): frozenset({TECHNICIAN}),
        ("DELETE", f"{V1}/me/device-keys/<uuid:key_id>"): frozenset({TECHNICIAN}),
        ("GET", f"{V1}/me/fairness"): frozenset({TECHNICIAN}),
        ("GET", f"{V1}/fairness"): STAFFING | {AUDITOR, OUTLET_MANAGER},
        ("GET", f"{V1}/contracts"): OVERSIGHT | {OUTLET_MANAGER},
        ("POST", f"{V1}/contracts"): frozenset({ADMIN}),
        ("POST", f"{V1}/contracts/<uuid:contract_id>/settlements"): frozenset({ADMIN}),
        ("GET", f"{V1}/settlements"): OVERSIGHT | {OUTLET_MANAGER},
        ("GET", f"{V1}/settlements/<uuid:settlement_id>"): OVERSIGHT | {OUTLET_MANAGER},
        ("GET", f"{V1}/settlements/<uuid:settlement_id>/replay"): OVERSIGHT,
        ("GET", f"{V1}/settlements/<uuid:settlement_id>/claim"): OVERSIGHT | {OUTLET_MANAGER},
        ("POST", f"{V1}/settlements/<uuid:settlement_id>/answer"): frozenset(
            {ADMIN, OUTLET_MANAGER}
        ),
        ("POST", f"{V1}/scenarios"): STAFFING,
        ("GET", f"{V1}/scenarios"): PLANS_READERS,
        ("GET", f"{V1}/scenarios/compare"): PLANS_READERS,
        ("GET", f"{V1}/scenarios/<uuid:scenario_id>"): PLANS_READERS,
        ("GET", f"{V1}/scenarios/<uuid:scenario_id>/question"): PLANS_READERS,
        ("GET", f"{V1}/scenarios/<uuid:scenario_id>/answer"): PLANS_READERS,
        ("POST", f"{V1}/scenarios/<uuid:scenario_id>/run"): STAFFING,
        ("POST", f"{V1}/scenarios/<uuid:scenario_id>/cancel"): STAFFING,
        ("GET", f"{V1}/scenarios/<uuid:scenario_id>/maps/<string:name>"): PLANS_READERS,
        ("GET", f"{V1}/scenarios/<uuid:scenario_id>/exports/<string:form>"): PLANS_READERS,
        ("POST", f"{V1}/scenarios/<uuid:scenario_id>/adopt"): STAFFING,
        ("GET", "/planner"): ANYONE,
        ("POST", f"{V1}/scenarios/<uuid:scenario_id>/undo-adoption"): STAFFING,
        ("GET", f"{V1}/vacancies"): PLANS_READERS,
        ("POST", f"{V1}/vacancies/<uuid:vacancy_id>/fill"): STAFFING,
        ("GET", f"{V1}/audits"): AUDIT_READERS,
        ("POST", f"{V1}/audits"): AUDITING,
        ("GET", f"{V1}/audits/<uuid:audit_id>"): AUDIT_READERS,
        ("POST", f"{V1}/audits/<uuid:audit_id>/draw"): AUDITING,
        ("POST", f"{V1}/audits/<uuid:audit_id>/commitment"): frozenset({ASSESSOR}),
        ("POST", f"{V1}/audits/<uuid:audit_id>/freeze"): AUDITING,
        ("POST", f"{V1}/audits/<uuid:audit_id>/reveal"): frozenset({ASSESSOR}),
        ("POST", f"{V1}/audits/<uuid:audit_id>/result"): frozenset({ASSESSOR}),
        ("POST", f"{V1}/audits/<uuid:audit_id>/findings"): AUDITING,
        ("POST", f"{V1}/audits/<uuid:audit_id>/close"): AUDITING,
        ("GET", f"{V1}/audits/<uuid:audit_id>/results"): AUDITING | {REGULATOR},
        ("POST", f"{V1}/audits/<uuid:audit_id>/again"): AUDITING,
        ("POST", f"{V1}/audits/<uuid:audit_id>/actions"): AUDITING,
        ("GET", f"{V1}/audit-actions"): OFFICE | {AUDITOR, DESK_AGENT, REGULATOR},
        ("POST", f"{V1}/audit-actions/<uuid:action_id>/done"): OFFICE | {AUDITOR, DESK_AGENT},
        ("POST", f"{V1}/evidence"): EVIDENCE,
        ("GET", f"{V1}/evidence"): EVIDENCE,
        ("GET", f"{V1}/evidence/<uuid:pack_id>"): EVIDENCE,
        ("POST", f"{V1}/evidence/<uuid:pack_id>/cancel"): EVIDENCE,
        ("GET", f"{V1}/evidence/<uuid:pack_id>/file"): EVIDENCE,
        ("GET", f"{V1}/consultation/indicators"): CONSULTED | CONSULTING,
        ("GET", f"{V1}/consultation/agenda"): CONSULTED | CONSULTING,
        ("POST", f"{V1}/consultation/agenda"): CONSULTING,
        ("GET", f"{V1}/consultation/suggestions"): CONSULTED | CONSULTING,
        ("POST", f"{V1}/consultation/suggestions"): CONSULTED,
        ("POST", f"{V1}/consultation/suggestions/<uuid:suggestion_id>/answer"): CONSULTING,
        ("GET", f"{V1}/activity"): FIRM,
        ("GET", f"{V1}/events"): FIRM,
        ("POST", f"{V1}/calls/events"): INTAKE,
        ("POST", f"{V1}/calls"): INTAKE,
        ("POST", f"{V1}/calls/import"): INTAKE,
        ("GET", f"{V1}/calls"): INTAKE,
        ("GET", f"{V1}/calls/figures"): OFFICE | {DESK_AGENT, AUDITOR, REGULATOR},
        ("POST", f"{V1}/messages"): INTAKE,
        ("GET", f"{V1}/messages"): INTAKE,
        ("POST", f"{V1}/messages/<uuid:message_id>/report"): INTAKE,
        ("POST", f"{V1}/messages/<uuid:message_id>/set-aside"): INTAKE,
        ("GET", f"{V1}/outbox"): INTAKE,
        ("GET", f"{V1}/duration-models"): OFFICE,
        ("POST", f"{V1}/duration-models"): STAFFING,
        ("POST", f"{V1}/jobs/<uuid:job_id>/events"): INTAKE,
        ("GET", f"{V1}/jobs/<uuid:job_id>/receipt"): CASE_READERS | {CONSUMER},
        ("GET", f"{V1}/jobs/<uuid:job_id>/dossier"): CASE_READERS | {ASSESSOR},
        ("GET", f"{V1}/jobs/<uuid:job_id>/costs"): OFFICE | {AUDITOR},
        ("GET", f"{V1}/exceptions"): OFFICE | {DESK_AGENT, AUDITOR},
        ("POST", f"{V1}/held-events/<uuid:event_id>/settle"): DESK,
        ("POST", f"{V1}/me/events"): frozenset({TECHNICIAN}),
        ("POST", f"{V1}/visits/<uuid:visit_id>/photos"): frozenset({TECHNICIAN, DISPATCHER}),
        ("GET", f"{V1}/photos/<uuid:photo_id>"): INTAKE | {TECHNICIAN, AUDITOR},
        ("GET", f"{V1}/parts"): FIRM,
        ("POST", f"{V1}/parts"): STAFFING,
        ("GET", f"{V1}/stock"): OFFICE | {AUDITOR},
        ("GET", f"{V1}/stock/moves"): OFFICE | {AUDITOR},
        ("POST", f"{V1}/stock/moves"): OFFICE,
        ("GET", f"{V1}/equipment"): OFFICE | {AUDITOR},
        ("POST", f"{V1}/equipment"): STAFFING,
        ("GET", f"{V1}/equipment/due"): OFFICE | {AUDITOR},
        ("POST", f"{V1}/equipment/<uuid:equipment_id>/holder"): OFFICE,
        ("POST", f"{V1}/equipment/<uuid:equipment_id>/checks"): OFFICE,
        ("GET", f"{V1}/technicians/<uuid:technician_id>/trainings"): OFFICE | {AUDITOR},
        ("POST", f"{V1}/technicians/<uuid:technician_id>/trainings"): STAFFING,
        ("POST", f"{V1}/technicians/<uuid:technician_id>/certificates"): STAFFING,
        ("POST", f"{V1}/imports/<string:kind>"): frozenset().union(*IMPORTING.values()),
        ("GET", f"{V1}/imports/<string:kind>/template"): frozenset().union(*IMPORTING.values()),
        ("GET", f"{V1}/exports/<string:kind>"): frozenset().union(*EXPORTING.values()),
        ("POST", f"{V1}/technicians/<uuid:technician_id>/calendar"): STAFFING | {TECHNICIAN},
        ("DELETE", f"{V1}/technicians/<uuid:technician_id>/calendar"): STAFFING | {TECHNICIAN},
        ("GET", f"{V1}/calendars/<string:secret>.ics"): ANYONE,
        ("POST", f"{V1}/vroom"): OFFICE,
        ("GET", f"{V1}/plans/<uuid:plan_id>/vroom"): OFFICE,
        ("GET", f"{V1}/webhooks"): frozenset({ADMIN}),
        ("POST", f"{V1}/webhooks"): frozenset({ADMIN}),
        ("DELETE", f"{V1}/webhooks/<uuid:webhook_id>"): frozenset({ADMIN}),
        ("GET", f"{V1}/webhook-deliveries"): frozenset({ADMIN}),
        ("POST", f"{V1}/webhook-deliveries/<uuid:delivery_id>/redeliver"): frozenset({ADMIN}),
    }
)

OWN: Mapping[tuple[str, str], frozenset[str]] = MappingProxyType(
    {
        ("DELETE", f"{V1}/tokens/<uuid:token_id>"): SIGNED_IN,
        ("DELETE", f"{V1}/me/device-keys/<uuid:key_id>"): frozenset({TECHNICIAN}),
        ("GET", f"{V1}/requests/<uuid:request_id>"): frozenset({OUTLET_MANAGER}),
        ("GET", f"{V1}/jobs/<uuid:job_id>"): frozenset({OUTLET_MANAGER, ASSESSOR}),
        **{
            (method, rule): allowed & {ASSESSOR}
            for (method, rule), allowed in ACCESS.items()
            if rule.startswith(f"{V1}/audits/<uuid:") and ASSESSOR in allowed
        },
        **{
            (method, rule): frozenset({ASSESSOR})
            for method, rule in ACCESS
            if rule.startswith(f"{V1}/evidence/<uuid:")
        },
        ("GET", f"{V1}/technicians/<uuid:technician_id>"): frozenset({OUTLET_MANAGER}),
        ("GET", f"{V1}/technicians/<uuid:technician_id>/route"): frozenset(
            {TECHNICIAN, OUTLET_MANAGER}
        ),
        ("POST", f"{V1}/visits/<uuid:visit_id>/events"): frozenset({TECHNICIAN}),
        # Everything about one case: whoever reaches some rows only reaches it through the job.
        **{
            (method, rule): allowed & SCOPED
            for (method, rule), allowed in ACCESS.items()
            if rule.startswith((f"{V1}/jobs/<uuid:job_id>/", f"{V1}/complaints/<uuid:"))
            and not rule.endswith("/personal")
            and allowed & SCOPED
        },
        ("POST", f"{V1}/visits/<uuid:visit_id>/photos"): frozenset({TECHNICIAN}),
        ("GET", f"{V1}/photos/<uuid:photo_id>"): frozenset({TECHNICIAN}),
        ("POST", f"{V1}/jobs/<uuid:job_id>/survey"): frozenset({CONSUMER}),
        ("GET", f"{V1}/settlements/<uuid:settlement_id>"): frozenset({OUTLET_MANAGER}),
        ("GET", f"{V1}/settlements/<uuid:settlement_id>/claim"): frozenset({OUTLET_MANAGER}),
        ("POST", f"{V1}/settlements/<uuid:settlement_id>/answer"): frozenset({OUTLET_MANAGER}),
        ("POST", f"{V1}/technicians/<uuid:technician_id>/calendar"): frozenset({TECHNICIAN}),
        ("DELETE", f"{V1}/technicians/<uuid:technician_id>/calendar"): frozenset({TECHNICIAN}),
    }
)
"""Routes with an id in the address: the roles that get 403 or 404 for what is another's."""


def documented_routes(app: Flask) -> set[tuple[str, str]]:
    """Method and rule of everything the application answers; HEAD and OPTIONS follow GET."""
    return {
        (method, rule.rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def verify(app: Flask) -> None:
    """Refuse to start with a route that the table does not know, or a row that names no route.

    Raises
    ------
    RuntimeError
        Naming the rows that differ.
    """
    routes = documented_routes(app)
    strangers = sorted(routes - set(ACCESS)) + sorted(set(ACCESS) - routes)
    if strangers:
        raise RuntimeError(f"routes and the table in api/access.py differ: {strangers}")


def table() -> list[dict[str, str]]:
    """The table as text: a row a route and one a field of personal data, a column a role.

    ``yes`` lets in, ``own`` lets in to what is the role's own, ``anybody`` needs no sign-in; a
    field is ``clear``, ``asked`` (shown for a reason, one job at a time) or ``masked``.
    """
    rows = []
    for (method, rule), allowed in ACCESS.items():
        row = {"route": f"{method} {rule}"}
        for role in ROLES:
            own = role in OWN.get((method, rule), ())
            word = "anybody" if allowed is ANYONE else "own" if own else "yes"
            row[role] = word if role in allowed else "-"
        rows.append(row)
    return rows + [
        {"route": f"consumer's {field}"} | {role: MASKS[role][field] for role in ROLES}
        for field in FIELDS
    ]


def as_text(rows: list[dict[str, str]]) -> str:
    """Rows with the same keys as aligned columns under a heading."""
    heads = list(rows[0])
    widths = [max(len(head), *(len(row[head]) for row in rows)) for head in heads]
    lines = [heads, *([row[head] for head in heads] for row in rows)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def roles_for(method: str, rule: str) -> frozenset[str]:
    """The roles that may use a route; HEAD is a GET without its body."""
    return ACCESS[("GET" if method == "HEAD" else method, rule)]
