"""The command prints what it made, or one clear line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from network.demo import DemoRegion
from network.demo.__main__ import main


def test_the_command_prints_graph_and_law(
    demo_region: DemoRegion, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(demo_region.graph.directory.parents[1])]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["graph"] == demo_region.graph.version
    assert answer["law"]["duration"]["exponent"] == demo_region.law.duration.exponent


def test_a_region_that_cannot_be_had_is_one_line_and_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ZHUNDA_DEMO_WHEEL", str(tmp_path / "none.whl"))
    assert main([str(tmp_path)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert "ZHUNDA_DEMO_WHEEL" in printed.err
