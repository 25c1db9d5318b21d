from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from api import wiring
from api.__main__ import main
from api.week.stage import show, stage
from api.week.story import CHANNELS, Fate, make_story
from config.settings import Settings


def test_equal_seeds_tell_equal_stories_and_all_doors_and_fates_occur(settings: Settings) -> None:
    region = wiring.demo_region(settings.data_dir)
    told = make_story(region, date(2026, 3, 2), 2, 400, seed=3)
    assert told == make_story(region, date(2026, 3, 2), 2, 400, seed=3)
    assert {scene.channel for scene in told} == set(CHANNELS)
    assert {scene.fate for scene in told} == set(Fate)
    assert len(told) == 400
    assert [s.reported_at for s in told] == sorted(s.reported_at for s in told)


@pytest.mark.timeout(600)
def test_a_scripted_day_ends_with_every_proof(settings: Settings, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    outcome = stage(settings, tmp_path / "week", 60, 1, datetime.now(UTC), days=1)
    failed = [proof["name"] for proof in outcome["proofs"] if not proof["holds"]]
    assert failed == []
    assert outcome["holds"] and outcome["counts"]["reports"] >= 60
    assert "0 unexplained fen" in show(outcome)


@pytest.mark.parametrize("reports", ["0", "-5", "1000000"])
def test_a_number_that_makes_no_week_is_one_line(
    reports: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--week", "--reports", reports]) == 2
    assert capsys.readouterr().err.strip() == f"--reports must be 7 to 20000, got {reports}"


def test_a_folder_that_holds_something_else_is_not_cleared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "postgres").mkdir()
    assert main(["demo", "--week", "--data", str(tmp_path)]) == 2
    assert "holds something else than a week" in capsys.readouterr().err
    assert (tmp_path / "postgres").is_dir()
