"""Commands that run and fill an installation."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from api.commands.given import BAD_INPUT, InputError, with_database
from config.settings import load_settings


def supervise(options: argparse.Namespace) -> int:
    """Start everything, keep it running."""
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


def serve(options: argparse.Namespace) -> int:
    """Run a server in place of this process."""
    from api.supervisor import services

    settings = with_database()
    settings = replace(
        settings,
        web_host=options.host or settings.web_host,
        web_port=options.port or settings.web_port,
    )
    service = services.web(settings, settings.data_dir / "logs")
    # This process becomes the web server, so that whatever runs it sees its signals and output.
    os.execve(service.command[0], list(service.command), dict(service.environment))


def worker(_options: argparse.Namespace) -> int:
    """Work the queue until stopped."""
    from api import cli, logs

    logs.configure()
    cli.run_worker(with_database())
    return 0


def migrate(_options: argparse.Namespace) -> int:
    """Bring the database to this version."""
    from api import cli

    cli.migrate(with_database())
    return 0


def demo(options: argparse.Namespace) -> int:
    """Put the demo in, or drive its week."""
    if options.week:
        return _demo_week(options)
    from api import cli

    settings = with_database()
    cli.migrate(settings)
    cli.seed_demo(settings, datetime.now(UTC))
    people = cli.personas(settings)
    if people:
        print("Sign in as (login / password):")
    for one in people:
        print(f"  {one.role:<11} {one.name:<24} {one.login} / {one.password}")
    return 0


def _demo_week(options: argparse.Namespace) -> int:
    from api.week.stage import NoStage, show, stage

    settings = load_settings(use_running_services=False)
    if not settings.demo:
        raise InputError("the week plays in the demo region: set ZHUNDA_DEMO=1")
    folder = (options.data or settings.data_dir / "week").resolve()
    try:
        outcome = stage(settings, folder, options.reports, options.seed, datetime.now(UTC))
    except NoStage as error:
        raise InputError(str(error)) from None
    print(json.dumps(outcome, default=str, ensure_ascii=False) if options.json else show(outcome))
    return 0 if outcome["holds"] else 1


def plan(options: argparse.Namespace) -> int:
    """Plan today and print the day's summary."""
    from api import cli, logs

    # Standard output is the summary's, and people who wait want to hear of trouble only.
    os.environ.setdefault("ZHUNDA_LOG_LEVEL", "WARNING")
    logs.configure()
    settings = with_database()
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


def take_table(options: argparse.Namespace) -> int:
    """Take a table over."""
    from api import exchange_cli

    return exchange_cli.run(with_database(), options, datetime.now(UTC))


def user_add(options: argparse.Namespace) -> int:
    """Add a person who may sign in."""
    import getpass

    from api import cli

    password = getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    try:
        cli.add_user(
            with_database(),
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
