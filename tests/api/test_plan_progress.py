import pytest

from api.services.plan_progress import EVERY_S, Waiting, stage


def test_who_waits_is_told_every_few_seconds_and_not_at_once() -> None:
    now = [100.0]
    lines: list[str] = []
    waiting = Waiting(lines.append, lambda: now[0])
    waiting.look("queued", {})
    assert lines == []
    for _ in range(30):
        now[0] += 0.2 * EVERY_S
        waiting.look("running", {"share": 0.5, "unassigned": 3})
    assert len(lines) == 6
    assert lines[0] == "  5 s: searching, 50 % of its time, 3 jobs not placed"


@pytest.mark.parametrize(
    ("status", "progress", "words"),
    [
        ("queued", {}, "waiting for a worker"),
        ("running", {}, "compiles it"),
        ("running", {"share": 0.25, "unassigned": 2}, "25 %"),
        ("running", {"share": 1.0}, "checking the plan"),
    ],
)
def test_each_stage_has_its_words(status: str, progress: dict[str, float], words: str) -> None:
    assert words in stage(status, progress)
