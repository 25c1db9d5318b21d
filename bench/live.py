"""``live``: what the desk answers while the day runs, in CPU time and checked after the fact."""

from __future__ import annotations

import argparse
import platform
import shlex
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from statistics import mean
from typing import TypeVar

import numpy as np

from bench.contest import OURS, Outcome
from bench.data import DataMissing
from bench.day_tables import shapes
from bench.days import DAY_S, URGENT_BY_S, DayShape, day_problem
from bench.report import Report, cores, processor, solver_version
from optimizer import Job, Plan, Problem, Stop, check, solve
from optimizer.desk import Desk, Offer

LIVE_SIZES = ("1000x100x2d",)
ITERATIONS = 20_000
NOW_S = 10 * 3600
"""The first day at ten: every shift is on the road, every urgent visit can still be in time."""

WITHIN_S = 1800
OFFERS = 3
MOST_FRESH = 200
COMMITS = 40
DELAYS = 20
DELAY_S = 1800
OUTAGES = 8

WITHOUT, EJECTING = "offers without ejection", "offers with up to 2 ejections"
PRESSING_WITHOUT = "offers within half an hour, without ejection"
PRESSING = "offers within half an hour, with up to 2 ejections"
LOOKED = "of all these: ejections were looked for"
COMMIT, DELAY, OUT = "commit", "delay of 30 min", "technician_out"
OFFERED = (WITHOUT, EJECTING, PRESSING_WITHOUT, PRESSING, LOOKED)
ASKED = (*OFFERED, COMMIT, DELAY, OUT)

Answer = TypeVar("Answer")


@dataclass(slots=True)
class Measured:
    """What was measured on one day, over all its plans; milliseconds of process CPU time."""

    times_ms: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in ASKED})
    found: dict[str, list[tuple[Offer, ...]]] = field(
        default_factory=lambda: {name: [] for name in OFFERED}
    )
    kept_word: list[bool] = field(default_factory=list)
    commits_ejecting: int = 0
    kept: int = 0
    late: list[int] = field(default_factory=list)
    delay_left_out: list[int] = field(default_factory=list)
    out_moves: list[int] = field(default_factory=list)
    out_left_out: list[int] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)

    def timed(self, name: str, ask: Callable[[], Answer]) -> Answer:
        """Ask, and note the CPU time that the answer took."""
        began = time.process_time()
        answer = ask()
        self.times_ms[name].append(1000 * (time.process_time() - began))
        return answer


