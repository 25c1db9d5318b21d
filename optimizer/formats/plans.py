"""Plans as JSON, ``zhunda-plan/1``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, get_args

from optimizer.formats.documents import Source, load
from optimizer.formats.errors import ProblemError
from optimizer.formats.fields import Fields, finite, free, kind, mapping, word
from optimizer.plan import Plan, Reason, Route, SolverInfo, Step, StepType, Unassigned
from optimizer.problem import Problem, drive_s

PLAN_FORMAT = "zhunda-plan/1"
PLAN_KEYS = frozenset({"format", "routes", "unassigned", "goals", "bounds", "proofs", "solver"})
ROUTE_KEYS = frozenset({"technician", "shift", "start", "end", "steps"})
STEP_KEYS = frozenset(
    {
        "type", "location", "arrival", "start", "end", "job", "break", "travel_s", "wait_s",
        "late_s",
    }
)  # fmt: skip
UNASSIGNED_KEYS = frozenset({"job", "reasons", "blocking", "cure", "note"})
REASON_KEYS = frozenset({"rule", "technicians", "detail", "shifts"})
SOLVER_KEYS = frozenset({"engine", "seconds", "iterations", "seed", "threads", "version"})

_STEP_TYPES: tuple[StepType, ...] = get_args(StepType)
_NEEDED = {
    "start": ("arrival",),
    "job": ("job", "arrival", "start", "end"),
    "break": ("break", "start", "end"),
    "restock": ("start", "end"),
    "end": ("arrival",),
}


def plan_from_json(source: Source, problem: Problem | None = None) -> Plan:
    """Read a plan.

    Parameters
    ----------
    source
        The parsed document, or the path of a JSON file.
    problem
        With it, ``travel_s``, ``wait_s`` and ``late_s`` that a hand-made plan leaves out are
        filled in; without it they are 0.

    Raises
    ------
    ProblemError
        Where the document is not a plan. Ids are not looked up here: `optimizer.check` does.
    """
    document, _ = load(source)
    return plan_from_document(document, "", problem)


def plan_from_document(document: object, path: str, problem: Problem | None = None) -> Plan:
    """The plan that stands at ``path`` in a larger document."""
    fields = Fields(document, path, PLAN_KEYS, ("format",) if not path else ())
    if fields.value.get("format", PLAN_FORMAT) != PLAN_FORMAT:
        message = f"expected {PLAN_FORMAT!r}, got {kind(fields.get('format'))}"
        raise ProblemError(fields.at("format"), message)
    routes = []
    for where, value in fields.items("routes"):
        route = _route(value, where)
        if problem is not None:
            stated = [mapping(step, where) for step in value["steps"]]
            route = _completed(route, stated, problem)
        routes.append(route)
    goals: dict[str, int | float] = {}
    for name, value in mapping(fields.value.get("goals", {}), fields.at("goals")).items():
        number = finite(value, f"{fields.at('goals')}.{name}")
        goals[name] = value if isinstance(value, int) else number
    bounds = mapping(fields.value.get("bounds", {}), fields.at("bounds"))
    for name, value in bounds.items():
        if not isinstance(value, int) or isinstance(value, bool):
            where = f"{fields.at('bounds')}.{name}"
            raise ProblemError(where, f"expected an integer, got {kind(value)}")
    proofs = mapping(fields.value.get("proofs", {}), fields.at("proofs"))
    return Plan(
        tuple(routes),
        tuple(_unassigned(value, where) for where, value in fields.items("unassigned")),
        goals,
        dict(bounds),
        _solver(fields.get("solver"), fields.at("solver")),
        {name: word(value, f"{fields.at('proofs')}.{name}") for name, value in proofs.items()},
    )


def _route(value: object, path: str) -> Route:
    fields = Fields(value, path, ROUTE_KEYS, ("technician", "shift", "start", "end", "steps"))
    return Route(
        technician=fields.text("technician", ""),
        shift=fields.text("shift", ""),
        start=fields.integer("start"),
        end=fields.integer("end"),
        steps=tuple(_step(step, where) for where, step in fields.items("steps")),
    )


def _step(value: object, path: str) -> Step:
    fields = Fields(value, path, STEP_KEYS, ("type",))
    stated = fields.get("type")
    kind_of_step = next((known for known in _STEP_TYPES if known == stated), None)
    if kind_of_step is None:
        expected = ", ".join(_STEP_TYPES)
        raise ProblemError(fields.at("type"), f"expected one of {expected}, got {kind(stated)}")
    for key in _NEEDED[kind_of_step]:
        if fields.get(key) is None:
            raise ProblemError(path, f"key {key!r} is missing")
    return Step(
        type=kind_of_step,
        location=fields.maybe_integer("location"),
        arrival=fields.maybe_integer("arrival"),
        start=fields.maybe_integer("start"),
        end=fields.maybe_integer("end"),
        job=fields.text("job"),
        break_id=fields.text("break"),
        travel_s=fields.integer("travel_s"),
        wait_s=fields.integer("wait_s"),
        late_s=fields.integer("late_s"),
    )


def _completed(route: Route, stated: list[Mapping[str, Any]], problem: Problem) -> Route:
    """Fill in the figures of job steps that the document does not state."""
    technician = next((who for who in problem.technicians if who.id == route.technician), None)
    shift = None
    if technician is not None:
        shift = next((one for one in technician.shifts if one.id == route.shift), None)
    if technician is None or shift is None:
        return route
    if all(
        {"travel_s", "wait_s", "late_s"} <= keys.keys() for keys in stated if keys.get("job")
    ):  # the common case: nothing is missing
        return route
    jobs = {job.id: job for job in problem.jobs if job.id in set(route.jobs)}
    durations = problem.travel[technician.profile].durations_s
    here = shift.start_location
    steps = []
    for step, keys in zip(route.steps, stated, strict=True):
        job = jobs.get(step.job or "")
        if job is None:
            if step.type == "restock" and problem.restock is not None:
                here = problem.restock.location
            steps.append(step)
            continue
        figures = {
            "travel_s": drive_s(int(durations[here, job.location]), technician.speed_factor),
            "wait_s": (step.start or 0) - (step.arrival or 0),
            "late_s": problem.late_s(job, step.arrival or 0, step.start or 0),
        }
        here = job.location
        absent = {key: value for key, value in figures.items() if key not in keys}
        steps.append(
            replace(
                step,
                travel_s=absent.get("travel_s", step.travel_s),
                wait_s=absent.get("wait_s", step.wait_s),
                late_s=absent.get("late_s", step.late_s),
            )
        )
    return replace(route, steps=tuple(steps))


def _unassigned(value: object, path: str) -> Unassigned:
    fields = Fields(value, path, UNASSIGNED_KEYS, ("job",))
    reasons = []
    for where, item in fields.items("reasons"):
        reason = Fields(item, where, REASON_KEYS, ("rule",))
        detail = _loose_text(reason, "detail")
        reasons.append(
            Reason(
                reason.text("rule", ""),
                reason.integer("technicians"),
                detail,
                reason.integer("shifts"),
            )
        )
    cure = fields.get("cure")
    return Unassigned(
        fields.text("job", ""),
        tuple(reasons),
        fields.words("blocking"),
        None if cure is None else free(cure, fields.at("cure")),
        _loose_text(fields, "note"),
    )


def _loose_text(fields: Fields, key: str) -> str:
    """A string that may be empty."""
    value = fields.value.get(key, "")
    return "" if value == "" else word(value, fields.at(key))


def _solver(value: object, path: str) -> SolverInfo | None:
    if value is None:
        return None
    fields = Fields(value, path, SOLVER_KEYS, ("engine",))
    version = _loose_text(fields, "version")
    return SolverInfo(
        fields.text("engine", ""),
        fields.number("seconds", 0.0),
        fields.integer("iterations"),
        fields.integer("seed"),
        fields.integer("threads", 1),
        version,
    )


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """The plan as a document for `json.dumps`."""
    document: dict[str, Any] = {
        "format": PLAN_FORMAT,
        "routes": [
            {
                "technician": route.technician,
                "shift": route.shift,
                "start": route.start,
                "end": route.end,
                "steps": [_step_to_json(step) for step in route.steps],
            }
            for route in plan.routes
        ],
        "unassigned": [_unassigned_to_json(entry) for entry in plan.unassigned],
        "goals": dict(plan.goals),
    }
    if plan.bounds:
        document["bounds"] = dict(plan.bounds)
    if plan.proofs:
        document["proofs"] = dict(plan.proofs)
    if plan.solver is not None:
        document["solver"] = {key: getattr(plan.solver, key) for key in _SOLVER_ORDER}
    return document


_SOLVER_ORDER = ("engine", "seconds", "iterations", "seed", "threads", "version")


def _step_to_json(step: Step) -> dict[str, Any]:
    document: dict[str, Any] = {"type": step.type}
    if step.job is not None:
        document["job"] = step.job
    if step.break_id is not None:
        document["break"] = step.break_id
    if step.location is not None or step.type == "end":
        document["location"] = step.location
    for key in ("arrival", "start", "end"):
        if getattr(step, key) is not None:
            document[key] = getattr(step, key)
    for key in ("travel_s", "wait_s", "late_s"):
        if step.type == "job" or getattr(step, key):
            document[key] = getattr(step, key)
    return document


def _unassigned_to_json(entry: Unassigned) -> dict[str, Any]:
    reasons = []
    for reason in entry.reasons:
        item: dict[str, Any] = {"rule": reason.rule, "technicians": reason.technicians}
        if reason.detail:
            item["detail"] = reason.detail
        if reason.shifts:
            item["shifts"] = reason.shifts
        reasons.append(item)
    document: dict[str, Any] = {"job": entry.job, "reasons": reasons}
    if entry.blocking:
        document["blocking"] = list(entry.blocking)
    if entry.cure is not None:
        document["cure"] = dict(entry.cure)
    if entry.note:
        document["note"] = entry.note
    return document
