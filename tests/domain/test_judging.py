from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest

from domain.calendars import Calendar
from domain.clocks import ClockEvent, EventKind, Proof
from domain.complaints import ComplaintEvent
from domain.judging import (
    ArrivalCase,
    ComplaintCase,
    Setting,
    WarrantyCase,
    judge_arrival,
    judge_complaint,
    judge_warranty,
)
from domain.rules import Judgement, RuleError, arrival_pack, difference
from domain.warranty import Purchase, Repair
from tests.domain.rules.test_arrival import TABLE
from tests.domain.rules.test_packs import book

CN = Setting("CN", "Asia/Shanghai", Calendar("CN", 2020, 2030))
RECEIVED = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
LATER = datetime(2028, 1, 1, tzinfo=UTC)


def complaint(case: ComplaintCase, rules_on: date | None = None) -> Judgement:
    return judge_complaint(case, book(), CN, LATER, rules_on)[0]


def test_a_complaint_is_judged_by_the_law_of_its_day_whenever_one_asks() -> None:
    case = ComplaintCase(
        RECEIVED,
        ((ComplaintEvent.ACCEPT, RECEIVED + timedelta(days=1)),),
    )
    old = complaint(case)
    new = complaint(case, date(2026, 4, 15))
    assert old.figures["conclusion first due"] == "2026-05-05T15:59:59+00:00"
    assert new.figures["conclusion first due"] == "2026-05-02T15:59:59+00:00"
    assert any("order-20" in line.version for line in old.trace)
    assert any("order-121" in line.version for line in new.trace)


def test_two_packs_over_one_history_give_the_explained_difference() -> None:
    history = []
    for number in range(40):
        received = RECEIVED + timedelta(days=number)
        accepted = received + timedelta(days=2)
        ended = accepted + timedelta(days=40 + number)
        steps = ((ComplaintEvent.ACCEPT, accepted), (ComplaintEvent.FAIL, ended))
        history.append((str(number), ComplaintCase(received, steps)))
    told = difference(
        history,
        partial(complaint, rules_on=date(2026, 1, 1)),
        partial(complaint, rules_on=date(2026, 5, 1)),
    )
    assert told.cases == 40
    assert told.unexplained == 0
    assert {change.case for change in told.changed} == {name for name, _ in history}
    (clause,) = {str(why) for change in told.changed for why in change.because}
    assert "45 working_days" in clause and "60 days" in clause
    assert told.by_clause == {clause: 40}


def test_the_same_pack_twice_gives_no_difference() -> None:
    case = ComplaintCase(RECEIVED)
    assert difference([("a", case)], complaint, complaint).changed == ()


def test_time_of_testing_moves_the_deadline_and_the_first_is_still_told() -> None:
    accepted = RECEIVED + timedelta(days=1)
    testing = (
        ClockEvent("p", EventKind.PAUSED, accepted, "desk", "testing", ("lab order 7",)),
        ClockEvent("r", EventKind.RESUMED, accepted + timedelta(days=10), "desk"),
    )
    case = ComplaintCase(RECEIVED, ((ComplaintEvent.ACCEPT, accepted),), testing)
    figures = complaint(case, date(2026, 5, 1)).figures
    first = datetime.fromisoformat(figures["conclusion first due"])
    excused = datetime.fromisoformat(figures["conclusion excused due"])
    assert excused - first == timedelta(days=10)


def test_an_appeal_starts_both_clocks_again() -> None:
    steps = (
        (ComplaintEvent.REFUSE, RECEIVED + timedelta(days=3)),
        (ComplaintEvent.APPEAL, RECEIVED + timedelta(days=60)),
        (ComplaintEvent.ACCEPT, RECEIVED + timedelta(days=61)),
    )
    figures = complaint(ComplaintCase(RECEIVED, steps)).figures
    assert figures["acceptance first outcome"] == "kept"
    assert figures["appeal 1 acceptance first outcome"] == "kept"
    assert "appeal 1 conclusion first due" in figures


def test_as_of_a_day_before_the_appeal_there_is_no_appeal() -> None:
    steps = (
        (ComplaintEvent.REFUSE, RECEIVED + timedelta(days=3)),
        (ComplaintEvent.APPEAL, RECEIVED + timedelta(days=60)),
        (ComplaintEvent.ACCEPT, RECEIVED + timedelta(days=61)),
    )
    case = ComplaintCase(RECEIVED, steps)
    early = judge_complaint(case, book(), CN, RECEIVED + timedelta(days=5))[0].figures
    assert early["acceptance first outcome"] == "kept"
    assert not any("appeal" in name or "conclusion" in name for name in early)


