"""``http-offers``: what the served API takes, over HTTP on this machine.

A whole service of its own: PostgreSQL, OSRM on the demo city's roads, gunicorn with threads, a
published day. Traffic goes to 127.0.0.1 only, bounded in count and time. Latencies under load are
counted from the instant at which a request was due, not from when a thread was free to send it.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import platform
import queue
import shlex
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import func, select

from api import cli, wiring
from api.db.models import Person, Visit
from api.services import demo
from api.services.identity import open_session
from api.supervisor.postgres import running_postgres
from api.supervisor.services import child_environment, free_port, replies
from api.unit_of_work import COOKIE
from bench.report import Report, cores, processor
from config.settings import ROOT, Settings, load_settings
from network.demo import map_layers
from network.roads.server import running_server

JOBS, TECHNICIANS = 1000, 133
"""As many jobs for each as in the demo's day: with 100 people no call finds room."""

ITERATIONS = 100_000
CALLS, WARMING_CALLS = 60, 6
READS = 60
RATE_PER_S, LOAD_S, SENDERS = 300, 10.0, 24
WORKERS, THREADS = 2, 8
START_LIMIT_S = 60.0


@dataclass(slots=True)
class Timed:
    """Latencies of one kind of request, and what the web server spent on all of them."""

    name: str
    target: str = ""
    ms: list[float] = field(default_factory=list)
    server_cpu_ms: float = 0.0
    failed: int = 0

    def row(self) -> tuple[str, ...]:
        """Name, count, p50, p95, p99, most, processor time each, target, failures."""
        p50, p95, p99 = np.percentile(self.ms, (50, 95, 99))
        each = self.server_cpu_ms / len(self.ms)
        times = (f"{value:.1f}" for value in (p50, p95, p99, max(self.ms), each))
        return (self.name, str(len(self.ms)), *times, self.target, str(self.failed))


class Caller:
    """One kept-alive connection, signed in by a cookie."""

    def __init__(self, port: int, cookie: str = "") -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {"Cookie": f"{COOKIE}={cookie}"} if cookie else {}

    def ask(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, bytes, str]:
        """Status, body and ETag of an answer."""
        told = {**self._headers, **headers}
        data = None
        if body is not None:
            data, told["Content-Type"] = json.dumps(body), "application/json"
        self._connection.request(method, path, data, told)
        answer = self._connection.getresponse()
        return answer.status, answer.read(), answer.headers.get("ETag", "")


