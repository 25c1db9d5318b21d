"""``python -m api COMMAND``: the command line of the service."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from config.settings import Settings, SettingsError, load_settings

BAD_INPUT = 2
Command = Callable[[argparse.Namespace], int]


class InputError(Exception):
    """An argument does not fit; the message names it."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; bad input is exit status 2 with one line on standard error."""
    options = _parser().parse_args(arguments)
    command: Command = options.command
    try:
        return command(options)
    except (SettingsError, InputError) as error:
        print(error, file=sys.stderr)
        return BAD_INPUT


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m api", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Command, text: str, *, to: Any = commands) -> Any:
        found = to.add_parser(name, help=text, description=text)
        found.set_defaults(command=command)
        return found

    supervise = add("supervise", _supervise, "start everything and keep it running")
    supervise.add_argument("--once", action="store_true", help="plan today, print it, stop")
    supervise.add_argument("--json", action="store_true", help="print the summary as JSON")
    supervise.add_argument("--port", type=int, help="port of the web server")
    supervise.add_argument("--data", type=Path, help="data folder")

    serve = add("serve", _serve, "run the web server alone (against DATABASE_URL)")
    serve.add_argument("--host", help="address to listen on")
    serve.add_argument("--port", type=int, help="port to listen on")

    add("worker", _worker, "run queued jobs until stopped")
    add("migrate", _migrate, "bring the database to this version's schema")
    demo = add("demo", _demo, "put the demo region's jobs of today in, keep what is there")
    demo.add_argument(
        "--week", action="store_true", help="drive a scripted week on a PostgreSQL of its own"
    )
    demo.add_argument("--reports", type=int, default=2000, help="reports of the week (2000)")
    demo.add_argument("--seed", type=int, default=1, help="seed of the week's story")
    demo.add_argument(
        "--data", type=Path, help="folder of the week's database and papers (data/week)"
    )
    demo.add_argument("--json", action="store_true", help="print the week's proofs as JSON")

    plan = add("plan", _plan, "plan today and print the day's summary")
    plan.add_argument("--prepare", action="store_true", help="migrate and seed the demo first")
    plan.add_argument("--json", action="store_true", help="print the summary as JSON")

    roads = below(commands, "roads", "road graphs")
    add("prepare", _roads_prepare, "build this installation's graph, print its folder", to=roads)
    roads_import = add("import", _roads_import, "build a graph from an OSM extract", to=roads)
    roads_import.add_argument("file", type=Path, metavar="FILE.osm.pbf")
    roads_serve = add("serve", _roads_serve, "run the road server alone", to=roads)
    roads_serve.add_argument("--host", default="127.0.0.1", help="address to listen on")
    roads_serve.add_argument("--port", type=int, default=5000, help="port to listen on")

    ledger = below(commands, "ledger", "the tamper-evident record")
    verify = add("verify", _ledger_verify, "check every row, name the first bad one", to=ledger)
    verify.add_argument("--anchors", type=Path, metavar="FILE", help="instead of the setting's")
    verify.add_argument("--json", action="store_true", help="print the verdict as JSON")
    add("seal", _ledger_seal, "close what was appended, tell the head to the anchor", to=ledger)
    rules = below(commands, "rules", "laws as data")
    add("list", _rules_list, "every pack with its place, day and status", to=rules)
    rules_check = add("check", _rules_check, "check packs, name the key that is wrong", to=rules)
    rules_check.add_argument("files", nargs="+", type=Path, metavar="PACK.toml")
    rules_diff = add("diff", _rules_diff, "judge the history by two packs, say why", to=rules)
    rules_diff.add_argument("--law", required=True, help="arrival, complaint or three-guarantees")
    side = "a date, a pack's version, or `own` for each case's own day"
    rules_diff.add_argument("--before", default="own", help=side)
    rules_diff.add_argument("--after", required=True, help=side)
    rules_diff.add_argument(
        "--since", type=_day, metavar="DATE", help="cases reported from this day on"
    )
    rules_diff.add_argument(
        "--until", type=_day, metavar="DATE", help="cases reported up to this day"
    )
    rules_diff.add_argument("--place", help="judge as if at this place, like CN-ZJ")
    rules_diff.add_argument(
        "--pack", type=Path, action="append", default=[], help="a draft pack to judge by, too"
    )
    rules_diff.add_argument("--json", action="store_true", help="print the report as JSON")

    clocks = below(commands, "clocks", "deadlines on record")
    add("check", _clocks_check, "walk every clock minute by minute, compare", to=clocks)

    export = below(commands, "export", "take things out")
    evidence = add("evidence", _export_evidence, "write an evidence pack", to=export)
    evidence.add_argument("--job", type=int, metavar="N", help="number of one job")
    evidence.add_argument("--from", dest="first", type=_day, metavar="DATE", help="first day")
    evidence.add_argument("--to", dest="last", type=_day, metavar="DATE", help="last day")
    evidence.add_argument("--sample", type=_id, metavar="ID", help="an audit's drawn jobs")
    evidence.add_argument("--out", type=Path, required=True, metavar="FILE")
    evidence.add_argument("--json", action="store_true", help="print what was made as JSON")

    take = add("import", _import, "take a table over, all or nothing (CSV, XLSX)")
    take.add_argument("kind", metavar="KIND", help="outlets, technicians, parts, customers, …")
    take.add_argument("file", type=Path, metavar="FILE")
    for flag, text in (("--dry-run", "only say what it would do"), ("--json", "tell it as JSON")):
        take.add_argument(flag, action="store_true", help=text)

    user = below(commands, "user", "people who may sign in")
    user_add = add("add", _user_add, "add a person; the password is asked for", to=user)
    user_add.add_argument("login")
    user_add.add_argument("--role", required=True)
    user_add.add_argument("--name", required=True)
    user_add.add_argument("--outlet", help="name of the outlet that a manager runs")
    user_add.add_argument("--until", type=_day, metavar="DATE", help="last day of the access")

    roles = add("roles", _roles, "print which role may use which route, and sees which field")
    roles.add_argument("--json", action="store_true", help="print it as JSON")

    past = add("check-history", _check_history, "check all history: papers, stock, calls, moves")
    past.add_argument("--json", action="store_true", help="print the findings as JSON")
    add("lifecycle", _lifecycle, "print the transition table of jobs and visits as Markdown")
    return parser


