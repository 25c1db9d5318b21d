import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.api.supervisor import whole

READY = "ready after"
ORPHANS_GONE_S = 5.0
REPORT = {
    "channel": "phone",
    "product": "fridge",
    "fault": "not-cooling",
    "consumer": {"name": "Rosa Pizarro", "phone": "+56 9 0000 0001"},
    "address": "Avenida Balmaceda 1",
    "place": {"lat": -29.9045, "lon": -71.2489},
}


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    """One data folder for this file: each start finds what the one before has left."""
    with whole.data_folder() as folder:
        yield folder


@pytest.fixture
def started(data: Path) -> Iterator[whole.Whole]:
    running = whole.start(data)
    try:
        running.wait_for(READY)
        yield running
    finally:
        running.stop(signal.SIGKILL)


def once(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        whole.supervise(data, "--once", *arguments),
        cwd=whole.ROOT,
        env=whole.environment(),
        capture_output=True,
        text=True,
        timeout=whole.START_LIMIT_S,
        check=False,
    )


@contextmanager
def signed_in(url: str, role: str = "dispatcher") -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{url}/api/v1", timeout=30.0) as client:
        people = client.get("/about").json()["personas"]
        one = next(one for one in people if one["role"] == role)
        keys = {"login": one["login"], "password": one["password"]}
        client.post("/session", json=keys).raise_for_status()
        yield client


def test_once_prints_the_day_stops_all_and_prints_the_same_when_run_again(data: Path) -> None:
    first = once(data, "--json")
    assert first.returncode == 0, first.stderr
    summary = json.loads(first.stdout)
    assert summary["jobs"] > 100
    assert summary["urgent_total"] > 0
    assert summary["source_of_travel_times"] == "osrm"
    assert summary["check"] == {"violations": 0}
    assert whole.left_over(data) == {}
    again = once(data)
    assert again.returncode == 0, again.stderr
    said = f"urgent arrivals in time: {summary['urgent_in_time']} of {summary['urgent_total']}"
    assert said in again.stdout
    assert "check: 0 violations" in again.stdout


def test_an_interrupt_stops_all_in_order(started: whole.Whole, data: Path) -> None:
    assert started.stop(signal.SIGINT) == 0
    assert whole.left_over(data) == {}
    assert not (data / "run" / "services.json").exists()


def test_after_kill_9_no_child_remains_and_the_next_start_has_every_acknowledged_write(
    started: whole.Whole, data: Path
) -> None:
    with signed_in(started.url) as client:
        acknowledged = client.post("/requests", json=REPORT)
        acknowledged.raise_for_status()
    started.stop(signal.SIGKILL)
    deadline = time.monotonic() + ORPHANS_GONE_S
    while orphans := whole.left_over(data):
        assert time.monotonic() < deadline, orphans
        time.sleep(0.05)
    again = whole.start(data)
    try:
        again.wait_for(READY)
        with signed_in(again.url) as client:
            kept = client.get(acknowledged.headers["Location"].removeprefix("/api/v1"))
        assert kept.status_code == 200
        assert kept.json()["address"] == REPORT["address"]
    finally:
        again.stop(signal.SIGINT)


def test_kill_9_during_the_start_leaves_nothing_either(data: Path) -> None:
    running = whole.start(data)
    running.wait_for("database …")
    running.stop(signal.SIGKILL)
    deadline = time.monotonic() + ORPHANS_GONE_S
    while orphans := whole.left_over(data):
        assert time.monotonic() < deadline, orphans
        time.sleep(0.05)


def test_a_web_server_that_dies_comes_back(started: whole.Whole, data: Path) -> None:
    gunicorns = [pid for pid, line in whole.left_over(data).items() if "gunicorn" in line]
    os.kill(min(gunicorns), signal.SIGKILL)  # the first one started is the master
    started.wait_for("web ended")
    deadline = time.monotonic() + 60.0
    while True:
        try:
            assert httpx.get(f"{started.url}/healthz").status_code == 200
            break
        except httpx.HTTPError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_figures_of_all_web_processes_are_added_up(data: Path) -> None:
    running = whole.start(data, ZHUNDA_WEB_WORKERS="2")
    try:
        running.wait_for(READY)
        for _ in range(20):
            httpx.get(f"{running.url}/api/v1/about").raise_for_status()
        with signed_in(running.url, "admin") as client:
            # A new connection each time, so that either process answers.
            told = [
                httpx.get(f"{running.url}/metrics", cookies=client.cookies).text for _ in range(6)
            ]
    finally:
        running.stop(signal.SIGINT)
    counted = 'zhunda_answers_total{method="GET",route="/api/v1/about",status="200"} 21.0'
    for text in told:
        assert counted in text
        assert text.count('zhunda_jobs{status="open"}') == 1


def test_a_second_start_on_the_same_data_is_refused_by_name(
    started: whole.Whole, data: Path
) -> None:
    second = once(data)
    assert second.returncode == 2
    assert f"process {started.process.pid}" in second.stderr
    assert len(second.stderr.strip().splitlines()) == 1


def test_a_taken_port_is_said_before_anything_starts(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            whole.supervise(data, "--port", str(port)),
            cwd=whole.ROOT,
            env=whole.environment(),
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert str(port) in done.stderr
    assert "--port" in done.stderr
