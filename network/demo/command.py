"""``python -m network demo-plan``: outlets for the demo region, staffed, before and after."""

from __future__ import annotations

import argparse
import json
import sys
import time
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from network.command_line import Refused, count, need_folder, whole, write_whole

if TYPE_CHECKING:
    from network.demo.expansion import Expansion
    from network.simulate import Comparison, Outcome
    from network.staffing import Staffing


def add(commands: Any) -> None:
    """Add the command to the command line."""
    line = commands.add_parser("demo-plan", help="the demo region: place, staff, before and after")
    line.add_argument("--data", type=Path, default=Path("data"), metavar="FOLDER",
                      help="of the demo region (default: data)")  # fmt: skip
    line.add_argument("--start", type=_day, metavar="DATE", help="default: the next Monday")
    line.add_argument("--days", type=count, default=14)
    line.add_argument("--per-day", type=count, metavar="N", help="faults a day planned for")
    line.add_argument("--outlets", type=count, default=2, metavar="N", help="new ones")
    line.add_argument("--replications", type=count, default=2, metavar="N")
    line.add_argument("--seed", type=whole, default=1)
    line.add_argument("--thorough", action="store_true", help="staff by the full mode, too")
    line.add_argument("--screening", action="store_true", help="everything by the fast mode")
    line.add_argument("--out", type=Path, metavar="FILE.json", help="also write it as JSON")
    line.add_argument("--json", action="store_true", help="print it as JSON")
    line.set_defaults(run=run)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date such as 2026-11-30") from None


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


def run(options: argparse.Namespace) -> int:
    """Place, staff, simulate, tell."""
    from network.demo.expansion import PER_DAY, plan_expansion
    from network.demo.region import DemoRegionError, ensure_demo_region
    from network.roads import GraphBuildError
    from network.simulate import compare, screen, simulate
    from network.simulate.command import INTERRUPTED, Teller
    from network.staffing import CannotStaff, staff
    from network.staffing.command import Teller as StaffTeller

    need_folder(options.out)
    began = time.monotonic()
    try:
        _say("demo region: roads and population")
        region = ensure_demo_region(options.data)
        today = date.today()  # noqa: DTZ011  # a default for people; programs give --start
        plan = plan_expansion(
            region,
            options.start or today + timedelta(days=7 - today.weekday()),
            days=options.days,
            per_day=float(options.per_day or PER_DAY),
            outlets=options.outlets,
            seed=options.seed,
            tell=_say,
        )
        staffed = staff(
            plan.after,
            outlets=plan.new,
            mode="full" if options.thorough and not options.screening else "screening",
            replications=max(2, options.replications),
            seed=options.seed + 1,  # what is chosen on some futures is shown on others
            watch=StaffTeller(),
        )
        outcomes = []
        for scenario in (plan.before, plan.hires_only(staffed.scenario), staffed.scenario):
            if options.screening:
                outcomes.append(
                    screen(scenario, replications=options.replications, seed=options.seed)
                )
            else:
                outcomes.append(
                    simulate(
                        scenario,
                        replications=options.replications,
                        seed=options.seed,
                        watch=Teller(scenario.name),
                    )
                )
    except (DemoRegionError, GraphBuildError, CannotStaff) as error:
        raise Refused(str(error)) from None
    except OSError as error:
        raise Refused(f"--data {options.data}: {error}") from None
    except KeyboardInterrupt:
        print("network: interrupted, nothing was written", file=sys.stderr)
        return INTERRUPTED
    differences = compare(outcomes)
    data = _as_json(plan, staffed, outcomes, differences, time.monotonic() - began)
    text = json.dumps(data, ensure_ascii=False) + "\n"
    if options.out is not None:
        write_whole(options.out, text)
    if options.json:
        sys.stdout.write(text)
    else:
        print("\n".join(_told(plan, staffed, outcomes, differences)))
    return 0


def _as_json(
    plan: Expansion,
    staffed: Staffing,
    outcomes: list[Outcome],
    differences: tuple[Comparison, ...],
    seconds: float,
) -> dict[str, Any]:
    return {
        "format": "zhunda-demo-plan/1",
        "sites": plan.sites.to_json(),
        "new_outlets": [
            {"id": outlet.id, "address": plan.names[outlet.id], "lat": outlet.lat,
             "lon": outlet.lon}
            for outlet in plan.after.outlets
            if outlet.id in plan.new
        ],
        "mean_drive_s": [round(each, 1) for each in plan.mean_drive_s],
        "staffing": staffed.to_json(),
        "outcomes": [outcome.to_json() for outcome in outcomes],
        "differences": [difference.to_json() for difference in differences],
        "seconds": round(seconds, 1),
    }  # fmt: skip


def _told(
    plan: Expansion,
    staffed: Staffing,
    outcomes: list[Outcome],
    differences: tuple[Comparison, ...],
) -> list[str]:
    gap = "unknown" if plan.sites.gap is None else f"{100 * plan.sites.gap:.4f} %"
    lines = ["New outlets (gap to the proven bound " + gap + "):"]
    lines += [f"  {name}: {plan.names[name]}" for name in plan.new]
    lines.append(
        f"  mean drive from the nearest outlet: {plan.mean_drive_s[0] / 60:.1f} → "
        f"{plan.mean_drive_s[1] / 60:.1f} minutes"
    )
    lines.append(
        f"Staff: {staffed.movable} hired beside {staffed.heads - staffed.movable} "
        f"({staffed.mode} mode)"
    )
    lines += [
        f"  {group.heads} × {', '.join(group.skills)}: {group.outlet}, {group.roster}"
        for group in staffed.scenario.groups
        if group.outlet in plan.new and group.heads
    ]
    lines += staffed.out_of_reach
    lines.append("In time, with 95 % intervals:")
    for each in outcomes[0].classes:
        lines.append(f"  {each.name}, within {each.arrival_hours} h")
        for outcome in outcomes:
            found = next(one for one in outcome.classes if one.name == each.name)
            if found.in_time is not None:
                lines.append(f"    {outcome.scenario:11} {_percent(found.in_time)}")
        for difference in differences:
            share = difference.share[each.name]
            lines.append(
                f"    {difference.scenario} − before: {100 * share.value:+.1f} points "
                f"({100 * share.low:+.1f} to {100 * share.high:+.1f})"
            )
    urgent = [
        next(one for one in outcome.classes if one.name == "urgent").by_district
        for outcome in (outcomes[0], outcomes[-1])
    ]
    lines.append("Urgent by district, before → after:")
    lines += [
        f"  {name}: {_percent(part)} → {_percent(urgent[1][name])}"
        for name, part in urgent[0].items()
        if name in urgent[1]
    ]
    lines += [
        f"{outcome.scenario}: {outcome.work.visits.value:.0f} visits and "
        f"{outcome.work.travel_h.value:.0f} h driving a day, "
        f"{outcome.work.overtime_h.value:.1f} h overtime, cost "
        f"{outcome.work.cost_fen.value / 100:,.0f} a day"
        for outcome in outcomes
    ]
    return lines


def _percent(found: Any) -> str:
    return f"{100 * found.value:.1f} % ({100 * found.low:.1f}–{100 * found.high:.1f})"
