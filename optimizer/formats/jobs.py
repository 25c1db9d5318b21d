"""Jobs as JSON."""

from __future__ import annotations

from typing import Any, Literal

from optimizer.formats.errors import ProblemError
from optimizer.formats.fields import Fields, kind
from optimizer.problem import Job, Pin

JOB_KEYS = frozenset(
    {
        "id", "location", "service_s", "setup_s", "class", "skills", "equipment", "parts", "load",
        "release", "due", "time_windows", "drop_penalty", "crew", "after", "min_gap_s",
        "max_gap_s", "gap_from", "together", "allowed", "excluded", "preferred", "pinned",
    }
)  # fmt: skip
PIN_KEYS = frozenset({"technician", "shift", "start"})


def job_from_json(value: object, path: str) -> Job:
    """One job; ids of other things are checked by `validate`."""
    fields = Fields(value, path, JOB_KEYS, ("id", "location"))
    min_gap_s, max_gap_s = fields.integer("min_gap_s"), fields.maybe_integer("max_gap_s")
    if max_gap_s is not None and max_gap_s < min_gap_s:
        message = f"{max_gap_s} is less than min_gap_s {min_gap_s}"
        raise ProblemError(fields.at("max_gap_s"), message)
    allowed = None if fields.get("allowed") is None else frozenset(fields.words("allowed"))
    return Job(
        id=fields.text("id", ""),
        location=fields.integer("location"),
        service_s=fields.integer("service_s"),
        setup_s=fields.integer("setup_s"),
        job_class=fields.text("class"),
        skills=fields.counts("skills"),
        equipment=frozenset(fields.words("equipment")),
        parts=fields.counts("parts"),
        load=fields.integers("load"),
        release=fields.integer("release"),
        due=fields.maybe_integer("due"),
        time_windows=fields.windows("time_windows"),
        drop_penalty=fields.maybe_integer("drop_penalty"),
        crew=fields.integer("crew", 1, 1),
        after=fields.words("after"),
        min_gap_s=min_gap_s,
        max_gap_s=max_gap_s,
        gap_from=_gap_from(fields),
        together=fields.words("together"),
        allowed=allowed,
        excluded=frozenset(fields.words("excluded")),
        preferred=frozenset(fields.words("preferred")),
        pinned=_pin(fields.get("pinned"), fields.at("pinned")),
    )


def _gap_from(fields: Fields) -> Literal["end", "start"]:
    value = fields.value.get("gap_from", "end")
    if value == "end":
        return "end"
    if value == "start":
        return "start"
    raise ProblemError(fields.at("gap_from"), f'expected "end" or "start", got {kind(value)}')


def _pin(value: object, path: str) -> Pin | None:
    if value is None:
        return None
    fields = Fields(value, path, PIN_KEYS)
    pin = Pin(fields.text("technician"), fields.text("shift"), fields.maybe_integer("start"))
    return None if pin == Pin() else pin


_DEFAULTS = Job(id="-", location=0)


def job_to_json(job: Job) -> dict[str, Any]:
    """One job; what equals the default is left out."""
    document: dict[str, Any] = {"id": job.id, "location": job.location}
    if job.job_class is not None:
        document["class"] = job.job_class
    for key in (
        "service_s", "setup_s", "release", "due", "drop_penalty", "crew", "min_gap_s",
        "max_gap_s", "gap_from",
    ):  # fmt: skip
        value = getattr(job, key)
        if value != getattr(_DEFAULTS, key):
            document[key] = value
    for key in ("skills", "parts"):
        if getattr(job, key):
            document[key] = dict(getattr(job, key))
    for key in ("load", "after", "together"):
        if getattr(job, key):
            document[key] = list(getattr(job, key))
    for key in ("equipment", "excluded", "preferred"):
        if getattr(job, key):
            document[key] = sorted(getattr(job, key))
    if job.time_windows:
        document["time_windows"] = [list(window) for window in job.time_windows]
    if job.allowed is not None:
        document["allowed"] = sorted(job.allowed)
    if job.pinned is not None:
        pinned = {key: getattr(job.pinned, key) for key in ("technician", "shift", "start")}
        document["pinned"] = {key: value for key, value in pinned.items() if value is not None}
    return document
