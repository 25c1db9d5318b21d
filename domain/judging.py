"""Judge a case by the rules of its place and day, or by those of any other day: the same facts in,
figures, clauses and a line-by-line trace out. What difference reports compare.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from domain.calendars import Calendar
from domain.clocks.allowance import Allowance
from domain.clocks.events import ClockEvent, EventKind, Proof
from domain.clocks.kinds import CLOCKS, ClockKind
from domain.clocks.run import ClockState, DeadlineKind, run_clock
from domain.complaints import ANSWERED, CONCLUDED, ComplaintEvent
from domain.rules.arrival import ArrivalPack, pack_in_force
from domain.rules.difference import Judgement
from domain.rules.keys import Unit
from domain.rules.packs import Status, lineage
from domain.rules.rulebook import Rulebook, Ruling, TraceLine
from domain.triage import triage
from domain.warranty import Entitlement, Purchase, entitlement


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a case is: its place in the hierarchy of laws, its zone, its working days."""

    place: str
    zone: str
    calendar: Calendar | None = None

    def day(self, instant: datetime) -> date:
        """The date on the wall."""
        return instant.astimezone(ZoneInfo(self.zone)).date()


@dataclass(frozen=True, slots=True)
class ArrivalCase:
    """A report and what happened to its clock."""

    product: str
    fault: str
    reported_at: datetime
    events: tuple[ClockEvent, ...] = ()
    dangers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ComplaintCase:
    """A complaint: its steps in order, and the pauses of its clock (testing)."""

    received_at: datetime
    steps: tuple[tuple[ComplaintEvent, datetime], ...] = ()
    events: tuple[ClockEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class WarrantyCase:
    """A purchase, its class of product, and the day on which the fault was reported."""

    product: str
    purchase: Purchase
    reported_on: date


def judge_arrival(
    case: ArrivalCase,
    packs: Iterable[ArrivalPack],
    setting: Setting,
    as_of: datetime,
    rules_on: date | None = None,
) -> tuple[Judgement, ClockState]:
    """Class, deadlines and verdicts of a report.

    Parameters
    ----------
    as_of
        Events after it have not happened yet.
    rules_on
        The day whose rules count; the day of the report when left out.

    Raises
    ------
    LookupError
        When no arrival rules were in force.
    """
    day = rules_on or setting.day(case.reported_at)
    pack = pack_in_force(packs, day, lineage(setting.place))
    decision = triage(case.product, case.fault, case.reported_at, pack, case.dangers)
    hours = pack.classes[decision.arrival_class].arrival_hours
    rulings = [
        _arrival_ruling(pack, "class", decision.arrival_class, Unit.NAMES, decision.rule),
        _arrival_ruling(
            pack, f"classes.{decision.arrival_class}.arrival_hours", hours, Unit.HOURS, ""
        ),
    ]
    if pack.proofs is not None and any(event.proof is not None for event in case.events):
        rulings.append(_arrival_ruling(pack, "arrival_proofs", pack.proofs, Unit.NAMES, ""))
    told = rulings[1].line(
        f"{case.product}, {case.fault}: {decision.arrival_class} by {decision.rule}, {hours} hours"
    )
    state = run_clock(
        case.reported_at,
        Allowance(hours, Unit.HOURS),
        case.events,
        as_of,
        rule=told,
        proofs=proofs_of(pack),
    )
    figures = {"class": decision.arrival_class, **clock_figures(state)}
    return Judgement(figures, tuple(rulings), state.trace), state


def proofs_of(pack: ArrivalPack) -> frozenset[Proof] | None:
    """What shows an arrival by a pack; None where it says nothing, and whatever is told counts."""
    return None if pack.proofs is None else frozenset(map(Proof, pack.proofs))


def _arrival_ruling(
    pack: ArrivalPack, key: str, value: int | str | tuple[str, ...], unit: Unit, article: str
) -> Ruling:
    content = (value,) if isinstance(value, str) else value
    # An arrival pack tells in words how binding it is; those that claim no more than a policy
    # or an example have not been confirmed by a law.
    status = Status.CONFIRMED if pack.status == "confirmed" else Status.UNCONFIRMED
    return Ruling(key, content, unit, status, pack.version, pack.place, pack.source, article)


def judge_clock(
    kind: ClockKind,
    started_at: datetime,
    events: Iterable[ClockEvent],
    rulebook: Rulebook,
    setting: Setting,
    as_of: datetime,
    rules_on: date | None = None,
    product: str = "",
) -> tuple[Judgement, ClockState]:
    """Deadlines and verdicts of any clock whose time is a clause of a pack.

    Raises
    ------
    CalendarError
        When working days are counted beyond the years that the calendar covers.
    """
    day = rules_on or setting.day(started_at)
    rules = rulebook.rules(kind.law, setting.place, day, product)
    ruling = rules.get(kind.key)
    rulings = [] if ruling is None else [ruling]
    allowance = told = None
    if ruling is not None:
        allowance = Allowance.of(ruling, setting.zone, setting.calendar)
        told = ruling.line(f"{kind.name}: {kind.stops} within {allowance} of {kind.starts}")
    if kind.pauses_by and (moving := rules.get(kind.pauses_by)) is not None:
        rulings.append(moving)
    state = run_clock(started_at, allowance, events, as_of, rule=told)
    return Judgement(clock_figures(state), tuple(rulings), _with_forecast(state, setting)), state


def _with_forecast(state: ClockState, setting: Setting) -> tuple[TraceLine, ...]:
    """The trace, with a line where it counts days off that nobody has announced yet."""
    calendar = setting.calendar
    ahead = [d.due_at for d in state.deadlines if d.due_at is not None]
    if calendar is None or not any(calendar.is_forecast(setting.day(due)) for due in ahead):
        return state.trace
    return (
        *state.trace,
        TraceLine(
            f"{calendar.name}: days off after {calendar.announced_until} are not announced yet",
            status=Status.UNCONFIRMED,
        ),
    )


def clock_figures(state: ClockState) -> dict[str, str]:
    """A clock's deadlines and verdicts by name, as text."""
    figures: dict[str, str] = {}
    agreed = 0
    for deadline in state.deadlines:
        name = str(deadline.kind)
        if deadline.kind is DeadlineKind.AGREED:
            agreed += 1
            name = f"{name} {agreed}"
        figures[f"{name} due"] = "" if deadline.due_at is None else deadline.due_at.isoformat()
        figures[f"{name} outcome"] = str(deadline.outcome)
    return figures


def judge_complaint(
    case: ComplaintCase,
    rulebook: Rulebook,
    setting: Setting,
    as_of: datetime,
    rules_on: date | None = None,
) -> tuple[Judgement, dict[str, ClockState]]:
    """Both clocks of a complaint; each appeal starts them again. Later steps are not seen.

    The law of the day on which the complaint (or the appeal) was received counts for its whole
    round.
    """
    figures: dict[str, str] = {}
    rulings: list[Ruling] = []
    trace: list[TraceLine] = []
    states: dict[str, ClockState] = {}
    taken = [(event, at) for event, at in case.steps if at <= as_of]
    for number, (received, steps) in enumerate(_rounds(case.received_at, taken), start=1):
        prefix = "" if number == 1 else f"appeal {number - 1} "
        day = rules_on or setting.day(received)
        answered = _first(steps, ANSWERED | CONCLUDED)
        accepted = _first(steps, frozenset({ComplaintEvent.ACCEPT}))
        parts = [("complaint_acceptance", received, answered)]
        if rulebook.rules("repair", setting.place, day).get("answer_within") is not None:
            # Where a place says that silence is deliberate delay, the first answer has its own.
            parts.append(("complaint_answer", received, steps[0][1] if steps else None))
        if accepted is not None:
            parts.append(("complaint_conclusion", accepted, _first(steps, CONCLUDED)))
        for name, start, end in parts:
            events = [*case.events, *_ended(name, end, _first(steps, _WITHDRAWN))]
            judgement, state = judge_clock(
                CLOCKS[name], start, events, rulebook, setting, as_of, day
            )
            short = prefix + name.removeprefix("complaint_")
            figures |= {f"{short} {key}": value for key, value in judgement.figures.items()}
            rulings += judgement.rulings
            trace += judgement.trace
            states[short] = state
    return Judgement(figures, tuple(rulings), tuple(trace)), states


_WITHDRAWN = frozenset({ComplaintEvent.WITHDRAW})


def _rounds(
    received_at: datetime, taken: Sequence[tuple[ComplaintEvent, datetime]]
) -> list[tuple[datetime, list[tuple[ComplaintEvent, datetime]]]]:
    rounds: list[tuple[datetime, list[tuple[ComplaintEvent, datetime]]]] = [(received_at, [])]
    for event, at in taken:
        if event is ComplaintEvent.APPEAL:
            rounds.append((at, []))
        else:
            rounds[-1][1].append((event, at))
    return rounds


def _first(
    steps: Sequence[tuple[ComplaintEvent, datetime]], kinds: frozenset[ComplaintEvent]
) -> datetime | None:
    return next((at for event, at in steps if event in kinds), None)


def _ended(name: str, met: datetime | None, withdrawn: datetime | None) -> list[ClockEvent]:
    found = []
    if met is not None:
        found.append(ClockEvent(f"{name}-met", EventKind.MET, met, "the desk"))
    if withdrawn is not None:
        found.append(
            ClockEvent(
                f"{name}-withdrawn", EventKind.CANCELLED, withdrawn, "the consumer", "withdrawn"
            )
        )
    return found


def judge_warranty(
    case: WarrantyCase,
    rulebook: Rulebook,
    setting: Setting,
    as_of: date | None = None,
    rules_on: date | None = None,
) -> tuple[Judgement, Entitlement]:
    """Remedies, free lines, warranty and loaner of a purchase.

    Parameters
    ----------
    as_of
        The day to judge; the day of the report when left out.
    rules_on
        The day whose rules count; the day of the report when left out.
    """
    law_day = rules_on or case.reported_on
    rules = [
        rulebook.rules(law, setting.place, law_day, case.product)
        for law in ("three-guarantees", "repair", "evidence")
    ]
    found = entitlement(case.purchase, rules[0], rules[1], rules[2], as_of or case.reported_on)
    figures = {
        "remedies": ", ".join(found.remedies),
        "free": ", ".join(sorted(found.free_kinds)),
        "warranty until": str(found.warranty_until or ""),
        "loaner due": str(found.loaner_due_on or ""),
        "operator proves until": str(found.proof_until or ""),
    }
    return Judgement(figures, found.rulings, found.trace), found