def below(commands: Any, name: str, text: str) -> Any:
    """Return the place for the commands under a command; one of them must be given."""
    parser = commands.add_parser(name, help=text, description=text)
    return parser.add_subparsers(required=True, metavar="COMMAND")


def _supervise(options: argparse.Namespace) -> int:
    from api.supervisor.account import AccountError
    from api.supervisor.lock import AlreadyRunningError
    from api.supervisor.start import supervise

    environ = dict(os.environ)
    if options.data is not None:
        environ["ZHUNDA_DATA_DIR"] = str(options.data.resolve())
    if options.port is not None:
        environ["ZHUNDA_WEB_PORT"] = str(options.port)
    settings = load_settings(environ, use_running_services=False)
    try:
        return supervise(settings, once=options.once, as_json=options.json)
    except (AlreadyRunningError, AccountError) as error:
        print(error, file=sys.stderr)
        return BAD_INPUT


def _serve(options: argparse.Namespace) -> int:
    from api.supervisor import services

    settings = _with_database()
    settings = replace(
        settings,
        web_host=options.host or settings.web_host,
        web_port=options.port or settings.web_port,
    )
    service = services.web(settings, settings.data_dir / "logs")
    # This process becomes the web server, so that whatever runs it sees its signals and output.
    os.execve(service.command[0], list(service.command), dict(service.environment))


def _worker(_options: argparse.Namespace) -> int:
    from api import cli, logs

    logs.configure()
    cli.run_worker(_with_database())
    return 0


def _migrate(_options: argparse.Namespace) -> int:
    from api import cli

    cli.migrate(_with_database())
    return 0


def _demo(options: argparse.Namespace) -> int:
    if options.week:
        return _demo_week(options)
    from api import cli

    settings = _with_database()
    cli.migrate(settings)
    cli.seed_demo(settings, datetime.now(UTC))
    people = cli.personas(settings)
    if people:
        print("Sign in as (login / password):")
    for one in people:
        print(f"  {one.role:<11} {one.name:<24} {one.login} / {one.password}")
    return 0


def _demo_week(options: argparse.Namespace) -> int:
    from api.week.stage import TooFew, show, stage

    settings = load_settings(use_running_services=False)
    if not settings.demo:
        raise InputError("the week plays in the demo region: set ZHUNDA_DEMO=1")
    folder = (options.data or settings.data_dir / "week").resolve()
    try:
        outcome = stage(settings, folder, options.reports, options.seed, datetime.now(UTC))
    except TooFew as error:
        raise InputError(str(error)) from None
    print(json.dumps(outcome, default=str, ensure_ascii=False) if options.json else show(outcome))
    return 0 if outcome["holds"] else 1


def _plan(options: argparse.Namespace) -> int:
    from api import cli, logs

    # Standard output is the summary's, and people who wait want to hear of trouble only.
    os.environ.setdefault("ZHUNDA_LOG_LEVEL", "WARNING")
    logs.configure()
    settings = _with_database()
    if options.prepare:
        cli.migrate(settings)
        if settings.demo:
            cli.seed_demo(settings, datetime.now(UTC))
    try:
        summary = cli.plan_today(settings, wait=True)
    except cli.PlanFailed as error:
        print(error, file=sys.stderr)
        return 1
    assert summary is not None  # it was waited for
    if options.json:
        print(json.dumps(summary.to_json(), ensure_ascii=False, indent=2))
    else:
        print(summary.to_text())
    return 0


def _roads_prepare(_options: argparse.Namespace) -> int:
    graph = _graph(load_settings())
    if graph is not None:
        print(graph)
    return 0


