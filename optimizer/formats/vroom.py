"""VROOM's JSON in, and a plan out in VROOM's words.

The vocabulary is that of VROOM's API documentation (github.com/VROOM-Project/vroom). What has no
counterpart here is an error that names the key, never dropped in silence.
"""

from __future__ import annotations

from typing import Any

from optimizer.formats.errors import ProblemError
from optimizer.formats.fields import LATEST, Fields, array, finite, kind, mapping, whole, window
from optimizer.formats.matrices import travel_from_json
from optimizer.problem import (
    UNREACHABLE,
    Break,
    Goal,
    Job,
    Location,
    Problem,
    Shift,
    Technician,
    Travel,
)

_TOP = frozenset({"jobs", "shipments", "vehicles", "matrices", "matrix"})
_JOB = frozenset(
    {
        "id", "description", "location", "location_index", "setup", "service", "delivery",
        "pickup", "amount", "skills", "priority", "time_windows",
    }
)  # fmt: skip
_VEHICLE = frozenset(
    {
        "id", "description", "profile", "start", "start_index", "end", "end_index", "capacity",
        "skills", "time_window", "breaks", "speed_factor", "max_tasks", "costs",
    }
)  # fmt: skip
_BREAK = frozenset({"id", "description", "time_windows", "service"})
_MATRIX = frozenset({"durations", "distances"})
_PER_HOUR = 3600


def from_vroom(document: object) -> Problem:
    """A VROOM input with matrices and location indices.

    VROOM may leave out any job: it serves the greatest sum of priorities, then the most jobs, then
    drives least. So each job's ``drop_penalty`` is priority × (jobs + 1) + 1, and the objective
    ``dropped``, then ``travel``.
    """
    fields = Fields(document, "", _TOP, ("vehicles",))
    if list(fields.items("shipments")):
        raise ProblemError("shipments", "pickup-and-delivery pairs are not supported")
    travel = _travel(fields)
    size = len(next(iter(travel.values())).durations_s)
    count = len(array(fields.value.get("jobs", ()), "jobs"))
    jobs = tuple(_job(value, path, count, size) for path, value in fields.items("jobs"))
    _one_direction(fields)
    horizon = _horizon(jobs, travel)
    vehicles = [
        _vehicle(value, path, horizon, size, travel) for path, value in fields.items("vehicles")
    ]
    per_hour = {cost for _, cost in vehicles}
    if len(per_hour) > 1:
        raise ProblemError("vehicles", "costs per hour that differ are not supported")
    return Problem(
        locations=tuple(Location(str(place)) for place in range(size)),
        travel=travel,
        technicians=tuple(technician for technician, _ in vehicles),
        jobs=jobs,
        objective=(Goal.of("dropped"), Goal.of("travel")),
        extra={"source": "vroom"},
    )


def _travel(fields: Fields) -> dict[str, Travel]:
    """One entry per profile; ``matrix`` is the old word for the car's durations."""
    if "matrix" in fields:
        matrices: dict[str, Any] = {"car": {"durations": fields.get("matrix")}}
    elif "matrices" in fields:
        matrices = dict(mapping(fields.get("matrices"), "matrices"))
    else:
        raise ProblemError("matrices", "travel times are needed: there is no road server here")
    if not matrices:
        raise ProblemError("matrices", "at least one profile is needed")
    found: dict[str, Travel] = {}
    for profile, value in matrices.items():
        path = f"matrices.{profile}"
        given = Fields(value, path, _MATRIX, ("durations",))
        size = len(array(given.get("durations"), f"{path}.durations"))
        found[profile] = travel_from_json(
            {
                ours: given.get(theirs)
                for ours, theirs in (("durations_s", "durations"), ("distances_m", "distances"))
                if theirs in given
            },
            path,
            size,
            None,
        )
    if len({len(travel.durations_s) for travel in found.values()}) > 1:
        raise ProblemError("matrices", "the profiles' matrices differ in size")
    return found


def _name(fields: Fields) -> str:
    value = fields.get("id")
    if isinstance(value, str):
        return fields.text("id", "")
    return str(whole(value, fields.at("id"), maximum=2**64))


