from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.settlement import Refused, Terms, TermsKind, Work, settle

START, END = date(2026, 3, 1), date(2026, 3, 31)


def terms(kind: TermsKind, **more: Any) -> Terms:
    return Terms(kind, "party", date(2026, 1, 1), **more)


def work(number: int, **more: Any) -> Work:
    values: dict[str, Any] = {
        "id": f"job-{number}",
        "label": str(number),
        "day": date(2026, 3, 1 + number % 28),
        "outlet": "north",
        "job_class": "normal",
        "amount_fen": 1001,
    }
    return Work(**(values | more))


def test_a_franchised_outlet_gets_its_share_of_each_bill_less_the_fee() -> None:
    found = settle(
        terms(TermsKind.FRANCHISE, outlet="north", share_permille=500, monthly_fee_fen=300),
        [work(1), work(2), work(3, outlet="south")],
        START,
        END,
    )
    assert [line.fen for line in found.lines] == [501, 501, -300]
    assert found.total_fen == 702


def test_a_job_with_a_problem_earns_nothing_and_says_why() -> None:
    bad = work(1, problems=(Refused.ARRIVAL_NOT_VERIFIED,))
    found = settle(terms(TermsKind.SUBSIDY, unit_fen=500), [bad], START, END)
    assert found.total_fen == 0
    assert found.refused == (("job-1", "1", (Refused.ARRIVAL_NOT_VERIFIED,)),)


def test_a_subsidy_stops_at_its_cap_and_never_pays_a_job_twice() -> None:
    found = settle(
        terms(TermsKind.SUBSIDY, unit_fen=500, cap_fen=1400),
        [work(1), work(2), work(3)],
        START,
        END,
        paid_before_fen=500,
        settled_before=frozenset({"job-1"}),
    )
    assert [line.record for line in found.lines] == ["job-2"]
    assert {record: why for record, _, why in found.refused} == {
        "job-1": (Refused.SETTLED_BEFORE,),
        "job-3": (Refused.CAP_REACHED,),
    }


def test_a_lot_buys_its_quantity_of_its_classes() -> None:
    found = settle(
        terms(TermsKind.LOT, unit_fen=900, quantity=2, classes=frozenset({"urgent"})),
        [work(n, job_class="urgent" if n < 4 else "normal") for n in range(1, 6)],
        START,
        END,
    )
    assert found.total_fen == 1800
    assert [why for _, _, why in found.refused] == [
        (Refused.CAP_REACHED,),
        (Refused.CLASS_NOT_COVERED, Refused.CAP_REACHED),
        (Refused.CLASS_NOT_COVERED, Refused.CAP_REACHED),
    ]


def test_a_fund_pays_what_was_spent() -> None:
    spent = [work(1, amount_fen=7000), work(2, amount_fen=5000)]
    found = settle(terms(TermsKind.TRAINING_FUND, cap_fen=10_000), spent, START, END)
    assert found.total_fen == 7000


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (END, START, "cannot end before"),
        (date(2025, 12, 1), END, "outside the contract"),
    ],
)
def test_a_period_that_does_not_fit_is_refused(start: date, end: date, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        settle(terms(TermsKind.SUBSIDY), [], start, end)


@given(st.lists(st.integers(0, 100_000), max_size=30), st.integers(0, 1000))
def test_every_fen_of_the_total_has_a_record(amounts: list[int], share: int) -> None:
    jobs = [work(n, id=f"job-{n}", amount_fen=fen) for n, fen in enumerate(amounts)]
    found = settle(terms(TermsKind.FRANCHISE, share_permille=share), jobs, START, END)
    assert {line.record for line in found.lines} == {job.id for job in jobs}
    assert found.total_fen == sum((fen * share + 500) // 1000 for fen in amounts)
