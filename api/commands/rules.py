"""Commands about laws as data."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from api.commands.given import InputError, with_database


def list_packs(_options: argparse.Namespace) -> int:
    """Print every rule pack."""
    from api.services.rule_packs import arrival_packs, rulebook

    for pack in (*arrival_packs(), *rulebook().packs):
        law = getattr(pack, "law", "arrival")
        print(f"{pack.valid_from}  {pack.place:<10} {law:<17} {pack.version}")
    return 0


def check(options: argparse.Namespace) -> int:
    """Check rule packs."""
    for path in options.files:
        print(_draft(path).version)
    return 0


def differences(options: argparse.Namespace) -> int:
    """Judge the history by two packs."""
    from api import cli
    from api.services.refusals import Refusal

    try:
        report = cli.compare_rules(
            with_database(),
            options.law,
            options.before,
            options.after,
            options.since,
            options.until,
            options.place,
            [_draft(path) for path in options.pack],
        )
    except Refusal as error:
        raise InputError(str(error)) from None
    if options.json:
        print(json.dumps(report, ensure_ascii=False, indent=2))
    else:
        print(cli.rules_report(report))
    return 0


def _draft(path: Path) -> Any:
    from api.services.rule_packs import read_pack
    from domain.rules import RuleError

    try:
        return read_pack(path)
    except RuleError as error:
        raise InputError(str(error)) from None
