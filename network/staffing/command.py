"""``python -m network staff``: SCENARIO.json → STAFFING.json."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from network.command_line import Refused, count, need_folder, whole, write_whole

if TYPE_CHECKING:
    from network.simulate import Progress
    from network.staffing import Staffing

_EVERY_S = 5.0


def add(commands: Any) -> None:
    """Add the command to the command line."""
    line = commands.add_parser("staff", help="how many heads: SCENARIO.json → STAFFING.json")
    line.add_argument("scenario", type=Path, metavar="SCENARIO.json")
    line.add_argument("--out", type=Path, metavar="STAFFING.json", help="default: standard output")
    line.add_argument("--outlets", metavar="ID,ID", help="only these change; default: all")
    line.add_argument("--screening", action="store_true", help="decide by the fast mode")
    line.add_argument("--replications", type=count, default=4, metavar="N")
    line.add_argument("--seed", type=whole, default=1)
    line.add_argument("--processes", type=count, metavar="N", help="default: one a core")
    line.add_argument("--osrm", metavar="URL", help="travel by road where the scenario has none")
    line.add_argument("--json", action="store_true", help="print the whole answer as JSON")
    line.set_defaults(run=run)


class Teller:
    """What is being done, on stderr; within a simulation a line every few seconds."""

    def __init__(self) -> None:
        self.told, self.what = 0.0, ""

    def __call__(self, what: str, progress: Progress | None) -> None:
        now = time.monotonic()
        if progress is None:
            print(what, file=sys.stderr, flush=True)
        elif now - self.told >= _EVERY_S and progress.days_done:
            self.told = now
            print(f"{what}: {100 * progress.share:.0f} %", file=sys.stderr, flush=True)


def run(options: argparse.Namespace) -> int:
    """Staff and write the answer."""
    from network.simulate.command import INTERRUPTED, load
    from network.staffing import CannotStaff, staff

    need_folder(options.out)
    scenario = load(options.scenario, options.osrm)
    try:
        answer = staff(
            scenario,
            outlets=None if options.outlets is None else options.outlets.split(","),
            mode="screening" if options.screening else "full",
            replications=options.replications,
            seed=options.seed,
            processes=options.processes,
            watch=Teller(),
        )
    except CannotStaff as error:
        raise Refused(str(error)) from None
    except KeyboardInterrupt:
        print("network: interrupted, nothing was written", file=sys.stderr)
        return INTERRUPTED
    text = json.dumps(answer.to_json(), ensure_ascii=False) + "\n"
    if options.out is not None:
        write_whole(options.out, text)
    if options.json or options.out is None:
        sys.stdout.write(text)
    else:
        print("\n".join(summary(answer)))
    return 0


def summary(answer: Staffing) -> list[str]:
    """The answer in a few lines for people."""
    lines = [
        f"{answer.heads} heads (load {answer.load:.1f}, queueing guess {answer.guess}, "
        f"screening {answer.screened}, decided by the {answer.mode} mode)"
    ]
    lines += [
        f"  {group.outlet}: {group.heads} × {group.id}, roster {group.roster}, "
        + ", ".join(f"{skill} {level}" for skill, level in group.skills.items())
        for group in answer.scenario.groups
        if group.heads
    ]
    for heads, met, shares in answer.tried:
        words = ", ".join(f"{name} {100 * share:.1f} %" for name, share in shares.items())
        lines.append(f"with {heads}: {words}: {'meets' if met else 'misses'} the targets")
    lines += list(answer.out_of_reach)
    return lines