class Server:
    """A gunicorn with its workers, and how much processor time they have had."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process, self.port = process, port

    def cpu_ms(self) -> float:
        """Processor milliseconds of the master and its workers so far."""
        ticks = 0
        for entry in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = entry.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if self.process.pid in (int(entry.parent.name), int(fields[1])):
                ticks += int(fields[11]) + int(fields[12])
        return 1000.0 * ticks / os.sysconf("SC_CLK_TCK")

    @contextmanager
    def spending(self, into: Timed) -> Iterator[Timed]:
        """Note what the server spends on the requests of the block."""
        before = self.cpu_ms()
        yield into
        into.server_cpu_ms += self.cpu_ms() - before


@contextmanager
def gunicorn(application: str, environment: dict[str, str]) -> Iterator[Server]:
    """The web server that the service runs behind, with another application or the service's."""
    port = free_port()
    config = ROOT / "api" / "supervisor" / "gunicorn_config.py"
    command = [sys.executable, "-m", "gunicorn", "--config", str(config), "--log-level", "error"]
    command += ["--bind", f"127.0.0.1:{port}", "--workers", str(WORKERS)]
    command += ["--threads", str(THREADS), application]
    with subprocess.Popen(
        command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            deadline = time.monotonic() + START_LIMIT_S
            while not replies(f"http://127.0.0.1:{port}/"):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise ValueError("the web server did not come up")
                time.sleep(0.1)
            yield Server(process, port)
        finally:
            process.terminate()


def one_by_one(
    server: Server, into: Timed, count: int, ask: Callable[[int], tuple[int, bytes, str]]
) -> None:
    """Ask one after the other, each when the one before is answered."""
    with server.spending(into):
        for k in range(count):
            began = time.perf_counter()
            status, *_ = ask(k)
            into.ms.append(1000 * (time.perf_counter() - began))
            into.failed += status >= 400


def at_a_rate(
    server: Server,
    into: Timed,
    seconds: float,
    make: Callable[[], Callable[[int], tuple[int, bytes, str]]],
) -> None:
    """Ask at a steady rate whatever the answers take; a late start counts as waiting."""
    due: queue.SimpleQueue[tuple[int, float] | None] = queue.SimpleQueue()
    lock = threading.Lock()

    def send() -> None:
        ask = make()
        while (turn := due.get()) is not None:
            status, *_ = ask(turn[0])
            took = 1000 * (time.perf_counter() - turn[1])
            with lock:
                into.ms.append(took)
                into.failed += status >= 400

    senders = [threading.Thread(target=send) for _ in range(SENDERS)]
    for sender in senders:
        sender.start()
    with server.spending(into):
        began = time.perf_counter()
        for k in range(int(RATE_PER_S * seconds)):
            at = began + k / RATE_PER_S
            time.sleep(max(0.0, at - time.perf_counter()))
            due.put((k, at))
        for _ in senders:
            due.put(None)
        for sender in senders:
            sender.join()


@contextmanager
def planned_service(folder: Path, iterations: int) -> Iterator[Settings]:
    """PostgreSQL, roads, and a published day of 1,000 jobs and 100 technicians."""
    region = wiring.demo_region(ROOT / ".cache")
    with running_postgres(folder) as url, running_server(region.graph.directory) as osrm:
        settings = load_settings(
            {
                "DATABASE_URL": url,
                "OSRM_URL": osrm,
                "ZHUNDA_DATA_DIR": str(ROOT / ".cache"),
                "ZHUNDA_SECRET": "b" * 32,
                "ZHUNDA_PLAN_ENGINE": "search",
            },
            use_running_services=False,
        )
        _say("seeding …")
        cli.migrate(settings)
        engine = wiring.engine_of(settings)
        with wiring.sessions_of(engine).begin() as session:
            bounds = map_layers(region)["bounds"]
            demo.seed(session, region, bounds, datetime.now(UTC), JOBS, TECHNICIANS)
        engine.dispose()
        _say("planning …")
        cli.plan_today(settings, iterations=iterations)
        # The region is built once; the service must not build it anew at its first call.
        (folder / "demo").symlink_to(ROOT / ".cache" / "demo")
        yield replace(settings, data_dir=folder)


def http_offers(options: argparse.Namespace) -> Report:
    """Latencies of an urgent call, of a phone's route, and of the main endpoints."""
    seconds = options.seconds or LOAD_S
    folder = Path(tempfile.mkdtemp(prefix="zhunda-bench-"))
    folder.chmod(0o755)
    try:
        with planned_service(folder, options.iterations or ITERATIONS) as settings:
            environment = child_environment(settings) | {"ZHUNDA_LOG_LEVEL": "ERROR"}
            dispatcher, phones = _cookies(settings)
            with gunicorn("api.app:create_app()", environment) as server:
                _say("calls …")
                rows, found = _calls(server, dispatcher)
                _say("reads …")
                rows += _reads(server, dispatcher)
                _say("phones …")
                rows += _phones(server, phones, seconds)
            with gunicorn("bench.empty_app:create_app()", environment) as server:
                rows.append(_empty(server, seconds))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Report(
        f"The API over HTTP, {JOBS} jobs, {TECHNICIANS} technicians, roads of the demo city",
        (
            "request",
            "n",
            "p50 ms",
            "p95 ms",
            "p99 ms",
            "max ms",
            "web CPU ms each",
            "target",
            "failed",
        ),
        tuple(row.row() for row in rows if row.ms),
        (
            f"command: `python -m bench {shlex.join(sys.argv[1:])}`",
            f"{cores()} cores ({processor()}), Python {platform.python_version()}, load average "
            f"{os.getloadavg()[0]:.1f} at the end; caller, gunicorn ({WORKERS} processes x "
            f"{THREADS} threads), PostgreSQL and OSRM share them",
        ),
        (
            "Latencies are wall time at the caller. `web CPU` is processor time of gunicorn and "
            "its workers by request, without PostgreSQL and OSRM: it does not depend on how busy "
            f"the machine is. At {RATE_PER_S}/s a latency counts from when the request was due. Of "
            f"{len(found)} calls {found.count(3)} got three offers, {found.count(0)} none; every "
            f"fifth of those with offers was committed.",
        ),
    )


def _cookies(settings: Settings) -> tuple[str, list[str]]:
    engine = wiring.engine_of(settings)
    now = datetime.now(UTC)
    with wiring.sessions_of(engine).begin() as session:
        desk = session.scalars(select(Person).where(Person.login == "dispatch")).one()
        busy = session.scalars(
            select(Person)
            .join(Visit, Visit.technician_number == Person.technician_number)
            .where(Visit.active)
            .group_by(Person.id)
            .order_by(func.count().desc())
            .limit(SENDERS)
        ).all()
        found = open_session(session, desk, now), [open_session(session, p, now) for p in busy]
    engine.dispose()
    return found


def _calls(server: Server, cookie: str) -> tuple[list[Timed], list[int]]:
    """Urgent calls from places that no plan knows: the receipt, then three offers.

    Returns
    -------
    list of Timed, list of int
        And how many offers each call got.
    """
    counts: list[int] = []
    caller = Caller(server.port, cookie)
    random = np.random.default_rng(1)
    receipts = Timed("`POST requests`: the receipt of a report", "≤ 1,000 ms")
    offers = Timed("`POST jobs/…/offers`: three offers, roads included", "≤ 300 ms")
    commits = Timed("`POST jobs/…/commit`")
    for k in range(CALLS + WARMING_CALLS):
        lat, lon = np.array([-29.93, -71.27]) + random.uniform(-0.03, 0.03, 2)
        told = {
            "channel": "phone",
            "product": "boiler",
            "fault": "gas-smell",
            "consumer": {"name": "Rosa Araya Soto", "phone": f"+56 9 0000 {k:04d}"},
            "address": "Avenida Balmaceda 1234",
            "place": {"lat": round(float(lat), 5), "lon": round(float(lon), 5)},
        }
        if k == WARMING_CALLS:  # what was loaded once does not count
            receipts, offers, commits = (
                Timed(each.name, each.target) for each in (receipts, offers, commits)
            )
        receipt = _once(server, receipts, caller, "/api/v1/requests", told)
        if "id" not in receipt:
            raise ValueError(f"the report was refused: {json.dumps(receipt)[:300]}")
        base = f"/api/v1/jobs/{receipt['id']}"
        found = _once(server, offers, caller, f"{base}/offers", {}).get("offers")
        if k >= WARMING_CALLS:
            counts.append(len(found or ()))
        if found and k % 5 == 0:
            choice = {
                "technician_id": found[0]["technician"]["id"],
                "version": found[0]["version"],
                "arrival": found[0]["arrival"],
            }
            _once(server, commits, caller, f"{base}/commit", choice)
    return [offers, receipts, commits], counts


def _once(server: Server, into: Timed, caller: Caller, path: str, body: Any) -> dict[str, Any]:
    """Time one POST; its answer."""
    answers: list[bytes] = []

    def ask(_: int) -> tuple[int, bytes, str]:
        answer = caller.ask("POST", path, body)
        answers.append(answer[1])
        return answer

    one_by_one(server, into, 1, ask)
    return dict(json.loads(answers[0]))


def _reads(server: Server, cookie: str) -> list[Timed]:
    caller = Caller(server.port, cookie)
    plan = json.loads(caller.ask("GET", "/api/v1/plans")[1])["items"][0]["id"]
    job = json.loads(caller.ask("GET", "/api/v1/jobs")[1])["items"][0]["id"]
    found = []
    for path, name in (
        ("/api/v1/days/today", "days/today"),
        ("/api/v1/jobs", "jobs"),
        (f"/api/v1/jobs/{job}", "jobs/…"),
        ("/api/v1/technicians", "technicians"),
        ("/api/v1/visits", "visits"),
        (f"/api/v1/plans/{plan}", "plans/…"),
        ("/api/v1/activity", "activity"),
    ):
        found.append(Timed(f"`GET {name}`"))
        caller.ask("GET", path)
        one_by_one(server, found[-1], READS, lambda _, path=path: caller.ask("GET", path))  # type: ignore[misc]
    return found


def _phones(server: Server, cookies: list[str], seconds: float) -> list[Timed]:
    alone = Timed("`GET me/route`, one by one")
    unchanged = Timed("the same, 304", "≤ 5 ms")
    rate = Timed(f"`GET me/route`, {RATE_PER_S}/s", "p99 ≤ 25 ms")
    unchanged_rate = Timed(f"the same, 304, {RATE_PER_S}/s")
    caller = Caller(server.port, cookies[0])
    _, _, tag = caller.ask("GET", "/api/v1/me/route")
    for into, headers in ((alone, {}), (unchanged, {"If-None-Match": tag})):
        one_by_one(
            server,
            into,
            5 * READS,
            lambda _, headers=headers: caller.ask("GET", "/api/v1/me/route", **headers),  # type: ignore[misc]
        )
    free = queue.SimpleQueue[str]()
    for cookie in cookies * 2:
        free.put(cookie)

    def phone(conditional: bool) -> Callable[[int], tuple[int, bytes, str]]:
        own = Caller(server.port, free.get())
        known = own.ask("GET", "/api/v1/me/route")[2]
        headers = {"If-None-Match": known} if conditional else {}
        return lambda _: own.ask("GET", "/api/v1/me/route", **headers)

    at_a_rate(server, rate, seconds, lambda: phone(False))
    at_a_rate(server, unchanged_rate, seconds, lambda: phone(True))
    return [rate, unchanged_rate, alone, unchanged]


def _empty(server: Server, seconds: float) -> Timed:
    found = Timed(f"an empty Flask handler, {RATE_PER_S}/s", "`me/route` within 3 x")

    def make() -> Callable[[int], tuple[int, bytes, str]]:
        own = Caller(server.port)
        own.ask("GET", "/")
        return lambda _: own.ask("GET", "/")

    at_a_rate(server, found, seconds, make)
    return found


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


TABLES = {"http-offers": http_offers}
