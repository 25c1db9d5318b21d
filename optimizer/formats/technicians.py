"""Technicians, shifts and breaks as JSON."""

from __future__ import annotations

from typing import Any

from optimizer.formats.errors import ProblemError
from optimizer.formats.fields import Fields
from optimizer.problem import Break, Shift, Technician

TECHNICIAN_KEYS = frozenset(
    {
        "id", "profile", "speed_factor", "skills", "equipment", "stock", "service_factor",
        "cost_per_hour_fen", "cost_per_km_fen", "shifts",
    }
)  # fmt: skip
SHIFT_KEYS = frozenset(
    {
        "id", "start", "end", "overtime_s", "start_location", "end_location", "breaks",
        "max_jobs", "capacity",
    }
)  # fmt: skip
BREAK_KEYS = frozenset({"id", "windows", "duration_s"})


def technician_from_json(value: object, path: str) -> Technician:
    """One technician; ids of places and profiles are checked by `validate`."""
    fields = Fields(value, path, TECHNICIAN_KEYS, ("id", "shifts"))
    speed_factor = fields.number("speed_factor", 1.0)
    if not 0.01 <= speed_factor <= 100:
        raise ProblemError(
            fields.at("speed_factor"), f"must be between 0.01 and 100, got {speed_factor}"
        )
    service_factor = fields.factors("service_factor")
    for skill, factor in service_factor.items():
        if not 0 <= factor <= 100:
            where = f"{fields.at('service_factor')}.{skill}"
            raise ProblemError(where, f"must be between 0 and 100, got {factor}")
    return Technician(
        id=fields.text("id", ""),
        shifts=tuple(_shift(shift, where) for where, shift in fields.items("shifts")),
        profile=fields.text("profile", "car"),
        speed_factor=speed_factor,
        skills=fields.counts("skills"),
        equipment=frozenset(fields.words("equipment")),
        stock=fields.counts("stock"),
        service_factor=service_factor,
        cost_per_hour_fen=fields.integer("cost_per_hour_fen"),
        cost_per_km_fen=fields.integer("cost_per_km_fen"),
    )


def _shift(value: object, path: str) -> Shift:
    fields = Fields(value, path, SHIFT_KEYS, ("id", "start", "end", "start_location"))
    start, end = fields.integer("start"), fields.integer("end")
    if end < start:
        raise ProblemError(path, f"end {end} is before start {start}")
    start_location = fields.integer("start_location")
    return Shift(
        id=fields.text("id", ""),
        start=start,
        end=end,
        start_location=start_location,
        end_location=fields.maybe_integer("end_location"),
        overtime_s=fields.integer("overtime_s"),
        breaks=tuple(_break(pause, where) for where, pause in fields.items("breaks")),
        max_jobs=fields.maybe_integer("max_jobs"),
        capacity=fields.integers("capacity"),
    )


def _break(value: object, path: str) -> Break:
    fields = Fields(value, path, BREAK_KEYS, ("id", "windows", "duration_s"))
    windows = fields.windows("windows")
    if not windows:
        raise ProblemError(fields.at("windows"), "at least one window is needed")
    return Break(fields.text("id", ""), windows, fields.integer("duration_s"))


def technician_to_json(technician: Technician) -> dict[str, Any]:
    """One technician; what equals the default is left out."""
    document: dict[str, Any] = {"id": technician.id}
    if technician.profile != "car":
        document["profile"] = technician.profile
    if technician.speed_factor != 1.0:
        document["speed_factor"] = technician.speed_factor
    for key in ("skills", "stock", "service_factor"):
        if getattr(technician, key):
            document[key] = dict(getattr(technician, key))
    if technician.equipment:
        document["equipment"] = sorted(technician.equipment)
    for key in ("cost_per_hour_fen", "cost_per_km_fen"):
        if getattr(technician, key):
            document[key] = getattr(technician, key)
    document["shifts"] = [_shift_to_json(shift) for shift in technician.shifts]
    return document


def _shift_to_json(shift: Shift) -> dict[str, Any]:
    document: dict[str, Any] = {
        "id": shift.id,
        "start": shift.start,
        "end": shift.end,
        "start_location": shift.start_location,
        "end_location": shift.end_location,
    }
    if shift.overtime_s:
        document["overtime_s"] = shift.overtime_s
    if shift.breaks:
        document["breaks"] = [
            {
                "id": pause.id,
                "windows": [list(window) for window in pause.windows],
                "duration_s": pause.duration_s,
            }
            for pause in shift.breaks
        ]
    if shift.max_jobs is not None:
        document["max_jobs"] = shift.max_jobs
    if shift.capacity:
        document["capacity"] = list(shift.capacity)
    return document
