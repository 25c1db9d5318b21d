"""One door to the converters: a file in a public format becomes a `Problem`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from optimizer.formats.documents import parse_json, read_text
from optimizer.formats.errors import ProblemError
from optimizer.formats.hhcrsp import from_hhcrsp
from optimizer.formats.jobs import job_from_json, job_to_json
from optimizer.formats.rounding import ROUNDINGS, Rounding
from optimizer.formats.solomon import from_solomon
from optimizer.formats.technicians import technician_from_json, technician_to_json
from optimizer.formats.trsp import from_trsp
from optimizer.formats.validate import validate
from optimizer.formats.vroom import from_vroom
from optimizer.formats.vrplib import from_vrplib
from optimizer.problem import Goal, Problem

_CONVERTERS: dict[str, tuple[Callable[[str, Rounding], Problem], str]] = {
    "solomon": (from_solomon, "trunc10"),
    "vrplib": (from_vrplib, "exact1000"),
    "trsp": (from_trsp, "none"),
    "hhcrsp": (lambda text, rule: from_hhcrsp(parse_json(text, "the file"), rule), "none"),
    "vroom": (lambda text, _: from_vroom(parse_json(text, "the file")), "round1"),
}
"""Name → converter and the rounding its benchmark is usually reported with."""

SOURCES = tuple(_CONVERTERS)


def convert(
    path: str | Path,
    origin: str,
    *,
    rounding: str | None = None,
    objective: tuple[str, ...] | None = None,
) -> Problem:
    """Read a file in a public format.

    Parameters
    ----------
    path
        The file.
    origin
        One of `SOURCES`.
    rounding
        One of `ROUNDINGS`; by default the usual one: ``trunc10`` for Solomon, ``exact1000`` for
        VRPLIB (``trunc10`` for its PCVRPTW), ``none`` for TRSP and HHCRSP. VROOM's integers stay.
    objective
        Names of goals instead of the benchmark's own.

    Returns
    -------
    Problem
        Valid; its ``extra`` names the source, the rounding and, under ``left_out``, what has no
        counterpart.
    """
    text = read_text(path)
    if origin not in _CONVERTERS:
        raise ProblemError("", f"unknown format {origin!r}; known are {', '.join(SOURCES)}")
    converter, usual = _CONVERTERS[origin]
    if origin == "vrplib" and "PRIZE_SECTION" in text:
        usual = "trunc10"
    if origin == "vroom" and rounding not in (None, usual):
        raise ProblemError("", "VROOM's matrices are integers: --round does not apply")
    rule = rounding or usual
    if rule not in ROUNDINGS:
        raise ProblemError("", f"unknown rounding {rule!r}; known are {', '.join(ROUNDINGS)}")
    problem = converter(text, ROUNDINGS[rule])
    problem = replace(problem, extra={**problem.extra, "rounding": rule})
    if objective is not None:
        problem = replace(problem, objective=tuple(Goal.of(name) for name in objective))
    # the same strictness for what a converter made as for what a document says
    for job in problem.jobs:
        job_from_json(job_to_json(job), f"job {job.id}")
    for technician in problem.technicians:
        technician_from_json(technician_to_json(technician), f"technician {technician.id}")
    validate(problem)
    return problem
