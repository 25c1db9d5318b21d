"""Problems as JSON, ``zhunda-problem/1``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from optimizer.formats.documents import Source, load
from optimizer.formats.errors import ProblemError
from optimizer.formats.fields import Fields, array, finite, free, kind, mapping
from optimizer.formats.jobs import job_from_json, job_to_json
from optimizer.formats.matrices import travel_from_json, travel_to_json
from optimizer.formats.plans import plan_from_document, plan_to_json
from optimizer.formats.technicians import technician_from_json, technician_to_json
from optimizer.formats.validate import MOST_VISITS, validate
from optimizer.problem import DEFAULT_OBJECTIVE, GOALS, LATE_AT, Goal, Location, Problem, Restock

PROBLEM_FORMAT = "zhunda-problem/1"
PROBLEM_KEYS = frozenset(
    {
        "format", "epoch", "locations", "travel", "technicians", "jobs", "classes", "published",
        "frozen_until", "objective", "scale", "restock", "late_at", "extra",
    }
)  # fmt: skip
LOCATION_KEYS = frozenset({"id", "lat", "lon"})
CLASS_KEYS = frozenset({"weight"})
RESTOCK_KEYS = frozenset({"location", "service_s"})
GOAL_KEYS = frozenset({"sum"})

MOST_JOBS = MOST_VISITS


def problem_from_json(source: Source, folder: Path | None = None) -> Problem:
    """Read a problem and make sure that it is one.

    Parameters
    ----------
    source
        The parsed document, or the path of a JSON file.
    folder
        Where ``durations_npy`` files stand; the file's own folder when ``source`` is a path.

    Raises
    ------
    ProblemError
        At the first thing that is wrong, with its path.
    """
    document, own_folder = load(source)
    fields = Fields(
        document, "", PROBLEM_KEYS, ("format", "locations", "travel", "technicians", "jobs")
    )
    if fields.get("format") != PROBLEM_FORMAT:
        message = f"expected {PROBLEM_FORMAT!r}, got {kind(fields.get('format'))}"
        raise ProblemError("format", message)
    if len(array(fields.get("jobs"), "jobs")) > MOST_JOBS:
        message = f"{len(fields.get('jobs'))} jobs, at most {MOST_JOBS} are possible"
        raise ProblemError("jobs", message)
    locations = tuple(_location(value, path) for path, value in fields.items("locations"))
    travel = {
        profile: travel_from_json(value, f"travel.{profile}", len(locations), folder or own_folder)
        for profile, value in mapping(fields.get("travel"), "travel").items()
    }
    published = fields.get("published")
    problem = Problem(
        locations=locations,
        travel=travel,
        technicians=tuple(
            technician_from_json(value, path) for path, value in fields.items("technicians")
        ),
        jobs=tuple(job_from_json(value, path) for path, value in fields.items("jobs")),
        class_weights=_classes(fields),
        epoch=_epoch(fields),
        published=None if published is None else plan_from_document(published, "published"),
        frozen_until=fields.maybe_integer("frozen_until"),
        objective=_objective(fields),
        scale=fields.integer("scale", 1, 1),
        restock=_restock(fields),
        late_at=_late_at(fields),
        extra=free(fields.value.get("extra", {}), "extra"),
    )
    validate(problem)
    return problem


def problem_to_json(problem: Problem) -> dict[str, Any]:
    """The problem as a document for `json.dumps`; what equals the default is left out."""
    document: dict[str, Any] = {"format": PROBLEM_FORMAT}
    if problem.epoch is not None:
        document["epoch"] = problem.epoch
    if problem.scale != 1:
        document["scale"] = problem.scale
    if problem.class_weights:
        document["classes"] = {
            name: {"weight": weight} for name, weight in problem.class_weights.items()
        }
    document["objective"] = [_goal_to_json(goal) for goal in problem.objective]
    if problem.frozen_until is not None:
        document["frozen_until"] = problem.frozen_until
    if problem.restock is not None:
        document["restock"] = {
            "location": problem.restock.location,
            "service_s": problem.restock.service_s,
        }
    if problem.late_at != "arrival":
        document["late_at"] = problem.late_at
    if problem.extra:
        document["extra"] = dict(problem.extra)
    document["locations"] = [
        {"id": place.id}
        if place.lat is None
        else {"id": place.id, "lat": place.lat, "lon": place.lon}
        for place in problem.locations
    ]
    document["technicians"] = [technician_to_json(who) for who in problem.technicians]
    document["jobs"] = [job_to_json(job) for job in problem.jobs]
    if problem.published is not None:
        document["published"] = plan_to_json(problem.published)
    document["travel"] = {
        profile: travel_to_json(travel) for profile, travel in problem.travel.items()
    }
    return document


def _location(value: object, path: str) -> Location:
    fields = Fields(value, path, LOCATION_KEYS, ("id",))
    place: dict[str, float | None] = {"lat": None, "lon": None}
    for key, limit in (("lat", 90), ("lon", 180)):
        if fields.get(key) is not None:
            degrees = finite(fields.get(key), fields.at(key))
            if abs(degrees) > limit:
                message = f"must be between -{limit} and {limit}, got {degrees}"
                raise ProblemError(fields.at(key), message)
            place[key] = degrees
    if (place["lat"] is None) != (place["lon"] is None):
        raise ProblemError(path, "lat and lon belong together")
    return Location(fields.text("id", ""), place["lat"], place["lon"])


def _classes(fields: Fields) -> dict[str, int]:
    found = {}
    for name, value in mapping(fields.value.get("classes", {}), "classes").items():
        path = f"classes.{name}"
        found[name] = Fields(value, path, CLASS_KEYS, ("weight",)).integer("weight")
    return found


def _epoch(fields: Fields) -> str | None:
    text = fields.text("epoch")
    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise ProblemError("epoch", f"not an ISO 8601 instant: {text!r}") from error
    if instant.tzinfo is None:
        raise ProblemError("epoch", f"{text!r} has no offset, such as +08:00")
    return text


def _restock(fields: Fields) -> Restock | None:
    if fields.get("restock") is None:
        return None
    restock = Fields(fields.get("restock"), "restock", RESTOCK_KEYS, ("location",))
    return Restock(restock.integer("location"), restock.integer("service_s"))


def _late_at(fields: Fields) -> Literal["arrival", "start"]:
    stated = fields.value.get("late_at", "arrival")
    if stated == "arrival":
        return "arrival"
    if stated == "start":
        return "start"
    known = ", ".join(repr(word) for word in LATE_AT)
    shown = repr(stated) if isinstance(stated, str) else kind(stated)
    raise ProblemError("late_at", f"expected one of {known}, got {shown}")


def _objective(fields: Fields) -> tuple[Goal, ...]:
    if "objective" not in fields:
        return tuple(Goal.of(name) for name in DEFAULT_OBJECTIVE)
    goals: list[Goal] = []
    for path, value in fields.items("objective"):
        goal = Goal.of(_goal_name(value, path)) if isinstance(value, str) else _sum(value, path)
        if any(goal.name == other.name for other in goals):
            raise ProblemError(path, f"goal {goal.name!r} stands here twice")
        goals.append(goal)
    if not goals:
        raise ProblemError("objective", "at least one goal is needed")
    return tuple(goals)


def _goal_name(name: str, path: str) -> str:
    if name not in GOALS:
        raise ProblemError(path, f"unknown goal {name!r}; known are {', '.join(GOALS)}")
    return name


def _sum(value: object, path: str) -> Goal:
    fields = Fields(value, path, GOAL_KEYS, ("sum",))
    weights = mapping(fields.get("sum"), fields.at("sum"))
    terms = []
    for name, weight in weights.items():
        where = f"{fields.at('sum')}.{name}"
        number = finite(weight, where)
        if number <= 0:
            raise ProblemError(where, f"must be greater than 0, got {number}")
        terms.append((_goal_name(name, where), number))
    if not terms:
        raise ProblemError(fields.at("sum"), "at least one goal is needed")
    return Goal(tuple(terms))


def _goal_to_json(goal: Goal) -> str | dict[str, Any]:
    if len(goal.terms) == 1 and goal.terms[0][1] == 1.0:
        return goal.terms[0][0]
    return {
        "sum": {
            name: int(weight) if float(weight).is_integer() else weight
            for name, weight in goal.terms
        }
    }


__all__ = ["MOST_JOBS", "PROBLEM_FORMAT", "problem_from_json", "problem_to_json"]
