import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from network.demo import ensure_demo_region
from tests.api.supervisor.whole import ROOT


def api(data: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "ZHUNDA_DATA_DIR": str(data), "ZHUNDA_DEMO": "0", **variables}
    return subprocess.run(
        [sys.executable, "-m", "api", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["migrate"], "DATABASE_URL"),
        (["plan"], "DATABASE_URL"),
        (["roads", "import", "nowhere.osm.pbf"], "nowhere.osm.pbf"),
        (["roads", "serve"], "roads import"),
        (["export", "evidence", "--job", "abc", "--out", "x.zip"], "--job"),
        (["nonsense"], "nonsense"),
    ],
)
def test_bad_input_is_one_line_and_exit_status_2(
    tmp_path: Path, arguments: list[str], named: str
) -> None:
    done = api(tmp_path, *arguments)
    assert done.returncode == 2
    assert named in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_bad_setting_is_named(tmp_path: Path) -> None:
    done = api(tmp_path, "migrate", ZHUNDA_WEB_PORT="many")
    assert done.returncode == 2
    assert "ZHUNDA_WEB_PORT" in done.stderr


def test_without_a_command_the_usage_is_shown(tmp_path: Path) -> None:
    done = api(tmp_path)
    assert done.returncode == 2
    assert "usage: python -m api" in done.stderr


def test_imported_roads_are_the_ones_that_are_served(tmp_path: Path) -> None:
    cache = Path(os.environ.get("ZHUNDA_TEST_CACHE") or ROOT / ".cache")
    region = ensure_demo_region(cache)
    assert api(tmp_path, "roads", "prepare").stdout == ""
    shutil.copytree(region.graph.directory, tmp_path / "graphs" / region.graph.directory.name)
    imported = api(tmp_path, "roads", "import", str(region.extract))
    assert imported.returncode == 0, imported.stderr
    folder = Path(imported.stdout.strip())
    assert folder == tmp_path / "graphs" / region.graph.directory.name
    assert api(tmp_path, "roads", "prepare").stdout.strip() == str(folder)
