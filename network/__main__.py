"""``python -m network site|check|simulate|…``: the planner's engine on the command line."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from network.command_line import Line, Refused, write_whole

BAD_INPUT = 2
NO_PLAN = 3
ROOMS = (
    "network.demand.command",
    "network.simulate.command",
    "network.staffing.command",
    "network.demo.command",
)
"""Modules that ``add`` a command of their own."""


def _frontier(text: str) -> dict[str, list[Any]]:
    """``p=1..20``, ``p=3,5,8`` or ``budget=100,250``; numbers alone mean p."""
    name, _, values = text.rpartition("=")
    points: list[Any] = []
    try:
        if name == "budget":
            points = [float(part) for part in values.split(",")]
        elif name in ("", "p") and ".." in values:
            low, high = (int(part) for part in values.split("..", 1))
            points = list(range(low, high + 1))
        elif name in ("", "p"):
            points = [int(part) for part in values.split(",")]
    except ValueError:
        points = []
    least = 0 if name == "budget" else 1
    if not points or not all(least <= value < float("inf") for value in points):
        raise argparse.ArgumentTypeError(f"{text!r} is none of p=1..20, p=3,5,8 and budget=100,250")
    return {name or "p": points}


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return value


def parser() -> argparse.ArgumentParser:
    """The command line."""
    line = Line(prog="python -m network", description=__doc__)
    commands = line.add_subparsers(dest="command", required=True, parser_class=Line)
    site = commands.add_parser("site", help="place outlets: SITING.json → SITES.json")
    site.add_argument("problem", type=Path, metavar="SITING.json")
    site.add_argument("--out", type=Path, metavar="SITES.json", help="default: standard output")
    site.add_argument("--seconds", type=_positive, help="instead of stop.seconds")
    site.add_argument("--seed", type=int, default=1)
    site.add_argument(
        "--osrm", metavar="URL", help="road seconds where the problem has no cost (or OSRM_URL)"
    )
    site.add_argument(
        "--frontier",
        type=_frontier,
        metavar="p=1..20",
        help="an answer for each p, or for each budget=100,250; each starts from the one before",
    )
    site.add_argument("--json", action="store_true", help="print the whole answer as JSON")
    site.set_defaults(run=_site)
    check = commands.add_parser("check", help="check an answer without trusting who made it")
    check.add_argument("problem", type=Path, metavar="SITING.json")
    check.add_argument("answer", type=Path, metavar="SITES.json")
    check.add_argument("--osrm", metavar="URL", help="as for site")
    check.add_argument("--json", action="store_true", help="print the faults as JSON")
    check.set_defaults(run=_check)
    for room in ROOMS:
        import_module(room).add(commands)
    return line


def _travel(url: str | None) -> Callable[..., Any]:
    from network.siting.travel import by_osrm, estimated

    running = os.environ.get("OSRM_URL") or None
    if url is None and running is None:
        return estimated

    def ask(demand: Sequence[Any], sites: Sequence[Any]) -> Any:
        try:
            return by_osrm(url or running or "", demand, sites)
        except (OSError, ValueError, RuntimeError) as error:
            if url is not None:
                raise Refused(f"--osrm {url}: {error}") from None
            # nobody asked for roads on this line, so an estimate that says so is an answer
            print(f"network: OSRM_URL {running}: {error}; estimated instead", file=sys.stderr)
            return estimated(demand, sites)

    return ask


def _summary(answer: Any) -> str:
    if answer.infeasible_because is not None:
        return f"infeasible: {answer.infeasible_because}"
    gap = "unknown" if answer.gap is None else f"{answer.gap:.2e}"
    return (
        f"{answer.status.value}: {len(answer.open)} sites open, objective {answer.objective:.10g}, "
        f"bound {answer.bound:.10g}, gap {gap}, {answer.solver.seconds:.2f} s"
        + (", travel estimated" if answer.solver.travel == "estimated" else "")
    )


def _site(options: argparse.Namespace) -> int:
    from dataclasses import replace

    from network.siting import BadSiting, NoPlanFound, frontier, load_problem, solve

    if options.out is not None and not options.out.parent.is_dir():
        raise Refused(f"--out {options.out}: no such folder")
    try:
        problem = load_problem(options.problem, _travel(options.osrm))
        if options.seconds is not None:
            problem = replace(problem, stop=replace(problem.stop, seconds=options.seconds))
    except BadSiting as error:
        raise Refused(str(error)) from None
    try:
        if options.frontier:
            [(name, points)] = options.frontier.items()
            numbers, budgets = (points, ()) if name == "p" else ((), points)
            answers = frontier(problem, numbers, budgets, options.seed)
            data: Any = {
                "format": "zhunda-frontier/1",
                "points": [
                    {name: point, "sites": answer.to_json()}
                    for point, answer in zip(points, answers, strict=True)
                ],
            }
        else:
            answers = [solve(problem, options.seed)]
            data = answers[0].to_json()
    except NoPlanFound as error:
        print(f"network: {error}", file=sys.stderr)
        return NO_PLAN
    text = json.dumps(data, ensure_ascii=False) + "\n"
    if options.out is not None:
        write_whole(options.out, text)
    if options.json or options.out is None:
        sys.stdout.write(text)
    else:
        for answer in answers:
            print(_summary(answer))
    return 0


def _check(options: argparse.Namespace) -> int:
    from network.siting import BadSiting, check_answer
    from network.siting.reading import parse, read_problem

    loaded = []
    for path in (options.problem, options.answer):
        try:
            loaded.append(parse(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise Refused(f"{path}: {error.strerror}") from None
        except ValueError as error:
            raise Refused(f"{path}: {error}") from None
    try:
        lines = loaded[0].get("cost") if isinstance(loaded[0], dict) else None
        kept = list(lines) if isinstance(lines, list) else None  # reading takes the rows apart
        problem = read_problem(loaded[0], _travel(options.osrm))
        if kept is not None:
            loaded[0]["cost"] = kept
    except BadSiting as error:
        raise Refused(f"{options.problem}: {error}") from None
    made = problem.cost.tolist() if kept is None else None
    faults = check_answer(loaded[0], loaded[1], made)
    if options.json:
        print(json.dumps({"valid": not faults, "faults": faults}, ensure_ascii=False))
    elif faults:
        print("\n".join(faults))
    else:
        print("valid")
    return 1 if faults else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 2 on bad input with one line on stderr."""
    try:
        options = parser().parse_args(arguments)
        result: int = options.run(options)
    except Refused as error:
        print(f"network: {' '.join(str(error).split())}", file=sys.stderr)
        return BAD_INPUT
    return result


if __name__ == "__main__":
    sys.exit(main())
