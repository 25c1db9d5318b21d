from datetime import date, timedelta

from domain.qualification import Check, Device, Duty, Paper, equipment_on, skills_on

DAY = date(2026, 5, 10)
YEAR = timedelta(days=365)
ONE = timedelta(days=1)


def test_a_skill_counts_while_one_of_its_certificates_is_valid() -> None:
    def held(*papers: Paper) -> dict[str, int]:
        return skills_on({"gas": 2, "tv": 1}, papers, (), [DAY])

    both, without = {"gas": 2, "tv": 1}, {"tv": 1}
    assert held() == both
    assert held(Paper("gas", DAY - YEAR, DAY)) == both
    assert held(Paper("gas", DAY - YEAR, DAY - ONE)) == without
    assert held(Paper("gas", DAY + ONE, None)) == without
    assert held(Paper("gas", DAY - YEAR, DAY - ONE), Paper("gas", DAY, None)) == both


def test_a_certificate_that_ends_in_the_middle_of_the_days_takes_the_skill() -> None:
    paper = Paper("gas", DAY - YEAR, DAY)
    assert skills_on({"gas": 2}, [paper], (), [DAY, DAY + ONE]) == {}


def test_training_backs_a_skill_up_to_its_level() -> None:
    basic = Paper("aircon", DAY - YEAR, None, 1)
    advanced = Paper("aircon", DAY - YEAR, DAY, 3)
    assert skills_on({"aircon": 3}, (), [basic, advanced], [DAY]) == {"aircon": 3}
    assert skills_on({"aircon": 3}, (), [basic, advanced], [DAY + ONE]) == {"aircon": 1}
    assert skills_on({"aircon": 3}, (), [advanced], [DAY + ONE]) == {}


def device(*checks: Check, retired_on: date | None = None) -> Device:
    """A gas detector that must be calibrated, first by DAY."""
    return Device("gas-detector", DAY - YEAR, retired_on, (Duty("calibration", DAY),), checks)


def test_a_device_is_usable_until_its_calibration_is_overdue() -> None:
    assert device().usable_on(DAY)
    assert not device().usable_on(DAY + ONE)
    passed = Check("calibration", DAY, True, DAY + YEAR)
    assert device(passed).usable_on(DAY + YEAR)
    assert not device(passed).usable_on(DAY + YEAR + ONE)


def test_a_failed_check_takes_a_device_out_at_once_and_a_later_one_brings_it_back() -> None:
    failed = Check("calibration", DAY - ONE, False, DAY + YEAR)
    assert not device(failed).usable_on(DAY)
    assert device(failed, Check("calibration", DAY, True, DAY + YEAR)).usable_on(DAY)
    # As known on the day before, it was fine.
    assert device(failed).usable_on(DAY - 2 * ONE)


def test_a_retired_device_is_not_sent() -> None:
    assert not device(retired_on=DAY).usable_on(DAY)


def test_equipment_is_at_hand_when_some_piece_is_usable_on_each_day() -> None:
    old = device()
    new = Device("gas-detector", DAY + ONE, None, (), ())
    assert equipment_on([old, new], [DAY, DAY + ONE]) == {"gas-detector"}
    assert equipment_on([old], [DAY, DAY + ONE]) == frozenset()