def _roads_import(options: argparse.Namespace) -> int:
    from network.roads import GraphBuildError, build_graph

    if not options.file.is_file():
        raise InputError(f"{options.file}: no such file")
    settings = load_settings()
    try:
        graph = build_graph(options.file, settings.data_dir / "graphs")
    except GraphBuildError as error:
        raise InputError(f"{options.file}: {error}") from None
    draft = settings.data_dir / "graphs" / "current.draft"
    draft.write_text(f"{graph.directory}\n", encoding="utf-8")
    draft.replace(draft.with_name("current"))
    print(graph.directory)
    return 0


def _roads_serve(options: argparse.Namespace) -> int:
    from network.roads.server import command

    graph = _graph(load_settings())
    if graph is None:
        raise InputError("no roads: import some with `python -m api roads import FILE.osm.pbf`")
    line = command(graph, options.port)
    line[line.index("--ip") + 1] = options.host
    os.execv(line[0], line)


def _graph(settings: Settings) -> Path | None:
    """Folder of the installation's road graph: the demo region's, or the one imported last."""
    if settings.demo:
        from network.demo import ensure_demo_region

        return ensure_demo_region(settings.data_dir).graph.directory
    current = settings.data_dir / "graphs" / "current"
    return Path(current.read_text(encoding="utf-8").strip()) if current.exists() else None


def _ledger_verify(options: argparse.Namespace) -> int:
    from api import evidence_cli
    from api.services.anchor import AnchorUnreadable

    if options.anchors is not None and not options.anchors.is_file():
        raise InputError(f"{options.anchors}: no such file")
    try:
        verdict = evidence_cli.verify_ledger(_with_database(), options.anchors)
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


def _ledger_seal(_options: argparse.Namespace) -> int:
    from api import evidence_cli

    line = evidence_cli.seal_ledger(_with_database(), datetime.now(UTC))
    print("nothing to seal" if line is None else json.dumps(line))
    return 0


def _clocks_check(_options: argparse.Namespace) -> int:
    from api import cli

    found = cli.check_clocks(_with_database())
    print(f"clocks: {found.clocks}")
    print(f"differing: {len(found.differing)}")
    for number in found.differing:
        print(f"job {number} differs from the reference", file=sys.stderr)
    return 1 if found.differing else 0


def _rules_list(_options: argparse.Namespace) -> int:
    from api.services.rule_packs import arrival_packs, rulebook

    for pack in (*arrival_packs(), *rulebook().packs):
        law = getattr(pack, "law", "arrival")
        print(f"{pack.valid_from}  {pack.place:<10} {law:<17} {pack.version}")
    return 0


def _rules_check(options: argparse.Namespace) -> int:
    for path in options.files:
        print(_draft(path).version)
    return 0


def _rules_diff(options: argparse.Namespace) -> int:
    from api import cli
    from api.services.refusals import Refusal

    try:
        report = cli.compare_rules(
            _with_database(),
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


def _export_evidence(options: argparse.Namespace) -> int:
    from api import evidence_cli
    from api.services.refusals import Refusal

    days = (options.first, options.last)
    period = None if None in days else days
    if [options.job, period, options.sample].count(None) != 2:
        raise InputError("say --job N, or --sample ID, or --from DATE and --to DATE")
    try:
        made = evidence_cli.export_evidence(
            _with_database(),
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


def _import(options: argparse.Namespace) -> int:
    from api import exchange_cli

    return exchange_cli.run(_with_database(), options, datetime.now(UTC))


def _user_add(options: argparse.Namespace) -> int:
    import getpass

    from api import cli

    password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    try:
        cli.add_user(
            _with_database(),
            options.login,
            options.name,
            options.role,
            password,
            options.outlet,
            None
            if options.until is None
            else datetime.combine(options.until + timedelta(days=1), time(), tzinfo=UTC),
        )
    except ValueError as error:
        raise InputError(str(error)) from None
    return 0


def _roles(options: argparse.Namespace) -> int:
    from api.access import as_text, table

    print(json.dumps(table(), indent=2) if options.json else as_text(table()))
    return 0


def _check_history(options: argparse.Namespace) -> int:
    from api import cli

    looked, found = cli.check_history(_with_database())
    if options.json:
        findings = [asdict(finding) for finding in found]
        print(json.dumps({"looked": looked, "findings": findings}, indent=2))
    else:
        for finding in found:
            print(f"{finding.check}: {finding.subject}: {finding.detail}")
        print(", ".join(f"{count} {name}" for name, count in looked.items()), "looked at;")
        print(f"{len(found)} findings")
    return 1 if found else 0


def _lifecycle(_options: argparse.Namespace) -> int:
    from domain.lifecycle import as_markdown

    print(as_markdown(), end="")
    return 0


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date like 2026-11-24") from None


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not the id of an audit") from None


def _with_database() -> Settings:
    settings = load_settings()
    if not settings.database_url:
        raise SettingsError(
            "database_url: set DATABASE_URL, or start `python3 run.py` on this data folder"
        )
    return settings


if __name__ == "__main__":
    sys.exit(main())