def test_an_arrival_can_be_judged_by_the_pack_of_a_place() -> None:
    general = arrival_pack(TABLE)
    strict = arrival_pack(
        TABLE
        | {
            "version": "arrival-CN-ZJ",
            "place": "CN-ZJ",
            "classes": {"urgent": {"arrival_hours": 12}, "normal": {"arrival_hours": 48}},
        }
    )
    case = ArrivalCase(
        "fridge",
        "not-cooling",
        datetime(2026, 6, 1, tzinfo=UTC),
        (ClockEvent("m", EventKind.MET, datetime(2026, 6, 1, 20, tzinfo=UTC), "t01"),),
    )
    packs = [general, strict]
    elsewhere, _ = judge_arrival(case, packs, CN, LATER)
    there, _ = judge_arrival(case, packs, Setting("CN-ZJ-3301", "Asia/Shanghai"), LATER)
    assert elsewhere.figures["first outcome"] == "kept"
    assert there.figures["first outcome"] == "missed"
    told = difference([("a", case)], lambda _: elsewhere, lambda _: there)
    assert told.unexplained == 0


def test_what_proves_an_arrival_is_a_clause_and_explains_the_difference() -> None:
    without = {key: value for key, value in TABLE.items() if key != "arrival_proofs"}
    silent = arrival_pack(without)
    asking = arrival_pack(
        without | {"version": "arrival-proven", "arrival_proofs": ["place", "confirmed"]}
    )
    far = ClockEvent(
        "m", EventKind.MET, datetime(2026, 6, 1, 2, tzinfo=UTC), "t01", proof=Proof.FAR
    )
    case = ArrivalCase("fridge", "not-cooling", datetime(2026, 6, 1, tzinfo=UTC), (far,))
    taken, _ = judge_arrival(case, [silent], CN, LATER)
    asked, _ = judge_arrival(case, [asking], CN, LATER)
    assert (taken.figures["first outcome"], asked.figures["first outcome"]) == ("kept", "missed")
    told = difference([("a", case)], lambda _: taken, lambda _: asked)
    assert told.unexplained == 0
    assert "arrival_proofs" in {why.key for change in told.changed for why in change.because}
    with pytest.raises(RuleError, match="arrival_proofs"):
        arrival_pack(TABLE | {"arrival_proofs": ["hearsay"]})


SOLD = date(2026, 1, 1)


def remedies(days: int, place: str = "CN", product: str = "fridge", **facts: object) -> str:
    case = WarrantyCase(product, Purchase(SOLD, **facts), SOLD + timedelta(days=days))  # type: ignore[arg-type]
    return judge_warranty(case, book(), Setting(place, "Asia/Shanghai"))[0].figures["remedies"]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (0, "repair, exchange, return"),
        (7, "repair, exchange, return"),
        (8, "repair, exchange"),
        (15, "repair, exchange"),
        (16, "repair"),
        (365, "repair"),
        (366, ""),
    ],
)
def test_seven_and_fifteen_days_and_the_warranty(days: int, expected: str) -> None:
    assert remedies(days, warranty_months=12) == expected


def stay(began: int, ended: int | None, **more: object) -> Repair:
    return Repair(
        SOLD + timedelta(days=began),
        None if ended is None else SOLD + timedelta(days=ended),
        **more,  # type: ignore[arg-type]
    )


def test_two_repairs_that_did_not_hold_give_exchange_or_return() -> None:
    once = (stay(20, 22, held=False),)
    twice = (*once, stay(40, 41, held=False))
    assert remedies(60, warranty_months=12, repairs=once) == "repair"
    assert remedies(60, warranty_months=12, repairs=twice) == "repair, exchange, return"


@pytest.mark.parametrize(("days", "expected"), [(90, "repair"), (91, "repair, exchange")])
def test_more_than_ninety_days_without_parts_give_an_exchange(days: int, expected: str) -> None:
    waiting = (stay(30, None, parts_wait=days),)
    assert remedies(150, warranty_months=12, repairs=waiting) == expected


@pytest.mark.parametrize(("days", "expected"), [(30, "repair"), (31, "repair, exchange")])
def test_more_than_thirty_days_by_the_repairers_fault_give_an_exchange(
    days: int, expected: str
) -> None:
    slow = (stay(30, None, by_repairer=days),)
    assert remedies(80, warranty_months=12, repairs=slow) == expected


