"""Other solvers on the same outlets: spopt with HiGHS or CBC, and a plain model given to HiGHS.

Each run is a process of its own, so that its memory and its end are its own. What is counted is the
processor time of that process and its children (CBC is a program beside it) for building the model
and solving it; loading libraries and data is not. A run that has not ended after its time is ended
and has nothing to show; the time is that of the wall, or of a processor where that is asked for.
"""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import os
import resource
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Question:
    """p-median, or maximal coverage where there is a radius."""

    cost: Floats
    weight: Floats
    p: int
    radius: float | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What a peer came to: the value of the sites it opened, and what it took."""

    value: float | None
    seconds: float
    peak_mib: float
    note: str = ""


def worth(question: Question, opened: list[int]) -> float:
    """The value of a set of sites, worked out here whatever the peer claims."""
    nearest = question.cost[:, opened].min(axis=1)
    if question.radius is not None:
        return float(question.weight[nearest <= question.radius].sum())
    return float(question.weight @ nearest)


def _spopt(question: Question, solver: Any) -> list[int]:
    from spopt.locate import MCLP, PMedian

    if question.radius is None:
        model = PMedian.from_cost_matrix(question.cost, question.weight, question.p)
    else:
        model = MCLP.from_cost_matrix(question.cost, question.weight, question.radius, question.p)
    model.solve(solver, results=False)
    return [j for j, variable in enumerate(model.fac_vars) if (variable.value() or 0.0) > 0.5]


def _spopt_highs(question: Question) -> list[int]:
    import pulp

    return _spopt(question, pulp.HiGHS(msg=False, threads=1))


def _spopt_cbc(question: Question) -> list[int]:
    import pulp

    return _spopt(question, pulp.PULP_CBC_CMD(msg=False, threads=1))


def _highs(question: Question) -> list[int]:
    """The textbook model: y first, then x (p-median) or missed demand (coverage)."""
    import highspy
    from scipy import sparse

    n, m = question.cost.shape
    if question.radius is None:
        x = np.arange(n * m)
        serve = sparse.csr_matrix((np.ones(n * m), (x // m, m + x)), (n, m + n * m))
        one = np.ones(n * m)
        link = sparse.csr_matrix(
            (np.concatenate([one, -one]), (np.concatenate([x, x]), np.concatenate([m + x, x % m]))),
            (n * m, m + n * m),
        )
        rows = [serve, link]
        lower = [np.ones(n), np.full(n * m, -np.inf)]
        upper = [np.ones(n), np.zeros(n * m)]
        price = (question.weight[:, None] * question.cost).ravel()
    else:
        near = sparse.csr_matrix((question.cost <= question.radius).astype(np.float64))
        rows = [sparse.hstack([near, sparse.eye(n)]).tocsr()]
        lower, upper = [np.ones(n)], [np.full(n, np.inf)]
        price = question.weight
    count = sparse.csr_matrix(np.concatenate([np.ones(m), np.zeros(price.size)]))
    matrix = sparse.vstack([*rows, count]).tocsc()
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = m + price.size, matrix.shape[0]
    model.col_cost_ = np.concatenate([np.zeros(m), price])
    model.col_lower_, model.col_upper_ = np.zeros(m + price.size), np.ones(m + price.size)
    model.row_lower_ = np.concatenate([*lower, [question.p]])
    model.row_upper_ = np.concatenate([*upper, [question.p]])
    model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    model.a_matrix_.start_ = matrix.indptr
    model.a_matrix_.index_ = matrix.indices
    model.a_matrix_.value_ = matrix.data
    kinds = highspy.HighsVarType
    model.integrality_ = [kinds.kInteger] * m + [kinds.kContinuous] * price.size
    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    solver.passModel(model)
    solver.run()
    return [int(j) for j in np.flatnonzero(np.array(solver.getSolution().col_value[:m]) > 0.5)]


PEERS: dict[str, Callable[[Question], list[int]]] = {
    "spopt-highs": _spopt_highs,
    "spopt-cbc": _spopt_cbc,
    "highs": _highs,
}
NEEDS = {
    "spopt-highs": ("spopt", "pulp", "highspy"),
    "spopt-cbc": ("spopt", "pulp"),
    "highs": ("highspy", "scipy.sparse"),
}


def _used() -> float:
    whole = 0.0
    for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        usage = resource.getrusage(who)
        whole += usage.ru_utime + usage.ru_stime
    return whole


def _child(name: str, question: Question, end: Connection, most_cpu_s: float | None) -> None:
    try:
        for module in NEEDS[name]:
            __import__(module)
    except ImportError as error:
        end.send((None, f"not installed: {error.name}"))
        return
    if name.startswith("spopt"):
        __import__("spopt.locate")
    os.chdir(tempfile.mkdtemp())  # solvers leave files where they stand
    end.send("ready")
    start = _used()
    if most_cpu_s is not None:  # the kernel ends it there; a program beside it gets as much anew
        most = math.ceil(start + most_cpu_s)
        resource.setrlimit(resource.RLIMIT_CPU, (most, most))
    try:
        opened: list[int] | None = PEERS[name](question)
        note = ""
    except Exception as error:
        opened, note = None, f"failed: {type(error).__name__}"
    spent = _used() - start
    peak = max(
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    end.send((opened, note, spent, peak / 1024))


def ask(name: str, question: Question, seconds: float, clock: str = "wall") -> Told:
    """Run one peer, at most ``seconds`` of wall time or (``clock`` is ``cpu``) of a processor."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    most = seconds if clock == "cpu" else None
    process = context.Process(target=_child, args=(name, question, theirs, most), daemon=True)
    process.start()
    theirs.close()
    answer: tuple[Any, ...] | None = None
    with contextlib.suppress(EOFError):
        first = ours.recv()
        if first == "ready":
            if ours.poll(None if clock == "cpu" else seconds):
                answer = ours.recv()
        else:
            process.join()
            return Told(None, 0.0, 0.0, first[1])
    process.terminate()
    process.join()
    if answer is None:
        return Told(None, seconds, 0.0, f"nothing in {seconds:g} s")
    opened, note, spent, peak = answer
    if opened is not None and len(opened) != question.p:
        return Told(None, spent, peak, f"opened {len(opened)} sites")
    return Told(None if opened is None else worth(question, opened), spent, peak, note)
