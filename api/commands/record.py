"""Commands about the record: ledger, clocks, evidence, history, and the tables behind it."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from datetime import UTC, datetime

from api.commands.given import InputError, with_database


def ledger_verify(options: argparse.Namespace) -> int:
    """Check the ledger; exit status 1 when it is broken."""
    from api import evidence_cli
    from api.services.anchor import AnchorUnreadable

    if options.anchors is not None and not options.anchors.is_file():
        raise InputError(f"{options.anchors}: no such file")
    try:
        verdict = evidence_cli.verify_ledger(with_database(), options.anchors)
    except AnchorUnreadable as error:
        raise InputError(str(error)) from None
    if options.json:
        print(json.dumps(verdict.to_json(), indent=2))
    elif verdict.sound:
        print(f"sound: {verdict.rows} rows, {verdict.seals} seals, {verdict.anchors} anchors")
    else:
        assert verdict.fault is not None
        print(f"BROKEN at row {verdict.fault.seq}: {verdict.fault.what}")
    return 0 if verdict.sound else 1


def ledger_seal(_options: argparse.Namespace) -> int:
    """Close what was appended."""
    from api import evidence_cli

    line = evidence_cli.seal_ledger(with_database(), datetime.now(UTC))
    print("nothing to seal" if line is None else json.dumps(line))
    return 0


def clocks_check(_options: argparse.Namespace) -> int:
    """Hold every clock against the slow reference; exit status 1 for a difference."""
    from api import cli

    found = cli.check_clocks(with_database())
    print(f"clocks: {found.clocks}")
    print(f"differing: {len(found.differing)}")
    for number in found.differing:
        print(f"job {number} differs from the reference", file=sys.stderr)
    return 1 if found.differing else 0


def export_evidence(options: argparse.Namespace) -> int:
    """Write an evidence pack."""
    from api import evidence_cli
    from api.services.refusals import Refusal

    days = (options.first, options.last)
    period = None if None in days else days
    if [options.job, period, options.sample].count(None) != 2:
        raise InputError("say --job N, or --sample ID, or --from DATE and --to DATE")
    try:
        made = evidence_cli.export_evidence(
            with_database(),
            options.out,
            datetime.now(UTC),
            job=options.job,
            period=period,
            sample=options.sample,
        )
    except Refusal as refusal:
        raise InputError(refusal.detail or refusal.code) from None
    except OSError as error:
        raise InputError(f"{options.out}: {error.strerror}") from None
    told = {
        "file": str(made.path),
        "bytes": made.size,
        "jobs": made.jobs,
        "ledger_entries": made.entries,
        "manifest_sha256": made.manifest_sha256,
    }
    if options.json:
        print(json.dumps(told, indent=2))
    else:
        print("\n".join(f"{name}: {value}" for name, value in told.items()))
    return 0


def check_history(options: argparse.Namespace) -> int:
    """Look the whole record over; exit status 1 when something is found."""
    from api import cli

    looked, found = cli.check_history(with_database())
    if options.json:
        findings = [asdict(finding) for finding in found]
        print(json.dumps({"looked": looked, "findings": findings}, indent=2))
    else:
        for finding in found:
            print(f"{finding.check}: {finding.subject}: {finding.detail}")
        print(", ".join(f"{count} {name}" for name, count in looked.items()), "looked at;")
        print(f"{len(found)} findings")
    return 1 if found else 0


def lifecycle(_options: argparse.Namespace) -> int:
    """Print the transition tables."""
    from domain.lifecycle import as_markdown

    print(as_markdown(), end="")
    return 0


def roles(options: argparse.Namespace) -> int:
    """Print who may do what."""
    from api.access import as_text, table

    print(json.dumps(table(), indent=2) if options.json else as_text(table()))
    return 0
