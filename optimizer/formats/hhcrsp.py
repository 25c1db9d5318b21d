"""Home health care routing and scheduling: skills, soft windows, two-person visits.

Sources: Mankowska, Meisel & Bierwirth (2014), doi:10.1007/s10729-013-9243-1; format of Ceschia,
Di Gaspero, Rosati & Schaerf (2024), doi:10.1111/itor.13585.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from optimizer.formats.errors import ProblemError
from optimizer.formats.fields import LATEST, Fields, array, finite, mapping
from optimizer.formats.rounding import Rounding
from optimizer.problem import Goal, Job, Location, Problem, Shift, Technician, Travel

_TOP = frozenset({"name", "patients", "services", "caregivers", "central_offices", "distances"})
_PATIENT = frozenset({"id", "location", "time_window", "required_caregivers", "synchronization"})
_CAREGIVER = frozenset({"id", "abilities", "working_shift"})


def from_hhcrsp(document: object, rounding: Rounding) -> Problem:
    """Patient ``p8`` becomes job ``p8``, or jobs ``p8:s4`` and ``p8:s5`` where two visit.

    The window's opening is hard (``release``), its end soft (``due``). Tardiness is measured
    where the service starts. Goal: (travel + total + largest tardiness), three times the published
    cost.
    """
    fields = Fields(
        document, "", _TOP, ("patients", "services", "caregivers", "central_offices", "distances")
    )
    offices = list(fields.items("central_offices"))
    patients = [
        Fields(value, path, _PATIENT, ("id", "time_window", "required_caregivers"))
        for path, value in fields.items("patients")
    ]
    if len(offices) != 1:
        raise ProblemError("central_offices", f"one office is supported, got {len(offices)}")
    distances = _matrix(fields, len(patients) + 1)
    usual = {
        str(mapping(value, path).get("id")): mapping(value, path).get("default_duration", 0)
        for path, value in fields.items("services")
    }
    jobs = [
        job
        for place, patient in enumerate(patients, 1)
        for job in _visits(patient, place, usual, rounding)
    ]
    matrix = rounding.matrix(distances)
    last = max((job.due or 0 for job in jobs), default=0)
    work = sum(job.service_s for job in jobs)
    horizon = min(LATEST, last + work + (len(jobs) + 1) * int(matrix.max(initial=0)))
    technicians = tuple(
        _caregiver(value, path, horizon, rounding) for path, value in fields.items("caregivers")
    )
    office = mapping(offices[0][1], offices[0][0])
    return Problem(
        locations=(
            Location(str(office.get("id", "d"))),
            *(Location(patient.text("id", "")) for patient in patients),
        ),
        travel={"car": Travel(matrix)},
        technicians=technicians,
        jobs=tuple(jobs),
        objective=(Goal((("travel", 1.0), ("late", 1.0), ("worst_late", 1.0))),),
        scale=rounding.scale,
        late_at="start",
        extra={"source": "hhcrsp"},
    )


def _matrix(fields: Fields, size: int) -> Any:
    rows = [
        [finite(cell, f"{path}[{n}]") for n, cell in enumerate(array(row, path))]
        for path, row in fields.items("distances")
    ]
    if len(rows) != size or any(len(row) != size for row in rows):
        raise ProblemError("distances", f"expected {size} × {size} values")
    if any(cell < 0 for row in rows for cell in row):
        raise ProblemError("distances", "must not be negative")
    return np.array(rows, dtype=np.float64)


def _visits(
    patient: Fields, place: int, usual: dict[str, Any], rounding: Rounding
) -> tuple[Job, ...]:
    name = patient.text("id", "")
    window = [finite(value, path) for path, value in patient.items("time_window")]
    needs = [mapping(value, path) for path, value in patient.items("required_caregivers")]
    if len(window) != 2:
        raise ProblemError(patient.at("time_window"), "expected [start, end]")
    if not 1 <= len(needs) <= 2:
        raise ProblemError(patient.at("required_caregivers"), "one or two caregivers are supported")
    where = patient.at("required_caregivers")
    names = [name]
    if len(needs) == 2:
        names = [f"{name}:{need.get('service')}" for need in needs]
        if names[0] == names[1]:
            names[1] += ":2"
    visits = []
    for number, need in enumerate(needs):
        service = str(need.get("service"))
        if service not in usual:
            raise ProblemError(f"{where}[{number}].service", f"no service {service!r}")
        duration = finite(need.get("duration", usual[service]), f"{where}[{number}].duration")
        together: tuple[str, ...] = ()
        after: tuple[str, ...] = ()
        low, high = 0, None
        if len(needs) == 2:
            kind, gap = _synchronization(patient)
            if kind == "simultaneous":
                together = (names[1 - number],)
            elif number == 1:
                after = (names[0],)
                low, high = (rounding.integer(value) for value in gap)
        visits.append(
            Job(
                id=names[number],
                location=place,
                service_s=rounding.integer(duration),
                skills={service: 1},
                release=rounding.integer(window[0]),
                due=rounding.integer(window[1]),
                together=together,
                after=after,
                min_gap_s=low,
                max_gap_s=high,
                gap_from="start" if after else "end",
            )
        )
    return tuple(visits)


def _synchronization(patient: Fields) -> tuple[str, list[float]]:
    path = patient.at("synchronization")
    found = mapping(patient.get("synchronization"), path)
    gap = [finite(value, f"{path}.distance") for value in found.get("distance", ())]
    kind = found.get("type")
    if kind == "simultaneous" or (kind == "sequential" and len(gap) == 2):
        return str(kind), gap
    raise ProblemError(path, "expected simultaneous, or sequential with a distance [min, max]")


def _caregiver(value: object, path: str, horizon: int, rounding: Rounding) -> Technician:
    fields = Fields(value, path, _CAREGIVER, ("id", "abilities"))
    start, end = 0, horizon
    if fields.get("working_shift") is not None:
        start, end = (
            rounding.integer(finite(edge, where)) for where, edge in fields.items("working_shift")
        )
    shift = Shift("day", start, end, 0, 0)
    return Technician(
        fields.text("id", ""), (shift,), skills=dict.fromkeys(fields.words("abilities"), 1)
    )
