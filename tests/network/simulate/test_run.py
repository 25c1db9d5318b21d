"""Simulating: repeatable, resumable, cancellable, and believable."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from network.simulate import (
    Cancelled,
    Progress,
    Scenario,
    WrongCheckpoint,
    compare,
    screen,
    simulate,
)


def test_the_same_seed_gives_the_same_outcome_however_it_is_run(
    make: Callable[..., Scenario], tmp_path: Path
) -> None:
    scenario = make()
    path = tmp_path / "checkpoint"
    whole = simulate(scenario, replications=2, seed=3, processes=1)
    first = simulate(scenario, replications=1, seed=3, processes=1, checkpoint=path)
    path.write_bytes(path.read_bytes() + b'{"number": 1, "cel')  # killed in the middle of a line
    resumed = simulate(scenario, replications=2, seed=3, processes=1, checkpoint=path)
    assert resumed.replications == whole.replications
    assert first.replications == whole.replications[:1]
    assert whole.replications[0].cells != whole.replications[1].cells


def test_enough_people_arrive_in_time_and_too_few_do_not(make: Callable[..., Scenario]) -> None:
    enough = simulate(make(), replications=1, processes=1)
    few = simulate(
        make(lambda raw: [group.update(heads=1) for group in raw["technicians"]]),
        replications=1,
        processes=1,
    )
    assert enough.share("urgent") > 0.95
    assert enough.share("normal") > 0.98
    assert few.share("normal") < 0.5
    assert few.work.utilisation.value > enough.work.utilisation.value
    assert 0.3 < enough.work.utilisation.value < 1.0
    found = next(each for each in enough.classes if each.name == "urgent")
    assert found.in_time is not None
    assert found.in_time.low <= found.in_time.value <= found.in_time.high
    assert set(found.by_district) == {"north", "south"}
    difference = compare([enough, few])[0]
    assert difference.share["normal"].value < -0.4
    assert difference.cost_fen.value < 0


def test_a_checkpoint_of_something_else_is_refused_and_kept(
    make: Callable[..., Scenario], tmp_path: Path
) -> None:
    path = tmp_path / "checkpoint"
    path.write_text("my diary\n")
    with pytest.raises(WrongCheckpoint, match="no checkpoint"):
        simulate(make(), replications=1, processes=1, checkpoint=path)
    assert path.read_text() == "my diary\n"


def test_progress_rises_to_the_end_and_cancel_ends_it(make: Callable[..., Scenario]) -> None:
    seen: list[Progress] = []
    with pytest.raises(Cancelled):
        simulate(
            make(), replications=1, processes=1, watch=seen.append, cancel=lambda: len(seen) > 3
        )
    assert [each.days_done for each in seen] == [0, 1, 2, 3]
    assert seen[-1].days == 2 + 7 + 4


def test_two_processes_see_what_one_sees(make: Callable[..., Scenario]) -> None:
    def shorter(raw: dict[str, Any]) -> None:
        raw.update(days=2, warm_up_days=0)

    alone = simulate(make(shorter), replications=2, processes=1)
    pair = simulate(make(shorter), replications=2, processes=2)
    assert pair.replications == alone.replications


def test_screening_orders_variants_as_the_full_mode_does(make: Callable[..., Scenario]) -> None:
    def heads(count: int) -> Scenario:
        return make(lambda raw: [group.update(heads=count) for group in raw["technicians"]])

    shares = [screen(heads(count)).share("normal") for count in (1, 2, 3)]
    assert shares == sorted(shares)
    assert shares[0] < 0.6
    assert shares[2] > 0.95
