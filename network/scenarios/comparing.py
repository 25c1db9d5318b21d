"""Answers side by side: what differs from the first, with intervals over the same faults."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from network.simulate import Replication, Work
from network.simulate.intervals import difference_of, mean_of
from network.simulate.outcome import clusters

_ALIKE = {
    "demand_hash": "their demand",
    "days": "the days they count",
    "seed": "the seed",
    "mode": "the mode (full or screening)",
    "replications": "the number of replications",
}


class CannotCompare(ValueError):
    """The answers did not meet the same faults; one sentence says what differs."""


def compare_answers(
    answers: Sequence[tuple[str, Mapping[str, Any]]], *, stages: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """A row an answer: its figures, and what differs from the first row.

    Parameters
    ----------
    answers
        Names and answers (``zhunda-plan-answer/1``).
    stages
        For each answer ``before`` or ``after``; all ``after`` when left out.

    Raises
    ------
    CannotCompare
        When replication k of one did not meet the faults of replication k of the other.
    """
    stages = stages or ["after"] * len(answers)
    (first_name, first), *others = answers
    for name, other in others:
        for key, words in _ALIKE.items():
            if other[key] != first[key]:
                raise CannotCompare(
                    f"{name!r} and {first_name!r} cannot be compared: they differ in {words}."
                )
    days = int(first["days"])
    runs = [
        [Replication.from_json(one) for one in told[stage]["runs"]]
        for (_, told), stage in zip(answers, stages, strict=True)
    ]
    rows = []
    for (name, told), stage, own in zip(answers, stages, runs, strict=True):
        outcome = told[stage]
        rows.append(
            {
                "name": name,
                "stage": stage,
                "classes": {
                    each: {
                        "arrival_hours": figures["arrival_hours"],
                        "target": figures["target"],
                        "in_time": figures["in_time"],
                        "difference": difference_of(
                            clusters(runs[0], each, None, days), clusters(own, each, None, days)
                        ).to_json(),
                        "districts": {
                            district: {
                                "in_time": estimate,
                                "difference": difference_of(
                                    clusters(runs[0], each, district, days),
                                    clusters(own, each, district, days),
                                ).to_json(),
                            }
                            for district, estimate in figures["districts"].items()
                        },
                    }
                    for each, figures in outcome["classes"].items()
                },
                "per_day": outcome["per_day"],
                "difference_per_day": {
                    "utilisation": _paired(runs[0], own, _utilisation),
                    "cost_fen": _paired(runs[0], own, lambda work: work.cost_fen / days),
                },
                "heads": sum(
                    one["heads_before" if stage == "before" else "heads_after"]
                    for one in told["outlets"]
                ),
                "outlets": sum(
                    one["status"] == "kept"
                    or one["status"] == ("closed" if stage == "before" else "new")
                    for one in told["outlets"]
                ),
            }
        )
    return rows


def _utilisation(work: Work) -> float:
    worked = work.paid_s + work.overtime_s
    return (work.service_s + work.travel_s) / worked if worked else 0.0


def _paired(base: Sequence[Replication], other: Sequence[Replication], figure: Any) -> Any:
    pairs = zip(base, other, strict=True)
    return mean_of(
        [
            float(figure(sum(b.work.values(), Work())) - figure(sum(a.work.values(), Work())))
            for a, b in pairs
        ]
    ).to_json()
