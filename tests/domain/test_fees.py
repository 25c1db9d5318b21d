from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.fees import (
    Account,
    FeeError,
    LineKind,
    PriceBook,
    PriceItem,
    fingerprint,
    price,
    reconcile,
    total_fen,
)

BOOK = PriceBook.of(
    "2026-01",
    "CNY",
    [
        PriceItem("VISIT", LineKind.VISIT, "Visit", 3000),
        PriceItem("LABOUR", LineKind.LABOUR, "Labour, half an hour", 4500),
        PriceItem("SEAL", LineKind.PART, "Door seal", 8900),
    ],
)


def test_a_quote_is_the_books_prices_to_the_fen() -> None:
    lines = price(BOOK, [("VISIT", 1), ("LABOUR", 3), ("SEAL", 2)], {})
    assert [line.price_fen for line in lines] == [3000, 13500, 17800]
    assert total_fen(lines) == 34300


def test_what_the_warranty_covers_costs_nothing_and_says_why() -> None:
    lines = price(BOOK, [("VISIT", 1), ("SEAL", 1)], {LineKind.PART: "three-guarantees-CN-1995"})
    assert [(line.price_fen, line.charged_fen) for line in lines] == [(3000, 3000), (8900, 0)]
    assert lines[1].free_because == "three-guarantees-CN-1995"


@pytest.mark.parametrize(
    ("wanted", "message"),
    [([("GOLD", 1)], "GOLD is not"), ([("SEAL", 0)], "quantity"), ([], "at least one line")],
)
def test_what_has_no_price_is_refused(wanted: list[tuple[str, int]], message: str) -> None:
    with pytest.raises(FeeError, match=message):
        price(BOOK, wanted, {})


@pytest.mark.parametrize("amount", [-1, 10**13, 1.5, True])
def test_amounts_are_whole_fen(amount: int) -> None:
    with pytest.raises(FeeError, match="unit_fen"):
        PriceItem("A", LineKind.PART, "A", amount)


def test_a_code_stands_once_in_a_book() -> None:
    item = PriceItem("A", LineKind.PART, "A", 1)
    with pytest.raises(FeeError, match="twice"):
        PriceBook.of("1", "CNY", [item, item])


def test_one_changed_letter_is_another_fingerprint_and_order_of_keys_is_not() -> None:
    assert fingerprint({"a": 1, "b": "检测"}) == fingerprint({"b": "检测", "a": 1})
    assert fingerprint({"a": 1}) != fingerprint({"a": 2})
    assert fingerprint("steps") != fingerprint("steps ")


@given(
    st.dictionaries(st.text(max_size=3), st.integers(0, 10**6), max_size=5),
    st.lists(st.integers(-1000, 0), max_size=4),
)
def test_a_bill_made_of_consents_and_corrections_leaves_nothing_unexplained(
    consented: dict[str, int], corrections: list[int]
) -> None:
    billed = sum(consented.values()) + sum(corrections)
    told = reconcile(Account(consented, tuple(corrections), billed, billed, 0))
    assert (told.unexplained_fen, told.open_fen) == (0, 0)
    off = reconcile(Account(consented, tuple(corrections), billed + 1, billed, 0))
    assert (off.unexplained_fen, off.open_fen) == (1, 1)
