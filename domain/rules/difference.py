"""One history under two sets of rules: which outcomes change, and which clauses explain it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from domain.rules.rulebook import Ruling, TraceLine


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the rules make of one case.

    Parameters
    ----------
    figures
        The outcome, name by name, as text: deadlines, verdicts, remedies.
    rulings
        Every clause that had a say.
    trace
        The steps, line by line.
    """

    figures: Mapping[str, str]
    rulings: tuple[Ruling, ...]
    trace: tuple[TraceLine, ...]

    @property
    def unconfirmed(self) -> tuple[Ruling, ...]:
        """The clauses with a say that nobody has checked against their source."""
        return tuple(ruling for ruling in self.rulings if ruling.status == "unconfirmed")


@dataclass(frozen=True, slots=True)
class FigureChange:
    """A figure of an outcome before and after; ``""`` where there is none."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ClauseChange:
    """A clause that had a say in an outcome and differs; ``None`` where there is none."""

    key: str
    before: Ruling | None
    after: Ruling | None

    def __str__(self) -> str:
        return f"{self.key}: {_told(self.before)} → {_told(self.after)}"


@dataclass(frozen=True, slots=True)
class CaseChange:
    """A case whose outcome changes; without ``because`` the change is unexplained."""

    case: str
    figures: tuple[FigureChange, ...]
    because: tuple[ClauseChange, ...]
    trace_before: tuple[TraceLine, ...]
    trace_after: tuple[TraceLine, ...]


@dataclass(frozen=True, slots=True)
class DifferenceReport:
    """The whole comparison. ``by_clause`` counts changed cases for each clause that explains."""

    cases: int
    changed: tuple[CaseChange, ...]

    @property
    def unexplained(self) -> int:
        """Changed cases without a clause that explains them; 0, or there is a fault in a judge."""
        return sum(not change.because for change in self.changed)

    @property
    def by_clause(self) -> dict[str, int]:
        """For each clause that changed something, in how many cases."""
        counts = Counter(str(why) for change in self.changed for why in change.because)
        return dict(sorted(counts.items()))


def difference[Case](
    history: Iterable[tuple[str, Case]],
    before: Callable[[Case], Judgement],
    after: Callable[[Case], Judgement],
) -> DifferenceReport:
    """Judge every case twice and keep what differs, with the clauses that explain it."""
    count = 0
    changed = []
    for name, case in history:
        count += 1
        old, new = before(case), after(case)
        figures = _figures(old.figures, new.figures)
        if figures:
            changed.append(
                CaseChange(name, figures, _clauses(old, new), old.trace, new.trace),
            )
    return DifferenceReport(count, tuple(changed))


def _figures(old: Mapping[str, str], new: Mapping[str, str]) -> tuple[FigureChange, ...]:
    names = [*old, *(name for name in new if name not in old)]
    return tuple(
        FigureChange(name, old.get(name, ""), new.get(name, ""))
        for name in names
        if old.get(name, "") != new.get(name, "")
    )


def _clauses(old: Judgement, new: Judgement) -> tuple[ClauseChange, ...]:
    before = {ruling.key: ruling for ruling in old.rulings}
    after = {ruling.key: ruling for ruling in new.rulings}
    keys = [*before, *(key for key in after if key not in before)]
    return tuple(
        ClauseChange(key, before.get(key), after.get(key))
        for key in keys
        if _content(before.get(key)) != _content(after.get(key))
    )


def _content(ruling: Ruling | None) -> object:
    return None if ruling is None else (ruling.value, ruling.unit)


def _told(ruling: Ruling | None) -> str:
    if ruling is None:
        return "no rule"
    doubt = ", unconfirmed" if ruling.status == "unconfirmed" else ""
    return f"{ruling.value} {ruling.unit} ({ruling.version}{doubt})"
