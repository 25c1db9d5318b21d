"""``python -m optimizer solve | check | why | convert | export``.

Exit code 0 when all is well, 1 when a plan breaks a rule, 2 when the input is wrong (one line on
stderr).
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from optimizer.bounds import gaps
from optimizer.check import CheckReport, check
from optimizer.formats import (
    ProblemError,
    plan_from_json,
    plan_to_json,
    problem_from_json,
    problem_to_json,
)
from optimizer.formats.convert import SOURCES, convert
from optimizer.formats.documents import write_json
from optimizer.formats.rounding import ROUNDINGS
from optimizer.formats.vroom_solution import plan_to_vroom
from optimizer.plan import Plan
from optimizer.problem import GOALS, Problem
from optimizer.solve import Progress, Stop, solve

FINE, VIOLATED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f"{self.prog}: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
    except ProblemError as error:
        print(_told(error, options.source), file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return VIOLATED
    return code


def _told(error: ProblemError, source: str) -> str:
    """The error with the file it is about, unless it names a file itself."""
    of_document = error.path or error.message.startswith(("expected ", "key "))
    return f"{source}: {error}" if of_document else str(error)


def _parser() -> _Parser:
    parser = _Parser(prog="python -m optimizer", description="Plan technicians' days.")
    commands = parser.add_subparsers(
        required=True, metavar="solve | check | why | convert | export"
    )

    run = commands.add_parser("solve", help="plan a problem")
    run.add_argument("source", metavar="PROBLEM.json")
    run.add_argument("--out", required=True, metavar="PLAN.json", help="where the plan goes")
    run.add_argument("--seconds", type=_positive, help="stop after so much wall time")
    run.add_argument("--iterations", type=_count, help="stop after so many iterations")
    run.add_argument("--threads", type=_at_least_one, default=1)
    run.add_argument("--seed", type=_count, default=1)
    run.add_argument("--engine", choices=("search", "ortools"), default="search")
    run.add_argument("--start", metavar="PLAN.json", help="a plan to start from")
    run.add_argument("--json", action="store_true", help="print the summary as JSON")
    run.set_defaults(run=_solve)

    judge = commands.add_parser("check", help="judge a plan, trusting nothing it says")
    judge.add_argument("source", metavar="PROBLEM.json")
    judge.add_argument("plan", metavar="PLAN.json")
    judge.add_argument("--json", action="store_true", help="print the report as JSON")
    judge.set_defaults(run=_check)

    ask = commands.add_parser("why", help="why a technician does not have a job, or could")
    ask.add_argument("source", metavar="PROBLEM.json")
    ask.add_argument("plan", metavar="PLAN.json")
    ask.add_argument("--job", required=True, metavar="ID")
    ask.add_argument("--technician", required=True, metavar="ID")
    ask.add_argument("--json", action="store_true", help="print the answer as JSON")
    ask.set_defaults(run=_why)

    turn = commands.add_parser("convert", help="turn a public format into a problem")
    turn.add_argument("source", metavar="FILE")
    turn.add_argument("--from", dest="origin", required=True, choices=SOURCES)
    turn.add_argument("--out", required=True, metavar="PROBLEM.json")
    turn.add_argument("--round", choices=tuple(ROUNDINGS), help="how distances become integers")
    turn.add_argument("--objective", type=_goals, metavar="GOAL,…", help="goals, first counts most")
    turn.add_argument("--json", action="store_true", help="print the summary as JSON")
    turn.set_defaults(run=_convert)

    give = commands.add_parser("export", help="tell a plan in another program's words")
    give.add_argument("source", metavar="PROBLEM.json")
    give.add_argument("plan", metavar="PLAN.json")
    give.add_argument("--to", required=True, choices=("vroom",))
    give.add_argument("--out", required=True, metavar="SOLUTION.json")
    give.set_defaults(run=_export)
    return parser


def _solve(options: argparse.Namespace) -> int:
    if options.seconds is None and options.iterations is None:
        raise ProblemError("", "solve needs --seconds, --iterations or both")
    out = Path(options.out)
    if not out.parent.is_dir():
        raise ProblemError("", f"cannot write {out}: {out.parent} is not a folder")
    if out.is_dir():
        raise ProblemError("", f"cannot write {out}: it is a folder")
    problem = problem_from_json(options.source)
    start = None if options.start is None else _read_plan(options.start, problem)
    began = time.monotonic()
    with _Interruption() as interruption:
        plan = solve(
            problem,
            Stop(options.seconds, options.iterations),
            engine=options.engine,
            seed=options.seed,
            threads=options.threads,
            watch=_watch(interruption),
            start=start,
        )
    write_json(plan_to_json(plan), options.out)
    report = check(problem, plan)
    for violation in report.violations:
        print(violation, file=sys.stderr)
    summary: dict[str, Any] = {
        "out": options.out,
        "routes": len(plan.routes),
        "jobs": len(problem.jobs),
        "unassigned": len(plan.unassigned),
        "goals": _objective(problem, report),
        "bounds": dict(plan.bounds),
        "gaps": gaps(plan),
        "proofs": dict(plan.proofs),
        "violations": len(report.violations),
        "seconds": round(time.monotonic() - began, 3),
    }
    if plan.solver is not None:
        summary["solver"] = plan_to_json(plan)["solver"]
    _say(summary, options.json, lambda: _sentence(summary))
    return FINE if report.valid else VIOLATED


def _check(options: argparse.Namespace) -> int:
    problem = problem_from_json(options.source)
    report = check(problem, _read_plan(options.plan, problem))
    document = {
        "valid": report.valid,
        "violations": [
            {"rule": found.rule, "where": found.where, "by": found.by, "message": found.message}
            for found in report.violations
        ],
        "goals": dict(report.goals),
    }

    def lines() -> str:
        verdict = "valid" if report.valid else f"{len(report.violations)} violations"
        goals = (f"  {name} {value}" for name, value in report.goals.items())
        return "\n".join([*map(str, report.violations), verdict, *goals])

    _say(document, options.json, lines)
    return FINE if report.valid else VIOLATED


def _why(options: argparse.Namespace) -> int:
    from optimizer.explain import why, why_document, why_lines

    problem = problem_from_json(options.source)
    plan = _valid_plan(options.plan, problem)
    try:
        answer = why(problem, plan, options.job, options.technician)
    except ValueError as error:
        raise ProblemError("", f"{options.source}: {error}") from error
    document = why_document(problem, answer)
    _say(document, options.json, lambda: why_lines(problem, answer))
    return FINE


def _convert(options: argparse.Namespace) -> int:
    problem = convert(
        options.source, options.origin, rounding=options.round, objective=options.objective
    )
    write_json(problem_to_json(problem), options.out)
    summary = {
        "out": options.out,
        "jobs": len(problem.jobs),
        "technicians": len(problem.technicians),
        "locations": len(problem.locations),
        "scale": problem.scale,
        "left_out": list(problem.extra.get("left_out", ())),
    }
    for what in summary["left_out"] if isinstance(summary["left_out"], list) else ():
        print(f"{options.source}: left out: {what}", file=sys.stderr)
    _say(
        summary,
        options.json,
        lambda: (
            f"{options.out}: {summary['jobs']} jobs, {summary['technicians']} technicians, "
            f"scale {summary['scale']}"
        ),
    )
    return FINE


def _export(options: argparse.Namespace) -> int:
    problem = problem_from_json(options.source)
    plan = _valid_plan(options.plan, problem)
    write_json(plan_to_vroom(problem, plan), options.out)
    print(f"{options.out}: {len(plan.routes)} routes")
    return FINE


def _read_plan(path: str, problem: Problem) -> Plan:
    try:
        return plan_from_json(path, problem)
    except ProblemError as error:
        raise ProblemError("", _told(error, path)) from error


def _valid_plan(path: str, problem: Problem) -> Plan:
    """The plan, refused when it breaks a rule: what is said about it would rest on nothing."""
    plan = _read_plan(path, problem)
    report = check(problem, plan)
    if not report.valid:
        raise ProblemError("", f"{path} is not valid: {report.violations[0]}")
    return plan


class _Interruption:
    """Ctrl-C asks the solver to come to an end; a second Ctrl-C ends the process."""

    def __init__(self) -> None:
        self.asked = False

    def __enter__(self) -> _Interruption:
        self._before = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGINT, self._before)

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


def _watch(interruption: _Interruption) -> Callable[[Progress], bool]:
    show = sys.stderr.isatty()

    def watch(progress: Progress) -> bool:
        if show:
            goals = "  ".join(f"{name} {value}" for name, value in progress.goals.items())
            line = f"{progress.share:4.0%}  {progress.iterations} iterations  {goals}"
            print(f"\r\x1b[K{line[:120]}", end="", file=sys.stderr, flush=True)
            if progress.share >= 1 or interruption.asked:
                print(file=sys.stderr)
        return not interruption.asked

    return watch


def _objective(problem: Problem, report: CheckReport) -> dict[str, int | float]:
    names = ["unserved", *(goal.name for goal in problem.objective)]
    return {name: report.goals[name] for name in names}


def _sentence(summary: dict[str, Any]) -> str:
    """What was planned, a line for each goal with what is proven about it, and how it was found."""
    served = summary["jobs"] - summary["unassigned"]
    lines = [f"{summary['out']}: {served} of {summary['jobs']} jobs on {summary['routes']} routes"]
    wide = max(len(name) for name in summary["goals"])
    for name, value in summary["goals"].items():
        bound, gap = summary["bounds"].get(name), summary["gaps"].get(name)
        if bound is None or gap is None:
            proven = "nothing proven"
        elif gap == 0:
            proven = f"proven best ({summary['proofs'].get(name, 'bound')})"
        else:
            method = summary["proofs"].get(name, "bound")
            proven = f"at least {bound} ({method}), gap {gap:.1%}"
        lines.append(f"  {name:<{wide}}  {value:>10}  {proven}")
    solver = summary.get("solver")
    if solver is not None:
        lines.append(
            f"  {solver['iterations']} iterations in {solver['seconds']:.1f} s by "
            f"{solver['engine']}, seed {solver['seed']}, threads {solver['threads']}; "
            f"{summary['seconds']:.1f} s in all, with answers and bounds"
        )
    return "\n".join(lines)


def _say(document: dict[str, Any], as_json: bool, lines: Callable[[], str]) -> None:
    print(json.dumps(document, ensure_ascii=False) if as_json else lines())


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"must be a number, got {text[:40]!r}") from error
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a positive number, got {text}")
    return value


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"must be a whole number, got {text[:40]!r}") from error


def _count(text: str) -> int:
    value = _whole(text)
    if not 0 <= value < 2**31:
        raise argparse.ArgumentTypeError(f"must be between 0 and 2147483647, got {text}")
    return value


def _at_least_one(text: str) -> int:
    value = _whole(text)
    if not 1 <= value <= 1024:
        raise argparse.ArgumentTypeError(f"must be between 1 and 1024, got {text}")
    return value


def _goals(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    unknown = [name for name in names if name not in GOALS]
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown goal {unknown[0]!r}")
    return names


if __name__ == "__main__":
    sys.exit(main())
