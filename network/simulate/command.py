"""``python -m network simulate``: SCENARIO.json → OUTCOME.json."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from network.command_line import Refused, count, need_folder, whole, write_whole

if TYPE_CHECKING:
    from network.simulate import Outcome, Progress, Scenario, Travel

_EVERY_S = 2.0
INTERRUPTED = 130


def add(commands: Any) -> None:
    """Add the command to the command line."""
    line = commands.add_parser("simulate", help="replay weeks of demand: SCENARIO → OUTCOME.json")
    line.add_argument("scenario", type=Path, metavar="SCENARIO.json")
    line.add_argument("--out", type=Path, metavar="OUTCOME.json", help="default: standard output")
    line.add_argument("--replications", type=count, default=2, metavar="N")
    line.add_argument("--seed", type=whole, default=1)
    line.add_argument("--processes", type=count, metavar="N", help="default: one a core")
    line.add_argument("--checkpoint", type=Path, metavar="FILE", help="continue from, keep in")
    line.add_argument("--screening", action="store_true", help="the fast mode, without optimizer")
    line.add_argument("--osrm", metavar="URL", help="travel by road where the scenario has none")
    line.add_argument("--json", action="store_true", help="print the whole outcome as JSON")
    line.set_defaults(run=run)


def load(path: Path, osrm: str | None) -> Scenario:
    """The scenario, or one line about what is wrong with it."""
    from network.simulate import BadScenario, load_scenario

    try:
        return load_scenario(path, _travel(osrm))
    except BadScenario as error:
        raise Refused(str(error)) from None


def _travel(url: str | None) -> Callable[[Sequence[tuple[float, float]]], Travel] | None:
    if url is None:
        return None

    def ask(degrees: Sequence[tuple[float, float]]) -> Travel:
        from network.simulate.travel import by_osrm

        try:
            found = by_osrm(url, degrees)
        except (OSError, ValueError) as error:
            raise Refused(f"--osrm {url}: {error}") from None
        if found.source != "osrm":
            raise Refused(f"--osrm {url}: does not answer")
        return found

    return ask


class Teller:
    """Progress on stderr, a line at most every two seconds."""

    def __init__(self, what: str) -> None:
        self.what, self.began, self.told, self.days = what, time.monotonic(), 0.0, 0

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self.told < _EVERY_S or progress.days_done == self.days:
            return
        self.told, self.days = now, progress.days_done
        left_s = (now - self.began) * (1 - progress.share) / progress.share
        print(
            f"{self.what}: {progress.days_done} of {progress.days} days, "
            f"{100 * progress.share:.0f} %, about {left_s:.0f} s left",
            file=sys.stderr,
            flush=True,
        )


def run(options: argparse.Namespace) -> int:
    """Simulate and write the outcome."""
    from network.simulate import WrongCheckpoint, screen, simulate

    need_folder(options.out)
    if options.checkpoint is not None and options.screening:
        raise Refused("--checkpoint: the screening mode is over before it could need one")
    scenario = load(options.scenario, options.osrm)
    try:
        if options.screening:
            outcome = screen(scenario, replications=options.replications, seed=options.seed)
        else:
            outcome = simulate(
                scenario,
                replications=options.replications,
                seed=options.seed,
                processes=options.processes,
                watch=Teller(scenario.name),
                checkpoint=options.checkpoint,
            )
    except WrongCheckpoint as error:
        raise Refused(f"--checkpoint {error}") from None
    except OSError as error:
        raise Refused(f"--checkpoint {options.checkpoint}: {error.strerror}") from None
    except KeyboardInterrupt:
        kept = f"; finished replications are in {options.checkpoint}" if options.checkpoint else ""
        print(f"network: interrupted, nothing was written{kept}", file=sys.stderr)
        return INTERRUPTED
    text = json.dumps(outcome.to_json(), ensure_ascii=False) + "\n"
    if options.out is not None:
        write_whole(options.out, text)
    if options.json or options.out is None:
        sys.stdout.write(text)
    else:
        print("\n".join(summary(outcome)))
    return 0


def summary(outcome: Outcome) -> list[str]:
    """The outcome in a few lines for people."""
    lines = []
    for each in outcome.classes:
        if each.in_time is None:
            lines.append(f"{each.name}: no fault was reported")
            continue
        found = each.in_time
        lines.append(
            f"{each.name}: {100 * found.value:.1f} % within {each.arrival_hours} h "
            f"({100 * found.low:.1f}–{100 * found.high:.1f}), target {100 * each.target:.0f} %"
        )
        lines += [
            f"  {name}: {100 * part.value:.1f} % ({100 * part.low:.1f}–{100 * part.high:.1f})"
            for name, part in each.by_district.items()
        ]
    work = outcome.work
    lines.append(
        f"a day: {work.visits.value:.0f} visits, {work.travel_h.value:.1f} h driving, "
        f"{work.overtime_h.value:.1f} h overtime, cost {work.cost_fen.value:.0f} fen; "
        f"{100 * work.utilisation.value:.0f} % of the working time used"
    )
    lines.append(
        f"{len(outcome.replications)} × {outcome.days} days, {outcome.mode} mode, "
        f"travel {outcome.travel}, {outcome.seconds:.1f} s"
    )
    return lines
