from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.repeats import Repair, first_fix, relate

T0 = datetime(2026, 3, 1, 9, tzinfo=UTC)


def repair(number: int, reported: int, closed: int | None, visits: int = 1) -> Repair:
    """A repair by day of report and of its end."""
    return Repair(
        UUID(int=number),
        "+56900000001",
        "fridge",
        "noise",
        T0 + timedelta(days=reported),
        None if closed is None else T0 + timedelta(days=closed),
        visits,
    )


def test_a_report_of_what_is_being_dealt_with_is_a_duplicate_of_the_oldest() -> None:
    told = relate([repair(2, 1, None), repair(1, 0, None)], T0 + timedelta(days=2), 30)
    assert (told.duplicate_of, told.repeat_of) == (UUID(int=1), None)


@pytest.mark.parametrize(("day", "is_repeat"), [(1, True), (31, True), (32, False)])
def test_thirty_days_after_its_end_a_repair_has_held(day: int, is_repeat: bool) -> None:
    told = relate([repair(1, 0, 1)], T0 + timedelta(days=day), 30)
    assert (told.repeat_of is not None) is is_repeat


def test_the_last_of_several_repairs_is_the_one_that_did_not_hold() -> None:
    told = relate([repair(1, 0, 1), repair(2, 3, 4)], T0 + timedelta(days=5), 30)
    assert told.repeat_of == UUID(int=2)


def test_first_fix_counts_jobs_that_were_done_at_once_and_held() -> None:
    jobs = [repair(1, 0, 1), repair(2, 10, 12), repair(3, 100, 101, visits=2), repair(4, 200, None)]
    counted = first_fix(jobs, 30)
    # The first came back; the second did not; the third took two visits; the fourth is not over.
    assert (counted.done, counted.first_fixed, counted.repeated) == (3, 1, 1)
    assert counted.rate == pytest.approx(1 / 3)
    assert first_fix([], 30).rate is None
