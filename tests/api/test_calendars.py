from __future__ import annotations

from datetime import UTC, date, datetime

from api.services.calendars import calendar_of
from domain.clocks import CLOCKS
from domain.judging import Setting, judge_clock
from tests.domain.rules.test_packs import book


def test_china_has_make_up_days_and_chile_has_none() -> None:
    china, chile = calendar_of("CN"), calendar_of("CL")
    assert china is not None and chile is not None
    # A Saturday that was worked for the spring festival, and a weekday off in it.
    assert china.is_working_day(date(2026, 2, 14))
    assert not china.is_working_day(date(2026, 2, 18))
    assert not chile.is_working_day(date(2026, 2, 14))
    assert not chile.is_working_day(date(2026, 9, 18))


def test_a_country_nobody_has_a_calendar_of_has_none() -> None:
    assert calendar_of("ZZ") is None


def test_days_off_that_are_not_announced_yet_are_said_to_be_a_forecast() -> None:
    setting = Setting("CN", "Asia/Shanghai", calendar_of("CN"))
    as_of = datetime(2039, 1, 1, tzinfo=UTC)
    told, _ = judge_clock(
        CLOCKS["complaint_acceptance"],
        datetime(2038, 1, 30, tzinfo=UTC),
        [],
        book(),
        setting,
        as_of,
    )
    assert any("not announced yet" in line.text for line in told.trace)
