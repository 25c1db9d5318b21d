"""Tables in, from the command line."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime
from typing import Any

from api import wiring
from api.services.imports import take_file
from api.services.refusals import Refusal
from api.services.regions import local_day, the_region
from config.settings import Settings

BAD_INPUT = 2


def run(settings: Settings, options: argparse.Namespace, now: datetime) -> int:
    """Take the table that the options name over, print what it did, return the exit status."""
    try:
        raw = options.file.read_bytes()
    except OSError as error:
        print(f"{options.file}: {error.strerror}", file=sys.stderr)
        return BAD_INPUT
    try:
        told = import_file(settings, options.kind, raw, now, dry_run=options.dry_run)
    except Refusal as refusal:
        if options.json and refusal.params.get("errors"):
            print(json.dumps(refusal.params, ensure_ascii=False, indent=2))
        print(f"{options.file}: {refusal.detail or refusal.code}", file=sys.stderr)
        return BAD_INPUT
    if options.json:
        print(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        counts = ("created", "updated", "unchanged", "wrong")
        print(f"{told['rows']} rows:", ", ".join(f"{told[name]} {name}" for name in counts))
        for wrong in told["errors"]:
            print(f"row {wrong['row']}, {wrong['column'] or 'whole row'}: {wrong['message']}")
    return BAD_INPUT if told["wrong"] else 0


def import_file(
    settings: Settings, kind: str, raw: bytes, now: datetime, *, dry_run: bool
) -> dict[str, Any]:
    """Take a table over as nobody in particular, in one transaction; see `take_file`."""
    engine = wiring.engine_of(settings)
    try:
        with wiring.sessions_of(engine).begin() as session:
            today = local_day(now, the_region(session).timezone)
            return take_file(session, kind, raw, None, today, dry_run=dry_run).to_json()
    finally:
        engine.dispose()
