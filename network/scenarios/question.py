"""What a planner asks, read from its frozen JSON.

The question holds a scenario of today (``zhunda-scenario/1`` without travel), candidate sites, what
may happen to standing outlets, how to site and how to staff, and one travel matrix over standing
outlets, candidates and demand points, in this order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.places import check_degrees
from network.simulate import BadScenario, Group, Scenario, Travel, read_scenario
from network.siting import Floor, Model, SiteKind, SiteStatus
from optimizer.formats.errors import ProblemError
from optimizer.formats.fields import Fields, array, finite, whole
from optimizer.problem import UNREACHABLE

FORMAT = "zhunda-plan-question/1"
MODELS = (Model.P_MEDIAN, Model.COVERAGE, Model.P_CENTER)
MOST_CANDIDATES = 500
MOST_NEW = 100
MOST_HIRED = 2000

_TOP = frozenset(
    {
        "format",
        "scenario",
        "candidates",
        "standing",
        "siting",
        "staffing",
        "openings",
        "travel",
        "assumed_weekdays",
    }
)
_SITE = frozenset({"id", "name", "address", "lat", "lon", "kind", "fixed_cost"})
_STANDING = frozenset({"name", "address", "record_id", "status"})
_SITING = frozenset({"model", "new_outlets", "open", "radius_s", "budget", "floors"})
_STAFFING = frozenset({"heads", "targets"})
_OPENING = frozenset({"skills", "roster", "cost_per_hour_fen", "cost_per_km_fen"})


@dataclass(frozen=True, slots=True)
class Site:
    """Where an outlet could be opened."""

    id: str
    name: str
    address: str
    lat: float
    lon: float
    kind: SiteKind = SiteKind.OWN
    fixed_cost: float = 0.0


@dataclass(frozen=True, slots=True)
class Standing:
    """An outlet of today: what people call it, its row in the record, and whether it may close."""

    name: str
    address: str
    record_id: str | None
    status: SiteStatus = SiteStatus.KEEP


@dataclass(frozen=True, slots=True)
class SitingOrder:
    """Which outlets shall be open.

    ``new_outlets``: so many of the candidates are opened; ``open``: so many are open in the end,
    standing ones included. One of the two is given, or the budget decides.
    """

    model: Model
    new_outlets: int | None
    open: int | None
    radius_s: float | None
    budget: float | None
    floors: tuple[Floor, ...]


@dataclass(frozen=True, slots=True)
class StaffingOrder:
    """How many to hire: ``heads`` on top of today's, or (None) as few as meet the targets."""

    heads: int | None