@pytest.mark.parametrize(("length", "expected"), [(35, "repair"), (36, "repair, exchange, return")])
def test_zhejiang_counts_all_days_in_repair(length: int, expected: str) -> None:
    stays = (stay(30, 30 + length - 1),)
    assert remedies(100, "CN-ZJ", warranty_months=12, repairs=stays) == expected
    assert remedies(100, "CN", warranty_months=12, repairs=stays) == "repair"


@pytest.mark.parametrize(("length", "expected"), [(29, "repair"), (30, "repair, exchange, return")])
def test_shandong_gives_an_exchange_after_thirty_days_unrepaired(
    length: int, expected: str
) -> None:
    open_stay = (stay(50, None),)
    assert remedies(50 + length - 1, "CN-SD", warranty_months=12, repairs=open_stay) == expected


def test_zhejiang_extends_the_warranty_by_the_time_in_repair_and_asks_for_a_loaner() -> None:
    case = WarrantyCase("fridge", Purchase(SOLD, 12, repairs=(stay(100, 109),)), date(2027, 1, 8))
    told = judge_warranty(case, book(), Setting("CN-ZJ", "Asia/Shanghai"))[0]
    assert told.figures["warranty until"] == "2027-01-11"
    assert told.figures["remedies"] == "repair"
    open_stay = WarrantyCase("fridge", Purchase(SOLD, 12, repairs=(stay(100, None),)), SOLD)
    now = judge_warranty(
        open_stay, book(), Setting("CN-ZJ", "Asia/Shanghai"), SOLD + timedelta(days=103)
    )[0]
    assert now.figures["loaner due"] == str(SOLD + timedelta(days=105))
    elsewhere = judge_warranty(case, book(), Setting("CN", "Asia/Shanghai"))[0]
    assert elsewhere.figures["warranty until"] == "2027-01-01"


def test_a_computers_repair_must_hold_thirty_days_and_its_main_parts_two_years() -> None:
    done = (stay(700, 720),)
    assert remedies(750, product="computer", repairs=done) == "repair"
    assert remedies(751, product="computer", repairs=done) == ""
    assert remedies(700, product="computer", main_part=True) == "repair"


def test_without_proof_or_by_the_consumers_own_fault_nothing_is_free() -> None:
    for purchase in (Purchase(None), Purchase(SOLD, 12, consumer_caused=True)):
        case = WarrantyCase("fridge", purchase, SOLD)
        _, found = judge_warranty(case, book(), CN)
        assert (found.remedies, found.free_kinds) == ((), frozenset())


def test_what_is_free_rests_on_a_rule_that_is_marked_as_unconfirmed() -> None:
    case = WarrantyCase("fridge", Purchase(SOLD, 12), SOLD + timedelta(days=40))
    told, found = judge_warranty(case, book(), CN)
    assert found.free_kinds == {"inspection", "labour", "auxiliary", "part", "visit"}
    assert "free_lines" in {ruling.key for ruling in told.unconfirmed}


def test_shandong_calls_more_than_fifteen_days_deliberate_delay() -> None:
    for length, delayed in ((15, False), (16, True)):
        case = WarrantyCase("fridge", Purchase(SOLD, 12, repairs=(stay(50, None),)), SOLD)
        day = SOLD + timedelta(days=50 + length - 1)
        told, _ = judge_warranty(case, book(), Setting("CN-SD", "Asia/Shanghai"), day)
        assert any("deliberate delay" in line.text for line in told.trace) is delayed


def test_zhejiang_wants_a_first_answer_to_a_complaint_within_five_days() -> None:
    zhejiang = Setting("CN-ZJ", "Asia/Shanghai", CN.calendar)
    told, states = judge_complaint(ComplaintCase(RECEIVED), book(), zhejiang, LATER)
    assert told.figures["answer first due"] == "2026-03-07T15:59:59+00:00"
    assert states["answer"].running
    assert "answer first due" not in complaint(ComplaintCase(RECEIVED)).figures


def test_silence_is_broken_by_the_first_step_whatever_it_is() -> None:
    zhejiang = Setting("CN-ZJ", "Asia/Shanghai", CN.calendar)
    steps = ((ComplaintEvent.ACCEPT, RECEIVED + timedelta(days=4)),)
    told, _ = judge_complaint(ComplaintCase(RECEIVED, steps), book(), zhejiang, LATER)
    assert told.figures["answer first outcome"] == "kept"