def drawn(form: DayShape) -> tuple[Problem, tuple[Job, ...]]:
    """A day of ``form`` and urgent jobs that were not known when it was planned.

    Both come from one draw of the day's generator with a fifth more jobs (at most `MOST_FRESH`,
    at least 5), so that the fresh ones lie where such jobs lie. The last ones are held back and
    made urgent: due the first day by 18:00 (a hard window in the plain form), no appointment.
    """
    count = min(MOST_FRESH, max(5, form.jobs // 5))
    whole = day_problem(replace(form, jobs=form.jobs + count))
    fresh = tuple(
        replace(
            job,
            job_class="urgent",
            due=URGENT_BY_S if form.breaks else None,
            time_windows=() if form.breaks else ((0, URGENT_BY_S),),
        )
        for job in whole.jobs[form.jobs :]
    )
    return replace(whole, jobs=whole.jobs[: form.jobs]), fresh


def pressing(job: Job) -> Job:
    """The same fault, due within half an hour: few can come, so that others have to make room."""
    if job.due is not None:
        return replace(job, due=NOW_S + WITHIN_S)
    return replace(job, time_windows=((0, NOW_S + WITHIN_S),))


def measure(form: DayShape, seed: int, iterations: int, into: Measured) -> None:
    """Plan the day, then ask the desk; everything is a function of the form, seed and count."""
    problem, fresh = drawn(form)
    plan = solve(problem, Stop(iterations=iterations), seed=seed)
    random = np.random.default_rng([form.seed, seed])
    _warm_up(problem, plan, fresh[0], seed)

    desk = Desk(problem, plan, now_s=NOW_S, seed=seed)
    _note(into, form, seed, desk)
    into.kept += sum(stand.closed and bool(desk.tails[r]) for r, stand in enumerate(desk.stands))
    for job in fresh:
        _ask(into, desk, job, WITHOUT, EJECTING)
        _ask(into, desk, pressing(job), PRESSING_WITHOUT, PRESSING)
    ahead = _ahead(desk)
    chosen = random.choice(len(ahead), min(DELAYS, len(ahead)), replace=False)
    for name in (ahead[int(index)][1] for index in chosen):
        report = into.timed(DELAY, partial(desk.delay, name, DELAY_S))
        into.late.append(len(report.late))
        into.delay_left_out.append(len(report.left_out))

    people = sorted({who for who, _ in ahead})
    for index in random.permutation(len(people))[:OUTAGES]:
        other = Desk(problem, plan, now_s=NOW_S, seed=seed)
        outage = into.timed(OUT, partial(other.technician_out, people[int(index)]))
        into.out_moves.append(len(outage.moves))
        into.out_left_out.append(len(outage.left_out))
        _note(into, form, seed, other)

    for number, index in enumerate(random.permutation(len(fresh))[:COMMITS]):
        job = fresh[index] if number % 2 else pressing(fresh[index])
        _commit(into, form, seed, desk, job, random)


def _ask(into: Measured, desk: Desk, job: Job, without: str, ejecting: str) -> None:
    plain = into.timed(without, partial(desk.offers, job, OFFERS, eject=0))
    offers = into.timed(ejecting, partial(desk.offers, job, OFFERS, eject=2))
    into.found[without].append(plain)
    into.found[ejecting].append(offers)
    in_time = [offer for offer in plain if offer.effect.get("late", 0) <= 0]
    if len(in_time) < OFFERS:
        into.times_ms[LOOKED].append(into.times_ms[ejecting][-1])
        into.found[LOOKED].append(offers)


def _commit(
    into: Measured,
    form: DayShape,
    seed: int,
    desk: Desk,
    job: Job,
    random: np.random.Generator,
) -> None:
    """Take one of the offers, an ejecting one where there is one, and hold it to its word."""
    offers = desk.offers(job, OFFERS, eject=2)
    if not offers:
        return
    ejecting = [offer for offer in offers if offer.ejections]
    offer = ejecting[0] if ejecting else offers[int(random.integers(len(offers)))]
    before = check(desk.problem, desk.plan).goals
    into.timed(COMMIT, partial(desk.commit, offer))
    after = _note(into, form, seed, desk)
    became = {name: after[name] - before[name] for name in offer.effect}
    into.kept_word.append(became == dict(offer.effect))
    into.commits_ejecting += bool(offer.ejections)


def _ahead(desk: Desk) -> list[tuple[str, str]]:
    """(technician, job) of what starts on the first day after now, on routes that may change."""
    return [
        (route.technician, step.job)
        for r, route in desk.routes.items()
        if route is not None and not desk.stands[r].closed
        for step in route.steps
        if step.job is not None and NOW_S < (step.start or 0) < DAY_S
    ]


def _warm_up(problem: Problem, plan: Plan, job: Job, seed: int) -> None:
    """Load the compiled code, as a service that runs has done."""
    desk = Desk(problem, plan, now_s=NOW_S, seed=seed)
    desk.offers(job, OFFERS, eject=0)
    # More than there are: nobody is enough, so that ejections are looked for.
    offers = desk.offers(job, len(problem.technicians) + 1, eject=2)
    ahead = _ahead(desk)
    if not ahead:
        raise ValueError("nothing is left to do after ten on the first day: take a larger day")
    desk.delay(ahead[0][1], DELAY_S)
    if offers:
        desk.commit(offers[0])
    desk.technician_out(ahead[0][0])


def _note(into: Measured, form: DayShape, seed: int, desk: Desk) -> dict[str, int | float]:
    """Have the checker look at the desk's plan; its goals."""
    plan = desk.plan
    report = check(desk.problem, plan)
    goals = dict(report.goals)
    into.outcomes.append(
        Outcome(
            OURS,
            form.name,
            seed,
            goals={name: float(value) for name, value in goals.items()},
            unassigned=len(plan.unassigned),
            violations=len(report.violations),
            first_violation=str(report.violations[0]) if report.violations else "",
        )
    )
    return goals


def live(options: argparse.Namespace) -> Report:
    """How long the desk takes to answer, and whether its answers come true."""
    if options.roads:
        raise ValueError("live has no days on roads; leave --roads out")
    chosen = shapes(options, LIVE_SIZES)
    if not chosen:
        raise DataMissing(f"no day matches {options.instances!r}: such as clustered-1000x100x2d")
    iterations = options.iterations or ITERATIONS
    rows: list[tuple[str, ...]] = []
    outcomes: list[Outcome] = []
    for form in chosen:
        measured = Measured()
        for seed in options.seeds:
            print(f"{form.name} seed {seed}", file=sys.stderr, flush=True)
            measure(form, seed, iterations, measured)
        rows += _rows(form.name, measured)
        outcomes += measured.outcomes
    return Report(
        "Live: the desk's answers",
        ("day", "asked", "times", "p50 ms", "p99 ms", "max ms", "what came of it"),
        tuple(rows),
        (
            f"command: `python -m bench {shlex.join(sys.argv[1:])}`",
            f"{cores()} cores ({processor()}), Python {platform.python_version()}",
            f"engine: {solver_version(OURS)}",
            "milliseconds of process CPU time, one call at a time, compiled code loaded before",
            f"plans of {iterations:,} iterations, one per seed "
            f"{', '.join(str(seed) for seed in options.seeds)}, figures of all of them together; "
            f"instance seed {options.instance_seed}; now is {NOW_S // 3600}:00 on the first day",
        ),
        (
            f"Offers: the best {OFFERS} technicians for an urgent job that was not known when the "
            "day was planned, drawn together with the day and due by 18:00; `within half an "
            "hour`: the same jobs, due half an hour from now. Ejections are only looked for where "
            f"fewer than {OFFERS} technicians can come in time. Nothing is committed in between.",
            "Commit: one offer each for a sample of the jobs is taken (an ejecting one where there "
            "is one; every other job due within half an hour), plan after plan on the same desk; "
            "its claimed effect on every goal is compared with the difference of what "
            "`optimizer.check` says before and after.",
            f"`delay`: {DELAY_S // 60} minutes more for a visit of the first day; the report with "
            "its repair is not applied. `technician_out`: from now on, each on a desk of its own; "
            "setting the desk up is not counted.",
        ),
        tuple(outcomes),
    )


def _rows(name: str, measured: Measured) -> list[tuple[str, ...]]:
    said = {
        **{name: _offers_said(found) for name, found in measured.found.items()},
        COMMIT: _kept_said(measured),
        DELAY: f"{_mean(measured.late)} visits late as it stands, "
        f"{sum(measured.delay_left_out)} left out by all repairs; "
        f"{measured.kept} routes closed to changes",
        OUT: f"{_mean(measured.out_moves)} visits moved, "
        f"{sum(measured.out_left_out)} left out in all",
    }
    rows = []
    for asked, times in measured.times_ms.items():
        p50, p99, most = np.percentile(times, (50, 99, 100)) if times else (0.0, 0.0, 0.0)
        figures = (f"{p50:.2f}", f"{p99:.2f}", f"{most:.2f}") if times else ("–",) * 3
        rows.append((name, asked, str(len(times)), *figures, said[asked]))
    return rows


def _offers_said(found: list[tuple[Offer, ...]]) -> str:
    offers = [offer for answer in found for offer in answer]
    ejecting = sum(bool(offer.ejections) for offer in offers)
    nobody = sum(not answer for answer in found)
    return f"{len(offers)} offers, {ejecting} eject; nobody for {nobody} jobs"


def _kept_said(measured: Measured) -> str:
    if not measured.kept_word:
        return "no offer to take"
    share = 100 * mean(measured.kept_word)
    return (
        f"effect as claimed: {share:.0f} % ({sum(measured.kept_word)} of "
        f"{len(measured.kept_word)}, {measured.commits_ejecting} ejecting)"
    )


def _mean(values: list[int]) -> str:
    return f"{mean(values):.1f}" if values else "–"


TABLES: dict[str, Callable[[argparse.Namespace], Report]] = {"live": live}
