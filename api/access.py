"""Who may do what: one table, route by role. A route that is not in it does not start.

``ANYONE`` needs no sign-in. ``OWN`` lets a technician reach what is his or her own; the use case
refuses the rest.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from flask import Flask

TECHNICIAN: Final = "technician"
DISPATCHER: Final = "dispatcher"
PLANNER: Final = "planner"
ADMIN: Final = "admin"
ROLES: Final = (TECHNICIAN, DISPATCHER, PLANNER, ADMIN)
ANYONE: Final = frozenset({"anonymous", *ROLES})
SIGNED_IN: Final = frozenset(ROLES)
OFFICE: Final = frozenset({DISPATCHER, PLANNER, ADMIN})
DESK: Final = frozenset({DISPATCHER, ADMIN})
STAFFING: Final = frozenset({PLANNER, ADMIN})

V1: Final = "/api/v1"

ACCESS: Mapping[tuple[str, str], frozenset[str]] = MappingProxyType(
    {
        ("GET", "/"): ANYONE,
        ("GET", "/assets/<path:path>"): ANYONE,
        ("GET", "/<string:name>"): ANYONE,
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
        ("GET", f"{V1}/requests"): OFFICE,
        ("POST", f"{V1}/requests"): DESK,
        ("GET", f"{V1}/requests/<uuid:request_id>"): OFFICE,
        ("GET", f"{V1}/jobs"): OFFICE,
        ("GET", f"{V1}/jobs/<uuid:job_id>"): OFFICE,
        ("GET", f"{V1}/outlets"): SIGNED_IN,
        ("POST", f"{V1}/outlets"): STAFFING,
        ("GET", f"{V1}/technicians"): OFFICE,
        ("POST", f"{V1}/technicians"): STAFFING,
        ("GET", f"{V1}/technicians/<uuid:technician_id>"): OFFICE,
        ("GET", f"{V1}/shifts"): OFFICE,
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
            {TECHNICIAN, DISPATCHER, ADMIN}
        ),
        ("GET", f"{V1}/visits"): DESK,
        ("POST", f"{V1}/visits/<uuid:visit_id>/events"): frozenset({TECHNICIAN, DISPATCHER}),
        ("GET", f"{V1}/days/today"): OFFICE,
        ("GET", f"{V1}/days/<string:day>"): OFFICE,
        ("GET", f"{V1}/map/layers"): SIGNED_IN,
        ("GET", f"{V1}/activity"): SIGNED_IN,
        ("GET", f"{V1}/events"): SIGNED_IN,
    }
)


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


def roles_for(method: str, rule: str) -> frozenset[str]:
    """The roles that may use a route; HEAD is a GET without its body."""
    return ACCESS[("GET" if method == "HEAD" else method, rule)]
