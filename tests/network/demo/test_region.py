"""The demo region: had once, found again, and a clear word when it cannot be had."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from network.demo import DemoRegion, DemoRegionError, ensure_demo_region, region
from network.roads.build import graph_version


def test_the_region_is_ready_to_serve(demo_region: DemoRegion) -> None:
    assert demo_region.graph.directory.is_dir()
    assert demo_region.graph.version == graph_version(demo_region.extract)
    assert demo_region.law.calibrated
    assert demo_region.law.region == demo_region.graph.version
    assert demo_region.timezone == "America/Santiago"
    assert "OpenStreetMap" in demo_region.attribution


def test_a_second_call_touches_nothing(demo_region: DemoRegion) -> None:
    data_dir = demo_region.graph.directory.parents[1]

    def files() -> dict[Path, int]:
        kept = (demo_region.extract.parent, demo_region.graph.directory)
        return {
            path: path.stat().st_mtime_ns
            for folder in kept
            for path in folder.iterdir()
            if path.suffix != ".lock"
        }

    before = files()
    assert ensure_demo_region(data_dir) == demo_region
    assert files() == before


def test_the_law_is_as_good_as_a_calibrated_one_should_be(demo_region: DemoRegion) -> None:
    error = demo_region.law.duration_error
    assert error is not None
    assert error.pairs > 10_000
    assert error.median < 0.16
    assert error.p90 < 0.44
    minutes = demo_region.law.duration(np.array([5_000.0])) / 60
    assert 5 < minutes < 15


def test_a_given_wheel_must_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHUNDA_DEMO_WHEEL", str(tmp_path / "none.whl"))
    with pytest.raises(DemoRegionError, match=r"ZHUNDA_DEMO_WHEEL: no file .*none\.whl"):
        ensure_demo_region(tmp_path)


def test_a_given_wheel_must_be_the_one_with_the_known_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = tmp_path / "other.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("aequilibrae/reference_files/coquimbo.zip", b"")
    monkeypatch.setenv("ZHUNDA_DEMO_WHEEL", str(wheel))
    with pytest.raises(DemoRegionError, match=r"other\.whl is not the wheel of region\.txt"):
        ensure_demo_region(tmp_path)


def test_a_download_that_fails_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unknown = tmp_path / "region.txt"
    unknown.write_text("aequilibrae==1.7.2 --hash=sha256:" + "0" * 64 + "\n")
    monkeypatch.delenv("ZHUNDA_DEMO_WHEEL", raising=False)
    # pip really runs, but has nowhere to look.
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setattr(region, "_REQUIREMENTS", unknown)
    with pytest.raises(DemoRegionError, match="set ZHUNDA_DEMO_WHEEL=/path/to/it"):
        ensure_demo_region(tmp_path / "data")
    assert not list((tmp_path / "data").rglob("*.osm.pbf"))
