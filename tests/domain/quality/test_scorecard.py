from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from domain.quality import Measured, ScorecardError, Share, score, scorecard_template

AREAS = ["service-system", "product-service", "customer-service"]
GRADES = {"passes": 70, "three_stars": 80, "four_stars": 90, "five_stars": 95}
ROOT = Path(__file__).resolve().parents[3]


def item(code: str, points: int, floor: float = 0.5, target: float = 1.0) -> dict[str, Any]:
    return {
        "code": code,
        "area": AREAS[0],
        "points": points,
        "floor": floor,
        "target": target,
        "en": code,
        "zh": code,
    }


def template(*items: dict[str, Any]) -> Any:
    return scorecard_template({"version": "v", "items": list(items)}, 100, AREAS, GRADES)


def test_points_grow_in_a_straight_line_between_floor_and_target() -> None:
    card = score(
        template(item("a", 60), item("b", 40)),
        {
            "a": Measured(Share(3, 4)),
            "b": Measured(Share(4, 4)),
        },
    )
    assert (card.tenths, card.grade) == (300 + 400, "passes")


def test_where_less_is_better_the_floor_lies_above_the_target() -> None:
    made = template(item("a", 100, floor=0.1, target=0.0))
    assert score(made, {"a": Measured(Share(0, 10))}).tenths == 1000
    assert score(made, {"a": Measured(Share(1, 10))}).tenths == 0


def test_what_was_not_measured_earns_nothing_and_is_told() -> None:
    card = score(template(item("a", 60), item("b", 40)), {"a": Measured(Share(1, 1))})
    assert (card.tenths, card.unmeasured, card.grade) == (600, 40, None)


def test_every_item_leads_to_its_records() -> None:
    card = score(template(item("a", 100)), {"a": Measured(Share(1, 1), ("job-1",))})
    assert card.scores[0].measured == Measured(Share(1, 1), ("job-1",))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"points": 99}, "add up to 99"),
        ({"area": "moon"}, "none of the standard's"),
        ({"floor": 1.0}, "floor and target must differ"),
        ({"weight": 1}, "unknown key 'weight'"),
        ({"points": 0.5}, "positive whole number"),
    ],
)
def test_a_template_that_does_not_fit_names_the_key(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ScorecardError, match=words):
        template(item("a", 100) | change)


def test_the_operators_own_template_fits_the_standard() -> None:
    table = tomllib.loads((ROOT / "config/quality/scorecard.toml").read_text(encoding="utf-8"))
    assert scorecard_template(table, 100, AREAS, GRADES).version
