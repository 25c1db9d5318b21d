"""``python -m network forecast``: REQUESTS.csv → FORECAST.json."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

from network.command_line import Refused, count, need_folder, write_whole


def add(commands: Any) -> None:
    """Add the command to the command line."""
    line = commands.add_parser("forecast", help="demand ahead: REQUESTS.csv → FORECAST.json")
    line.add_argument("requests", type=Path, metavar="REQUESTS.csv")
    line.add_argument("--out", type=Path, metavar="FORECAST.json", help="default: standard output")
    line.add_argument("--timezone", default="UTC", metavar="ZONE", help="IANA name of local days")
    line.add_argument("--horizon", type=count, default=28, metavar="DAYS")
    line.add_argument("--until", type=_day, metavar="DATE", help="last whole day of the history")
    line.add_argument("--growth", type=_growth, default=0.0, metavar="0.05", help="a year, on top")
    line.add_argument("--json", action="store_true", help="print the whole forecast as JSON")
    line.set_defaults(run=run)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date such as 2026-11-30") from None


def _growth(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not -1.0 < value < 100.0:
        raise argparse.ArgumentTypeError(f"{text!r} is no growth such as 0.05")
    return value


def run(options: argparse.Namespace) -> int:
    """Forecast and write."""
    from zoneinfo import ZoneInfo

    from network.demand import BadDemand, forecast, forecasts_to_json, read_requests

    need_folder(options.out)
    try:
        ZoneInfo(options.timezone)
    except (ValueError, OSError, LookupError):
        raise Refused(f"--timezone {options.timezone}: is no IANA time zone") from None
    try:
        found = forecast(
            read_requests(options.requests),
            options.timezone,
            options.horizon,
            until=options.until,
            growth_per_year=options.growth,
            watch=lambda done, of: print(
                f"series {done} of {of}", file=sys.stderr, flush=True, end="\n"
            ),
        )
    except BadDemand as error:
        raise Refused(str(error)) from None
    text = json.dumps(forecasts_to_json(found, options.timezone), ensure_ascii=False) + "\n"
    if options.out is not None:
        write_whole(options.out, text)
    if options.json or options.out is None:
        sys.stdout.write(text)
    else:
        for each in found:
            name = "all" if each.district is None else f"{each.district}, {each.skill}"
            tests = ", ".join(
                f"{method}: mean error {test.mae:.2f}, {100 * test.coverage:.0f} % inside"
                for method, test in each.tests.items()
            )
            print(f"{name}: {each.mean.mean():.1f} a day by {each.method} ({tests})")
    return 0