def _place(fields: Fields, key: str, coordinates: str, size: int) -> int | None:
    if fields.get(key) is None:
        if fields.get(coordinates) is None:
            return None
        message = f"{key} is needed: coordinates alone have no travel times"
        raise ProblemError(fields.path, message)
    return whole(fields.get(key), fields.at(key), maximum=size - 1)


def _skills(fields: Fields) -> dict[str, int]:
    return {str(whole(value, path)): 1 for path, value in fields.items("skills")}


def _job(value: object, path: str, count: int, size: int) -> Job:
    fields = Fields(value, path, _JOB, ("id",))
    place = _place(fields, "location_index", "location", size)
    if place is None:
        raise ProblemError(path, "key 'location_index' is missing")
    priority = fields.integer("priority")
    if priority > 100:
        raise ProblemError(fields.at("priority"), f"must be at most 100, got {priority}")
    given = [key for key in ("delivery", "pickup", "amount") if key in fields]
    return Job(
        id=_name(fields),
        location=place,
        service_s=fields.integer("service"),
        setup_s=fields.integer("setup"),
        skills=_skills(fields),
        load=fields.integers(given[0]) if given else (),
        time_windows=fields.windows("time_windows"),
        drop_penalty=priority * (count + 1) + 1,
    )


def _one_direction(fields: Fields) -> None:
    """Only loads that go one way add up along the whole route."""
    ways = {
        "pickup" if key == "pickup" else "delivery"
        for path, value in fields.items("jobs")
        for key in ("delivery", "pickup", "amount")
        if any(mapping(value, path).get(key) or ())
    }
    if len(ways) > 1:
        raise ProblemError("jobs", "deliveries mixed with pickups are not supported")


def _vehicle(
    value: object, path: str, horizon: int, size: int, travel: dict[str, Travel]
) -> tuple[Technician, int]:
    fields = Fields(value, path, _VEHICLE, ("id",))
    start = _place(fields, "start_index", "start", size)
    if start is None:
        raise ProblemError(path, "key 'start_index' is missing: everybody starts somewhere")
    span = (0, horizon)
    if fields.get("time_window") is not None:
        span = window(fields.get("time_window"), fields.at("time_window"))
    costs = mapping(fields.value.get("costs", {}), fields.at("costs"))
    for key, cost in costs.items():
        if key != "per_hour" and cost != 0:
            raise ProblemError(f"{fields.at('costs')}.{key}", f"{kind(cost)} is not supported")
    per_hour = costs.get("per_hour", _PER_HOUR)
    profile = fields.text("profile", "car")
    if profile not in travel:
        raise ProblemError(fields.at("profile"), f"no matrix for profile {profile!r}")
    speed_factor = finite(fields.value.get("speed_factor", 1.0), fields.at("speed_factor"))
    if not 0 < speed_factor <= 5:
        raise ProblemError(fields.at("speed_factor"), "must be above 0 and at most 5")
    shift = Shift(
        id="day",
        start=span[0],
        end=span[1],
        start_location=start,
        end_location=_place(fields, "end_index", "end", size),
        breaks=tuple(_break(pause, where, span) for where, pause in fields.items("breaks")),
        max_jobs=fields.maybe_integer("max_tasks"),
        capacity=fields.integers("capacity"),
    )
    technician = Technician(
        id=_name(fields),
        shifts=(shift,),
        profile=profile,
        speed_factor=speed_factor,
        skills=_skills(fields),
    )
    return technician, whole(per_hour, f"{fields.at('costs')}.per_hour")


def _break(value: object, path: str, span: tuple[int, int]) -> Break:
    fields = Fields(value, path, _BREAK, ("id",))
    windows = fields.windows("time_windows") or (span,)
    return Break(_name(fields), windows, fields.integer("service"))


def _horizon(jobs: tuple[Job, ...], travel: dict[str, Travel]) -> int:
    """A day long enough for all jobs one after the other; VROOM's default has no end."""
    last = max((closes for job in jobs for _, closes in job.time_windows), default=0)
    work = sum(job.service_s + job.setup_s for job in jobs)
    longest = max(
        (
            int(one.durations_s.max(initial=0, where=one.durations_s < UNREACHABLE))
            for one in travel.values()
        ),
        default=0,
    )
    return min(LATEST, last + work + (len(jobs) + 2) * longest * 5)
