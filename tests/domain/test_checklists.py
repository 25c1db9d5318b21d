import tomllib
from datetime import date
from pathlib import Path

import pytest

from domain.checklists import ChecklistError, checklist, checklist_in_force

CONFIG = Path(__file__).parents[2] / "config" / "checklists"
LIST = {
    "version": "v1",
    "valid_from": date(2026, 1, 1),
    "item": [
        {"id": "tested", "kind": "tick", "required": True, "en": "Tested", "zh": "已测试"},
        {
            "id": "co", "kind": "number", "required": True, "products": ["boiler"],
            "least": 0, "most": 100, "en": "CO", "zh": "CO",
        },
        {"id": "note", "kind": "text", "en": "Note", "zh": "备注"},
    ],
}  # fmt: skip


def test_only_the_items_of_the_product_are_asked_for() -> None:
    made = checklist(LIST)
    assert [item.id for item in made.of("tv")] == ["tested", "note"]
    assert made.missing("tv", {"tested": True}) == ()
    assert made.missing("boiler", {"tested": True}) == ("co",)


@pytest.mark.parametrize(
    ("answers", "missing"),
    [
        ({}, ("tested", "co")),
        ({"tested": False, "co": 5}, ("tested",)),
        ({"tested": "yes", "co": 5}, ("tested",)),
        ({"tested": True, "co": 101}, ("co",)),
        ({"tested": True, "co": True}, ("co",)),
        ({"tested": True, "co": 0}, ()),
        ({"tested": True, "co": 0, "of an older list": True}, ()),
    ],
)
def test_an_answer_must_fulfil_its_item(
    answers: dict[str, object], missing: tuple[str, ...]
) -> None:
    assert checklist(LIST).missing("boiler", answers) == missing


def test_the_list_of_the_day_is_the_latest_that_has_begun() -> None:
    old, new = checklist(LIST), checklist(LIST | {"version": "v2", "valid_from": date(2026, 6, 1)})
    assert checklist_in_force([new, old], date(2026, 5, 31)).version == "v1"
    assert checklist_in_force([new, old], date(2026, 6, 1)).version == "v2"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"item": [{"id": "a", "kind": "smile", "en": "a", "zh": "a"}]}, "kind"),
        ({"item": [{"kind": "tick", "en": "a", "zh": "a"}]}, "id"),
        ({"item": LIST["item"] * 2}, "twice"),  # type: ignore[operator]
        ({"version": None}, "version"),
    ],
)
def test_a_list_that_is_wrong_says_where(change: dict[str, object], words: str) -> None:
    with pytest.raises(ChecklistError, match=words):
        checklist(LIST | change)


def test_the_lists_that_are_kept_can_be_read() -> None:
    for path in CONFIG.glob("*.toml"):
        assert checklist(tomllib.loads(path.read_text(encoding="utf-8"))).items
