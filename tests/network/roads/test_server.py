"""The server listens to this machine only, and never outlives who started it."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from network.demo import DemoRegion
from network.roads import server
from network.roads.server import ServerStartError, command, is_healthy, running_server, wait_healthy

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="uses Linux's pidfd and /proc")


def test_the_command_binds_to_the_loopback_address(demo_region: DemoRegion) -> None:
    argv = command(demo_region.graph.directory, 5123)
    assert argv[argv.index("--ip") + 1] == "127.0.0.1"
    assert argv[argv.index("--port") + 1] == "5123"
    assert int(argv[argv.index("--max-table-size") + 1]) >= 2_000


def test_a_server_answers_inside_its_block_and_is_gone_after(demo_region: DemoRegion) -> None:
    with running_server(demo_region.graph.directory) as url:
        assert is_healthy(url)
        answer = httpx.get(f"{url}/nearest/v1/car/-71.25,-29.91").json()
        assert answer["data_version"] == demo_region.graph.version
    assert not is_healthy(url)


def test_a_server_without_a_graph_is_reported_at_once(tmp_path: Path) -> None:
    with (
        pytest.raises(ServerStartError, match="exit code"),
        running_server(tmp_path, timeout_s=60.0),
    ):
        pytest.fail("there is nothing to serve")


def test_waiting_for_nobody_ends_with_the_address() -> None:
    url = f"http://127.0.0.1:{server.free_port()}"
    with pytest.raises(ServerStartError, match=url):
        wait_healthy(url, timeout_s=0.0)


@on_linux
def test_a_server_dies_with_a_killed_parent(demo_region: DemoRegion) -> None:
    script = (
        "import os, sys; from pathlib import Path\n"
        "from network.roads.server import running_server\n"
        "with running_server(Path(sys.argv[1])):\n"
        "    me = os.getpid()\n"
        "    print(Path(f'/proc/{me}/task/{me}/children').read_text(), flush=True)\n"
        "    sys.stdin.read()\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(demo_region.graph.directory)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(server.__file__).parents[2])},
    )
    assert parent.stdin is not None
    assert parent.stdout is not None
    with parent.stdin, parent.stdout:
        child = int(parent.stdout.readline())
        assert Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")[0].endswith(b"osrm-routed")
        watch = os.pidfd_open(child)
        parent.send_signal(signal.SIGKILL)
        parent.wait()
        try:
            # The descriptor turns readable the moment the process ends.
            ended, _, _ = select.select([watch], [], [], 20.0)
        finally:
            os.close(watch)
    assert ended