@dataclass(frozen=True, slots=True)
class Opening:
    """Somebody who could be hired: skills, roster, cost."""

    skills: Mapping[str, int]
    roster: str
    cost_per_hour_fen: int
    cost_per_km_fen: int

    def group(self, outlet: str, number: int) -> Group:
        """The opening at an outlet, without heads yet."""
        return Group(
            f"{outlet} / {'+'.join(sorted(self.skills))} / {self.roster} / {number}",
            outlet, self.roster, self.skills, 0, (), 1.0,
            self.cost_per_hour_fen, self.cost_per_km_fen,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Question:
    """Everything an answer needs, frozen; see the module's text.

    ``scenario`` is today: its travel covers standing outlets and demand points. ``travel`` covers
    standing outlets, candidates and demand points. ``assumed_weekdays`` are those whose rosters the
    record did not show; they say how far today is known and change nothing.
    """

    scenario: Scenario
    candidates: tuple[Site, ...]
    standing: Mapping[str, Standing]
    siting: SitingOrder | None
    staffing: StaffingOrder | None
    openings: tuple[Opening, ...]
    travel: Travel
    assumed_weekdays: tuple[str, ...] = ()

    @property
    def changes_anything(self) -> bool:
        """Whether there is a before and an after."""
        return self.siting is not None or self.staffing is not None

    def seconds_to_points(self) -> NDArray[np.float64]:
        """Seconds to each demand point (row) from each site (standing, then candidates)."""
        sites = len(self.scenario.outlets) + len(self.candidates)
        block = self.travel.durations_s[:sites, sites:].T.astype(np.float64)
        block[block >= UNREACHABLE] = np.inf
        return block

    def travel_of(self, rows: Sequence[int]) -> Travel:
        """The travel matrix of some sites (rows of `seconds_to_points`) and all demand points."""
        sites = len(self.scenario.outlets) + len(self.candidates)
        kept = [*rows, *range(sites, len(self.travel.durations_s))]
        chosen = np.ix_(kept, kept)
        return Travel(
            np.ascontiguousarray(self.travel.durations_s[chosen]),
            np.ascontiguousarray(self.travel.distances_m[chosen]),
            self.travel.source,
        )


def read_question(data: Any) -> Question:
    """Turn parsed JSON into a question.

    Raises
    ------
    network.simulate.BadScenario
        When anything is malformed, unknown or makes no sense; the message names the path.
    """
    try:
        return _question(data)
    except ProblemError as error:
        raise BadScenario(str(error)) from None


def _question(data: Any) -> Question:
    top = Fields(data, "", _TOP, ("format", "scenario", "travel"))
    if top.get("format") != FORMAT:
        raise ProblemError("format", f"must be {FORMAT!r}")
    candidates = tuple(_site(item, path) for path, item in top.items("candidates"))
    if len(candidates) > MOST_CANDIDATES:
        raise ProblemError("candidates", f"more than {MOST_CANDIDATES}")
    document = top.get("scenario")
    outlets = document.get("outlets") if isinstance(document, dict) else None
    points = (document.get("demand") or {}) if isinstance(document, dict) else {}
    sizes = [
        len(outlets) if isinstance(outlets, list) else 0,
        len(candidates),
        len(points.get("points") or []) if isinstance(points, dict) else 0,
    ]
    travel = _travel(top.get("travel"), sum(sizes))
    today = [*range(sizes[0]), *range(sizes[0] + sizes[1], sum(sizes))]
    kept = np.ix_(today, today)
    own = Travel(
        np.ascontiguousarray(travel.durations_s[kept]),
        np.ascontiguousarray(travel.distances_m[kept]),
        travel.source,
    )
    scenario = read_scenario(document, lambda _places: own)
    standing = _standing(top, scenario)
    names = [*standing, *(site.id for site in candidates)]
    for number, site in enumerate(candidates):
        if site.id in names[: len(standing) + number]:
            raise ProblemError(f"candidates[{number}].id", f"{site.id!r} stands here twice")
    question = Question(
        scenario,
        candidates,
        standing,
        _siting(top, scenario),
        _staffing(top),
        tuple(_opening(item, path, scenario) for path, item in top.items("openings")),
        travel,
        tuple(top.words("assumed_weekdays")),
    )
    if question.siting is None and any(
        one.status is not SiteStatus.KEEP for one in standing.values()
    ):
        raise ProblemError("siting", "is needed where outlets may or must close")
    if question.staffing is not None and not question.openings:
        raise ProblemError("openings", "say who could be hired: skills and roster")
    return question


def _site(value: object, path: str) -> Site:
    fields = Fields(value, path, _SITE, ("id", "lat", "lon"))
    lat, lon = (finite(fields.get(key), fields.at(key)) for key in ("lat", "lon"))
    try:
        check_degrees(lat, lon)
    except ValueError as error:
        raise ProblemError(path, str(error)) from None
    name = fields.text("id", "")
    cost = finite(fields.value.get("fixed_cost", 0.0), fields.at("fixed_cost"))
    if cost < 0:
        raise ProblemError(fields.at("fixed_cost"), f"must not be negative, got {cost:g}")
    return Site(
        name, fields.text("name", name), fields.text("address", "-"), lat, lon,
        _named(fields, "kind", SiteKind, SiteKind.OWN), cost,
    )  # fmt: skip


def _named[E](fields: Fields, key: str, names: type[E], default: E) -> E:
    value = fields.value.get(key)
    if value is None:
        return default
    try:
        return names(value)  # type: ignore[call-arg]  # every enum here takes its value
    except ValueError:
        allowed = ", ".join(str(one.value) for one in names)  # type: ignore[attr-defined]
        raise ProblemError(fields.at(key), f"must be one of {allowed}") from None


def _standing(top: Fields, scenario: Scenario) -> dict[str, Standing]:
    told = top.value.get("standing") or {}
    fields = Fields(told, "standing", frozenset(outlet.id for outlet in scenario.outlets))
    found = {}
    for outlet in scenario.outlets:
        one = Fields(fields.value.get(outlet.id) or {}, fields.at(outlet.id), _STANDING)
        status = _named(one, "status", SiteStatus, SiteStatus.KEEP)
        if status is SiteStatus.CANDIDATE:
            raise ProblemError(one.at("status"), "must be keep, may_close or must_close")
        found[outlet.id] = Standing(
            one.text("name", outlet.id),
            one.text("address", "-"),
            one.value.get("record_id"),
            status,
        )
    return found


def _siting(top: Fields, scenario: Scenario) -> SitingOrder | None:
    if top.get("siting") is None:
        return None
    fields = Fields(top.get("siting"), "siting", _SITING)
    model = _named(fields, "model", Model, Model.P_MEDIAN)
    if model not in MODELS:
        raise ProblemError("siting.model", f"must be one of {', '.join(MODELS)}")
    numbers = {
        key: None if fields.get(key) is None else whole(fields.get(key), fields.at(key), low, most)
        for key, low, most in (("new_outlets", 0, MOST_NEW), ("open", 1, MOST_CANDIDATES))
    }
    amounts = {}
    for key in ("radius_s", "budget"):
        value = None if fields.get(key) is None else finite(fields.get(key), fields.at(key))
        if value is not None and value < 0:
            raise ProblemError(fields.at(key), f"must not be negative, got {value:g}")
        amounts[key] = value
    if all(value is not None for value in numbers.values()):
        raise ProblemError("siting.open", "give new_outlets or open, not both")
    if all(value is None for value in numbers.values()):
        raise ProblemError("siting.new_outlets", "say how many outlets to open")
    floors = []
    for path, item in fields.items("floors"):
        one = Fields(item, path, frozenset({"district", "covered_share"}),
                     ("district", "covered_share"))  # fmt: skip
        share = finite(one.get("covered_share"), one.at("covered_share"))
        if not 0.0 <= share <= 1.0:
            raise ProblemError(one.at("covered_share"), f"must be between 0 and 1, got {share:g}")
        district = one.text("district", "")
        if district not in scenario.districts:
            raise ProblemError(one.at("district"), f"no demand point is in {district!r}")
        floors.append(Floor(district, share))
    if amounts["radius_s"] is None and (floors or model is Model.COVERAGE):
        raise ProblemError("siting.radius_s", "is needed for floors and for the coverage model")
    return SitingOrder(
        model, numbers["new_outlets"], numbers["open"], amounts["radius_s"], amounts["budget"],
        tuple(floors),
    )  # fmt: skip


def _staffing(top: Fields) -> StaffingOrder | None:
    if top.get("staffing") is None:
        return None
    fields = Fields(top.get("staffing"), "staffing", _STAFFING)
    heads = fields.get("heads")
    if heads is None:
        return StaffingOrder(None)
    return StaffingOrder(whole(heads, "staffing.heads", 0, MOST_HIRED))


def _opening(value: object, path: str, scenario: Scenario) -> Opening:
    fields = Fields(value, path, _OPENING, ("skills", "roster"))
    roster = fields.text("roster", "")
    if roster not in scenario.rosters:
        raise ProblemError(fields.at("roster"), f"there is no roster {roster!r}")
    return Opening(
        fields.counts("skills"),
        roster,
        fields.integer("cost_per_hour_fen"),
        fields.integer("cost_per_km_fen"),
    )


def _travel(value: object, count: int) -> Travel:
    fields = Fields(
        value, "travel", frozenset({"durations_s", "distances_m", "source"}),
        ("durations_s", "distances_m", "source"),
    )  # fmt: skip
    return Travel(
        _matrix(fields.get("durations_s"), "travel.durations_s", count),
        _matrix(fields.get("distances_m"), "travel.distances_m", count),
        fields.text("source", "given"),
    )


def _matrix(value: object, path: str, count: int) -> NDArray[np.int32]:
    rows = array(value, path)
    if len(rows) != count:
        raise ProblemError(path, f"has {len(rows)} rows for {count} places")
    matrix = np.empty((count, count), np.int32)
    for i, row in enumerate(rows):
        cells = array(row, f"{path}[{i}]")
        if len(cells) != count:
            raise ProblemError(f"{path}[{i}]", f"has {len(cells)} entries for {count} places")
        matrix[i] = [
            UNREACHABLE if cell is None else whole(cell, f"{path}[{i}][{j}]")
            for j, cell in enumerate(cells)
        ]
    return matrix


def matrix_to_json(values: NDArray[np.int32]) -> list[list[int | None]]:
    """A matrix as it stands in a question: None where there is no way."""
    return [[None if cell >= UNREACHABLE else cell for cell in row] for row in values.tolist()]
