from __future__ import annotations

import pytest

from domain.audits import FAIL, NOT_APPLICABLE, PASS, ItemShare, audit_checklist, improved, tally


def test_what_does_not_apply_is_not_counted() -> None:
    found = tally(["a", "b"], [("a", PASS), ("a", FAIL), ("a", NOT_APPLICABLE)])
    assert found == {"a": ItemShare(1, 2), "b": ItemShare(0, 0)}
    assert found["b"].share is None


def test_better_is_a_larger_share_and_nothing_to_count_is_not_judged() -> None:
    assert improved(ItemShare(1, 3), ItemShare(1, 2)) is True
    assert improved(ItemShare(1, 2), ItemShare(2, 4)) is False
    assert improved(ItemShare(0, 0), ItemShare(1, 1)) is None


def test_a_checklist_with_one_code_twice_is_refused() -> None:
    item = {"code": "a", "en": "a", "zh": "a"}
    with pytest.raises(ValueError, match="own"):
        audit_checklist({"name": "x", "version": "1", "en": "", "zh": "", "items": [item, item]})
