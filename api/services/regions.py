"""The dispatch region and its calendar day: which day a phone or a page means by "today"."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from api.db.models import Plan, Region, Shift, Technician, Visit
from api.services.refusals import Refusal


def the_region(session: Session) -> Region:
    """The region this installation serves.

    Raises
    ------
    Refusal
        ``not_found`` before one has been set up.
    """
    region = session.scalars(select(Region).order_by(Region.id).limit(1)).first()
    if region is None:
        raise Refusal("not_found", "no region has been set up yet")
    return region


def local_day(instant: datetime, timezone: str) -> date:
    """The date on the wall at an instant."""
    return instant.astimezone(ZoneInfo(timezone)).date()


def local_midnight(day: date, timezone: str) -> datetime:
    """The instant a day begins, with the offset of the place."""
    return datetime.combine(day, time(), tzinfo=ZoneInfo(timezone)).astimezone(ZoneInfo(timezone))


def shifts_ahead(session: Session, now: datetime, timezone: str) -> dict[date, list[Shift]]:
    """The shifts of today and of every later day, by day."""
    ahead: dict[date, list[Shift]] = {}
    for shift in session.scalars(
        select(Shift)
        .where(Shift.day >= local_day(now, timezone))
        .options(joinedload(Shift.technician).selectinload(Technician.certificates))
        .order_by(Shift.day, Shift.start_at, Shift.technician_number)
    ):
        ahead.setdefault(shift.day, []).append(shift)
    return ahead


def duty_days(ahead: dict[date, list[Shift]]) -> set[date]:
    """Days on which only a duty crew works: Sundays, holidays."""
    return {day for day, shifts in ahead.items() if all(shift.duty for shift in shifts)}


def planning_day(session: Session, now: datetime, timezone: str) -> date:
    """The working day to plan at ``now``: while half of a day's working time is left, that day.

    A day with a duty crew is planned with the working day after it. The date on the wall when no
    shift lies ahead.
    """
    ahead = shifts_ahead(session, now, timezone)
    duty = duty_days(ahead)
    begun = None
    for day, shifts in ahead.items():
        whole_s = sum((shift.end_at - shift.start_at).total_seconds() for shift in shifts)
        left_s = sum(
            max(0.0, (shift.end_at - max(now, shift.start_at)).total_seconds()) for shift in shifts
        )
        if left_s >= whole_s / 2 and day not in duty:
            return day
        if left_s > 0:
            begun = day
    return begun or local_day(now, timezone)


def lead_in(session: Session, day: date, now: datetime, timezone: str) -> list[Shift]:
    """Shifts before a working day that are planned with it, so that no clock runs out meanwhile.

    The duty crews between the working day before and this one; where that working day is today and
    a day off follows, also what is left of today. Never a shift with visits still to come that
    belong to the plan of another day.
    """
    ahead = shifts_ahead(session, now, timezone)
    duty = duty_days(ahead)
    today = local_day(now, timezone)
    before = [other for other in ahead if other < day]
    worked = max((other for other in before if other not in duty), default=None)
    rest_of_today = worked == today and (day - today).days > 1
    found = [
        shift
        for other in before
        if (rest_of_today and other == today) or (worked is None or other > worked)
        for shift in ahead[other]
        if shift.end_at > now
    ]
    taken = set(
        session.scalars(
            select(Visit.shift_id).where(
                Visit.shift_id.in_([shift.id for shift in found]),
                Visit.active,
                Visit.day != day,
                Visit.end_at > now,
            )
        )
    )
    return [shift for shift in found if shift.id not in taken]


def current_day(session: Session, now: datetime, timezone: str) -> date:
    """The day a page means by "today": the next that has a plan and is not over yet."""
    day = session.scalar(
        select(Plan.day)
        .join(Shift, Shift.day == Plan.day)
        .where(Plan.status != "superseded", Shift.end_at > now)
        .order_by(Plan.day)
        .limit(1)
    )
    return planning_day(session, now, timezone) if day is None else day


def utc_iso(instant: datetime) -> str:
    """An instant as ISO 8601 in UTC."""
    return instant.astimezone(UTC).isoformat(timespec="seconds")


def local_iso(instant: datetime, timezone: str) -> str:
    """An instant as ISO 8601 with the offset of the place."""
    return instant.astimezone(ZoneInfo(timezone)).isoformat(timespec="seconds")
