"""What can be said on the command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from api.commands import record, roads, rules, serving
from api.commands.given import audit_id, day

Command = Callable[[argparse.Namespace], int]


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line; ``--help`` says what is right."""

    def error(self, message: str) -> NoReturn:
        """Exit 2; who has named no command is shown the usage, too."""
        if message.endswith("COMMAND"):
            self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: {message}\n")


def parser() -> argparse.ArgumentParser:
    """The command line: each command with what carries it out under ``command``."""
    whole = _Parser(
        prog="python -m api",
        description="``python -m api COMMAND``: the command line of the service.",
    )
    commands = whole.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Command, text: str, *, to: Any = commands) -> Any:
        found = to.add_parser(name, help=text, description=text)
        found.set_defaults(command=command)
        return found

    supervise = add("supervise", serving.supervise, "start everything and keep it running")
    supervise.add_argument("--once", action="store_true", help="plan today, print it, stop")
    supervise.add_argument("--json", action="store_true", help="print the summary as JSON")
    supervise.add_argument("--port", type=int, help="port of the web server")
    supervise.add_argument("--data", type=Path, help="data folder")

    serve = add("serve", serving.serve, "run the web server alone (against DATABASE_URL)")
    serve.add_argument("--host", help="address to listen on")
    serve.add_argument("--port", type=int, help="port to listen on")

    add("worker", serving.worker, "run queued jobs until stopped")
    add("migrate", serving.migrate, "bring the database to this version's schema")
    demo = add("demo", serving.demo, "put the demo region's jobs of today in, keep what is there")
    demo.add_argument(
        "--week", action="store_true", help="drive a scripted week on a PostgreSQL of its own"
    )
    demo.add_argument("--reports", type=int, default=2000, help="reports of the week (2000)")
    demo.add_argument("--seed", type=int, default=1, help="seed of the week's story")
    demo.add_argument(
        "--data", type=Path, help="folder of the week's database and papers (data/week)"
    )
    demo.add_argument("--json", action="store_true", help="print the week's proofs as JSON")

    plan = add("plan", serving.plan, "plan today and print the day's summary")
    plan.add_argument("--prepare", action="store_true", help="migrate and seed the demo first")
    plan.add_argument("--json", action="store_true", help="print the summary as JSON")

    on_roads = below(commands, "roads", "road graphs")
    add("prepare", roads.prepare, "build this installation's graph, print its folder", to=on_roads)
    roads_import = add("import", roads.take_extract, "build a graph of an OSM extract", to=on_roads)
    roads_import.add_argument("file", type=Path, metavar="FILE.osm.pbf")
    roads_serve = add("serve", roads.serve, "run the road server alone", to=on_roads)
    roads_serve.add_argument("--host", default="127.0.0.1", help="address to listen on")
    roads_serve.add_argument("--port", type=int, default=5000, help="port to listen on")

    ledger = below(commands, "ledger", "the tamper-evident record")
    verify = add("verify", record.ledger_verify, "check each row, name the first bad", to=ledger)
    verify.add_argument("--anchors", type=Path, metavar="FILE", help="instead of the setting's")
    verify.add_argument("--json", action="store_true", help="print the verdict as JSON")
    add(
        "seal",
        record.ledger_seal,
        "close what was appended, tell the head outside",
        to=ledger,
    )
    on_rules = below(commands, "rules", "laws as data")
    add("list", rules.list_packs, "every pack with its place, day and status", to=on_rules)
    rules_check = add("check", rules.check, "check packs, name the key that is wrong", to=on_rules)
    rules_check.add_argument("files", nargs="+", type=Path, metavar="PACK.toml")
    rules_diff = add("diff", rules.differences, "judge history by two packs, say why", to=on_rules)
    rules_diff.add_argument("--law", required=True, help="arrival, complaint or three-guarantees")
    side = "a date, a pack's version, or `own` for each case's own day"
    rules_diff.add_argument("--before", default="own", help=side)
    rules_diff.add_argument("--after", required=True, help=side)
    rules_diff.add_argument(
        "--since", type=day, metavar="DATE", help="cases reported from this day on"
    )
    rules_diff.add_argument(
        "--until", type=day, metavar="DATE", help="cases reported up to this day"
    )
    rules_diff.add_argument("--place", help="judge as if at this place, like CN-ZJ")
    rules_diff.add_argument(
        "--pack", type=Path, action="append", default=[], help="a draft pack to judge by, too"
    )
    rules_diff.add_argument("--json", action="store_true", help="print the report as JSON")

    clocks = below(commands, "clocks", "deadlines on record")
    add("check", record.clocks_check, "walk every clock minute by minute, compare", to=clocks)

    export = below(commands, "export", "take things out")
    evidence = add("evidence", record.export_evidence, "write an evidence pack", to=export)
    evidence.add_argument("--job", type=int, metavar="N", help="number of one job")
    evidence.add_argument("--from", dest="first", type=day, metavar="DATE", help="first day")
    evidence.add_argument("--to", dest="last", type=day, metavar="DATE", help="last day")
    evidence.add_argument("--sample", type=audit_id, metavar="ID", help="an audit's drawn jobs")
    evidence.add_argument("--out", type=Path, required=True, metavar="FILE")
    evidence.add_argument("--json", action="store_true", help="print what was made as JSON")

    take = add("import", serving.take_table, "take a table over, all or nothing (CSV, XLSX)")
    take.add_argument("kind", metavar="KIND", help="outlets, technicians, parts, customers, …")
    take.add_argument("file", type=Path, metavar="FILE")
    for flag, text in (("--dry-run", "only say what it would do"), ("--json", "tell it as JSON")):
        take.add_argument(flag, action="store_true", help=text)

    user = below(commands, "user", "people who may sign in")
    user_add = add("add", serving.user_add, "add a person; the password is asked for", to=user)
    user_add.add_argument("login")
    user_add.add_argument("--role", required=True)
    user_add.add_argument("--name", required=True)
    user_add.add_argument("--outlet", help="name of the outlet that a manager runs")
    user_add.add_argument("--until", type=day, metavar="DATE", help="last day of the access")

    roles = add("roles", record.roles, "print which role may use which route, and sees which field")
    roles.add_argument("--json", action="store_true", help="print it as JSON")

    past = add("check-history", record.check_history, "check history: papers, stock, calls, moves")
    past.add_argument("--json", action="store_true", help="print the findings as JSON")
    add("lifecycle", record.lifecycle, "print the transition table of jobs and visits as Markdown")
    return whole


def below(commands: Any, name: str, text: str) -> Any:
    """Return the place for the commands under a command; one of them must be given."""
    parser = commands.add_parser(name, help=text, description=text)
    return parser.add_subparsers(required=True, metavar="COMMAND")
