"""The slow, obvious reference of every clock: walk minute by minute and count what counts.

Nothing here is clever, so that anybody can read what a deadline is. `domain.clocks.allowance` must
find the same instants; tests hold it to that over drawn cases, and `walk_clock` over real history.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from domain.clocks.allowance import Pause
from domain.clocks.events import ClockEvent, EventKind, Proof

MINUTE = timedelta(minutes=1)


def standing(at: datetime, pauses: Sequence[Pause]) -> bool:
    """Whether the clock stands at an instant."""
    return any(began <= at and (ended is None or at < ended) for began, ended in pauses)


def due_elapsed(
    start: datetime, minutes: int, pauses: Sequence[Pause], limit: int
) -> datetime | None:
    """The instant at which so many minutes have passed in which the clock ran.

    Parameters
    ----------
    pauses
        On whole minutes from the start, or the answer is up to a minute off for each.
    limit
        How many minutes to walk; None is returned beyond it.
    """
    at, left = start.astimezone(UTC), minutes
    for _ in range(limit):
        if left == 0:
            return at
        left -= not standing(at, pauses)
        at += MINUTE
    return None


def due_days(
    start: datetime,
    days: int,
    zone: str,
    counts: Callable[[date], bool],
    pauses: Sequence[Pause],
    limit: int,
) -> datetime | None:
    """The last second of the n-th day that counts.

    A day counts when ``counts`` says so and its first minute finds the clock running. The day of
    the start does not.
    """
    wall = ZoneInfo(zone)
    at, left = start.astimezone(UTC).replace(second=0, microsecond=0), days
    today = at.astimezone(wall).date()
    for _ in range(limit):
        at += MINUTE
        day = at.astimezone(wall).date()
        if day == today:
            continue
        if left == 0:
            return at - timedelta(seconds=1)
        today = day
        if not standing(at, pauses):
            left -= counts(day)
    return None


def walk_clock(
    start: datetime,
    minutes: int,
    events: Iterable[ClockEvent],
    as_of: datetime,
    proofs: Collection[Proof] | None = None,
) -> list[tuple[str, datetime | None, str]]:
    """Kind, due and outcome of every deadline of a clock of elapsed time, found by walking.

    Pauses that have no end by ``as_of`` leave the excused deadline without an instant. Arrivals
    count when ``proofs`` has what shows them, or has confirmations and one came.
    """
    known = sorted((e for e in events if e.at <= as_of), key=lambda e: (e.at, e.id))
    gone = {e.target for e in known if e.kind is EventKind.WITHDRAWN}
    live = [e for e in known if e.id not in gone]
    met = [e for e in live if e.kind is EventKind.MET and _is_proven(e, live, proofs)][:1]
    called_off = [e for e in live if e.kind is EventKind.CANCELLED][:1]
    # Whoever stands at the door in the second of the cancellation has arrived.
    end = min(met + called_off, key=lambda e: e.at, default=None)
    pauses: list[Pause] = []
    stands_since: datetime | None = None
    for event in live:
        if end is not None and event.at > end.at:
            break
        if event.kind is EventKind.PAUSED and stands_since is None:
            stands_since = event.at
        if event.kind is EventKind.RESUMED and stands_since is not None:
            pauses.append((stands_since, event.at))
            stands_since = None
    if stands_since is not None:
        pauses.append((stands_since, None))
    stood = sum((e - b for b, e in pauses if e is not None), timedelta())
    limit = minutes + int(stood / MINUTE) + 2
    first = due_elapsed(start, minutes, [], minutes + 1)
    found: list[tuple[str, datetime | None, ClockEvent | None]] = [("first", first, None)]
    excused = due_elapsed(start, minutes, pauses, limit)
    if excused != first:
        found.append(("excused", excused, None))
    found += [("agreed", e.until, e) for e in live if e.kind is EventKind.POSTPONED]
    return [(kind, due, _outcome(due, asked, live, end, as_of)) for kind, due, asked in found]


def _is_proven(
    arrival: ClockEvent, live: Sequence[ClockEvent], proofs: Collection[Proof] | None
) -> bool:
    if proofs is None or arrival.proof is None:
        return True
    if arrival.proof in proofs:
        return True
    for event in live:
        if event.kind is EventKind.CONFIRMED and event.target == arrival.id:
            return Proof.CONFIRMED in proofs
    return False


def _outcome(
    due: datetime | None,
    asked: ClockEvent | None,
    live: Sequence[ClockEvent],
    end: ClockEvent | None,
    as_of: datetime,
) -> str:
    in_time = end is not None and (due is None or end.at <= due)
    if in_time and end is not None and end.kind is EventKind.MET:
        return "kept"
    for event in live:
        before_door = event.kind is EventKind.NO_ACCESS and due is not None and event.at <= due
        if before_door and (asked is None or event.at >= asked.at):
            return "attempted"
    if in_time:
        return "cancelled"
    return "missed" if due is not None and (end is not None or as_of > due) else "open"
