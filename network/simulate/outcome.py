"""What a simulation answers: shares in time with intervals, work, cost, and how it was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from network.simulate.intervals import Estimate, mean_of, share_of
from network.simulate.scenario import Scenario
from network.simulate.tally import Replication, Work

FORMAT = "zhunda-outcome/1"
FEW = 10
"""With fewer replications, batches of days are the clusters of the intervals: of up to a week,
shorter where there would be less than about a dozen."""
_BATCHES, _LONGEST = 12, 7


@dataclass(frozen=True, slots=True)
class ClassOutcome:
    """A class of faults: share in time, overall and by district, and quantiles of the wait."""

    name: str
    arrival_hours: int
    target: float
    in_time: Estimate | None
    by_district: Mapping[str, Estimate]
    wait_h: Mapping[str, float]

    @property
    def met(self) -> bool | None:
        """Whether the share in time reaches the target; None without any fault."""
        return None if self.in_time is None else self.in_time.value >= self.target


@dataclass(frozen=True, slots=True)
class WorkOutcome:
    """A mean day's work: figures per counted day, shares of paid time."""

    utilisation: Estimate
    overtime_h: Estimate
    travel_h: Estimate
    distance_km: Estimate
    visits: Estimate
    cost_fen: Estimate

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {key: getattr(self, key).to_json() for key in self.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer of `simulate` (mode ``full``) or `screen` (mode ``screening``)."""

    scenario: str
    scenario_hash: str
    mode: str
    seed: int
    replications: tuple[Replication, ...]
    classes: tuple[ClassOutcome, ...]
    work: WorkOutcome
    outlets: Mapping[str, float]
    never_reached: int
    travel: str
    days: int
    seconds: float

    def share(self, name: str) -> float:
        """The share of a class in time; 1 without any fault of it."""
        found = next(each for each in self.classes if each.name == name)
        return 1.0 if found.in_time is None else found.in_time.value

    def shares(self, name: str) -> list[float]:
        """The share of a class in time, one per replication."""
        return [replication_share(each, name) for each in self.replications]

    def to_json(self) -> dict[str, Any]:
        """The object of ``docs/reference/outcome.schema.json``."""
        return {
            "format": FORMAT,
            "scenario": self.scenario,
            "scenario_hash": self.scenario_hash,
            "mode": self.mode,
            "seed": self.seed,
            "replications": len(self.replications),
            "days": self.days,
            "classes": {
                each.name: {
                    "arrival_hours": each.arrival_hours,
                    "target": each.target,
                    "met": each.met,
                    "in_time": None if each.in_time is None else each.in_time.to_json(),
                    "per_replication": [round(x, 5) for x in self.shares(each.name)],
                    "wait_h": dict(each.wait_h),
                    "districts": {
                        name: estimate.to_json() for name, estimate in each.by_district.items()
                    },
                }
                for each in self.classes
            },
            "per_day": self.work.to_json(),
            "outlet_utilisation": {name: round(x, 4) for name, x in self.outlets.items()},
            "never_reached": self.never_reached,
            "travel": self.travel,
            "solver": {"seconds": round(self.seconds, 2)},
        }


def replication_share(replication: Replication, name: str) -> float:
    """Share of a class in time in one replication; 1 without any fault of it."""
    counts = [value for key, value in replication.cells.items() if key[0] == name]
    n = sum(each for each, _ in counts)
    return sum(kept for _, kept in counts) / n if n else 1.0


def outcome_of(
    scenario: Scenario, mode: str, seed: int, replications: Sequence[Replication], seconds: float
) -> Outcome:
    """Put replications together."""
    ordered = tuple(sorted(replications, key=lambda each: each.number))
    classes = []
    for each in scenario.classes:
        by_district = {
            district: found
            for district in scenario.districts
            if (found := share_of(clusters(ordered, each.name, district, scenario.days)))
            is not None
        }
        classes.append(
            ClassOutcome(
                each.name,
                each.arrival_hours,
                each.target,
                share_of(clusters(ordered, each.name, None, scenario.days)),
                by_district,
                _waits(ordered, each.name),
            )
        )
    outlets = {}
    for outlet in scenario.outlets:
        total = sum((one.work[outlet.id] for one in ordered), Work())
        outlets[outlet.id] = _utilisation(total)
    return Outcome(
        scenario.name, scenario.content_hash, mode, seed, ordered, tuple(classes),
        _work(scenario, ordered), outlets, sum(each.never for each in ordered),
        scenario.travel.source, scenario.days, seconds,
    )  # fmt: skip


def clusters(
    replications: Sequence[Replication], name: str, district: str | None, days: int
) -> list[tuple[int, int]]:
    """(faults, in time) of each replication, or of each batch of its days, in their order."""
    batch = min(_LONGEST, max(1, len(replications) * days // _BATCHES))
    if len(replications) >= FEW:
        batch = days
    found = {
        (each.number, number): (0, 0)
        for each in replications
        for number in range(-(-days // batch))
    }
    for each in replications:
        for (job_class, where, day), (n, kept) in each.cells.items():
            if job_class == name and district in (None, where):
                old = found[each.number, day // batch]
                found[each.number, day // batch] = (old[0] + n, old[1] + kept)
    return list(found.values())


def _waits(replications: Sequence[Replication], name: str) -> dict[str, float]:
    rows = [each.waits_h[name] for each in replications if name in each.waits_h]
    if not rows:
        return {}
    return {
        label: round(sum(row[k] for row in rows) / len(rows), 2)
        for k, label in enumerate(("p50", "p90", "p99"))
    }


def _utilisation(work: Work) -> float:
    worked = work.paid_s + work.overtime_s
    return (work.service_s + work.travel_s) / worked if worked else 0.0


def _work(scenario: Scenario, replications: Sequence[Replication]) -> WorkOutcome:
    totals = [sum(each.work.values(), Work()) for each in replications]
    days = scenario.days
    return WorkOutcome(
        mean_of([_utilisation(total) for total in totals]),
        mean_of([total.overtime_s / 3600 / days for total in totals]),
        mean_of([total.travel_s / 3600 / days for total in totals]),
        mean_of([total.distance_m / 1000 / days for total in totals]),
        mean_of([total.visits / days for total in totals]),
        mean_of([total.cost_fen / days for total in totals]),
    )
