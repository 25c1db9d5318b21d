from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import ledger

ENTRIES = st.lists(st.binary(max_size=40), min_size=1, max_size=40)


def test_equal_values_have_one_text() -> None:
    assert ledger.canonical({"b": 1, "a": [None, "é"]}) == '{"a":[null,"é"],"b":1}'.encode()
    with pytest.raises(ValueError, match="JSON"):
        ledger.canonical(float("nan"))


def rows_of(entries: list[bytes], key: bytes) -> list[ledger.Row]:
    found = []
    for seq, (entry, link) in enumerate(zip(entries, ledger.links(entries), strict=True), start=1):
        found.append(ledger.Row(seq, entry, link, ledger.mac(key, link)))
    return found


def walk(rows: list[ledger.Row], key: bytes | None) -> ledger.Fault | None:
    chain = ledger.Chain(key)
    return next((fault for row in rows if (fault := chain.step(row))), None)


@given(ENTRIES, st.data())
def test_a_chain_is_sound_until_one_row_differs_and_the_fault_names_it(
    entries: list[bytes], data: st.DataObject
) -> None:
    rows = rows_of(entries, b"key")
    assert walk(rows, b"key") is None
    at = data.draw(st.integers(0, len(rows) - 1))
    row = rows[at]
    changed = ledger.Row(row.seq, row.entry + b"!", row.link, row.mac)
    fault = walk([*rows[:at], changed, *rows[at + 1 :]], b"key")
    assert fault is not None and fault.seq == at + 1


def test_a_chain_rewritten_whole_passes_without_the_key_and_not_with_it() -> None:
    forged = rows_of([b"one", b"two"], b"guess")
    assert walk(forged, None) is None
    fault = walk(forged, b"key")
    assert fault is not None and "key" in fault.what


def test_a_missing_row_is_named() -> None:
    rows = rows_of([b"one", b"two", b"three"], b"key")
    fault = walk([rows[0], rows[2]], b"key")
    assert fault is not None and fault.seq == 2 and "missing" in fault.what


@given(st.integers(1, 70), st.data())
def test_a_path_leads_to_the_root_from_its_own_leaf_only(count: int, data: st.DataObject) -> None:
    leaves = [ledger.leaf(bytes([number])) for number in range(count)]
    index = data.draw(st.integers(0, count - 1))
    path = ledger.merkle_path(leaves, index)
    root = ledger.merkle_root(leaves)
    assert ledger.root_of_path(leaves[index], index, count, path) == root
    assert ledger.root_of_path(ledger.leaf(b"other"), index, count, path) != root
    assert ledger.root_of_path(leaves[index], index, count, [*path, root]) != root
    assert len(path) <= 7


def test_the_tree_is_that_of_rfc_6962() -> None:
    def node(left: bytes, right: bytes) -> bytes:
        return hashlib.sha256(b"\x01" + left + right).digest()

    a, b, c = (hashlib.sha256(b"\x00" + text).digest() for text in (b"a", b"b", b"c"))
    assert ledger.merkle_root([a, b, c]) == node(node(a, b), c)
    assert ledger.merkle_root([]) == hashlib.sha256(b"").digest()
    assert ledger.merkle_path([a, b, c], 0) == [b, c]
    assert ledger.merkle_path([a, b, c], 2) == [node(a, b)]
