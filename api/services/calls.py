"""The telephone: every call with its instants, and how fast callers reached a human.

A day's figures are computed again from its log in the transaction of each change, so that what is
stored is what a replay gives.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session
from uuid_utils.compat import uuid7

from api.db.models import CallFigures, PhoneCall
from api.services.activity import record
from api.services.policies import policy_on
from api.services.refusals import Refusal
from api.services.regions import local_day, local_midnight, the_region
from api.services.telephones import normalised
from domain.clocks import Call, call_report

LOCK = 7003
STEPS = {"ring": "ring_at", "menu": "menu_at", "answer": "answer_at", "end": "end_at"}
CSV_COLUMNS = ("call_key", "caller", "line", "ring_at", "menu_at", "answer_at", "end_at")
LARGEST_CSV_ROWS = 20_000
CLOCK_ERROR = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class CallLog:
    """One call as somebody tells it whole."""

    call_key: str
    caller: str
    line: str
    ring_at: datetime
    menu_at: datetime | None
    answer_at: datetime | None
    end_at: datetime | None


def take_step(
    session: Session,
    call_key: str,
    step: str,
    at: datetime,
    caller: str,
    line: str,
    now: datetime,
) -> PhoneCall:
    """One message of a telephone exchange; they may come twice and in any order.

    Raises
    ------
    Refusal
        ``invalid`` when the instant lies in the future, or does not fit to the others of the call.
    """
    if at > now + CLOCK_ERROR:
        raise Refusal("invalid", "at lies in the future")
    session.execute(
        insert(PhoneCall)
        .values(id=uuid7(), call_key=call_key, source="webhook", line="", caller="")
        .on_conflict_do_nothing(index_elements=["call_key"])
    )
    call = session.scalars(
        select(PhoneCall).where(PhoneCall.call_key == call_key).with_for_update()
    ).one()
    days = _days_of(session, [call])
    column = STEPS[step]
    earlier = getattr(call, column)
    # The first ring counts, and the last end: an exchange may ring several desks.
    wanted = at if earlier is None else (max(earlier, at) if step == "end" else min(earlier, at))
    told = {name: getattr(call, name) for name in STEPS.values()} | {column: wanted}
    _check_order(told)
    setattr(call, column, wanted)
    call.caller = call.caller or _number(caller)
    call.line = call.line or line
    session.flush()
    renew(session, days | _days_of(session, [call]), now)
    if step in ("ring", "answer"):
        record(session, f"call_{step}", "call", call.id, line=call.line)
    return call


def _check_order(told: dict[str, datetime | None]) -> None:
    known = [(name, at) for name, at in told.items() if at is not None]
    for (early, before), (late, after) in pairwise(known):
        if after < before:
            raise Refusal("invalid", f"{late} lies before {early}")


def _number(caller: str) -> str:
    country = policy_on(datetime.now(UTC).date()).country
    return normalised(caller, country) or caller


def log_calls(
    session: Session,
    calls: Iterable[CallLog],
    source: str,
    actor_id: UUID | None,
    now: datetime,
) -> tuple[int, int]:
    """Write whole calls; one that is there already under its key stays as it is.

    Returns
    -------
    (int, int)
        How many are new, how many were there.

    Raises
    ------
    Refusal
        ``invalid`` when instants are out of order or in the future.
    """
    added: list[PhoneCall] = []
    known = 0
    for call in calls:
        instants = {name: getattr(call, name) for name in STEPS.values()}
        _check_order(instants)
        if call.ring_at > now + CLOCK_ERROR:
            raise Refusal("invalid", "ring_at lies in the future")
        fresh = session.scalar(
            insert(PhoneCall)
            .values(
                id=uuid7(),
                call_key=call.call_key,
                source=source,
                line=call.line,
                caller=_number(call.caller) if call.caller else "",
                agent_id=actor_id if source == "manual" else None,
                **instants,
            )
            .on_conflict_do_nothing(index_elements=["call_key"])
            .returning(PhoneCall)
        )
        if fresh is None:
            known += 1
        else:
            added.append(fresh)
    if added:
        renew(session, _days_of(session, added), now)
        record(
            session,
            "calls_logged",
            "call",
            added[0].id,
            actor_id=actor_id,
            count=len(added),
            source=source,
        )
    return len(added), known


def read_csv(raw: bytes) -> list[CallLog]:
    """Calls of a CSV file with a header row: ``call_key, caller, line, ring_at, …`` (ISO 8601).

    Raises
    ------
    Refusal
        ``invalid`` with every row that is wrong, by its line number; nothing is taken then.
    """
    try:
        reader = csv.DictReader(io.StringIO(raw.decode("utf-8-sig")))
        rows = list(reader)
    except (UnicodeDecodeError, csv.Error) as error:
        raise Refusal("invalid", f"not a CSV file in UTF-8: {error}") from None
    missing = [name for name in ("call_key", "ring_at") if name not in (reader.fieldnames or ())]
    unknown = [name for name in reader.fieldnames or () if name not in CSV_COLUMNS]
    if missing or unknown:
        raise Refusal("invalid", f"columns missing: {missing}, unknown: {unknown}")
    if len(rows) > LARGEST_CSV_ROWS:
        raise Refusal("too_large", f"a file may have up to {LARGEST_CSV_ROWS} calls")
    calls, wrong = [], {}
    for number, row in enumerate(rows, start=2):
        try:
            calls.append(_call_of(row))
        except (ValueError, Refusal) as error:
            wrong[str(number)] = str(error)
    if wrong:
        raise Refusal("invalid", f"{len(wrong)} rows are wrong, nothing was taken", rows=wrong)
    return calls


def _call_of(row: dict[str, Any]) -> CallLog:
    if None in row:
        raise ValueError("more values than columns")

    def instant(name: str) -> datetime | None:
        value = (row.get(name) or "").strip()
        if not value:
            return None
        found = datetime.fromisoformat(value)
        if found.tzinfo is None:
            raise ValueError(f"{name} needs its offset")
        return found

    ring = instant("ring_at")
    key = (row.get("call_key") or "").strip()
    if ring is None or not key:
        raise ValueError("call_key and ring_at are needed")
    call = CallLog(
        key[:200],
        (row.get("caller") or "").strip()[:40],
        (row.get("line") or "").strip()[:200],
        ring,
        instant("menu_at"),
        instant("answer_at"),
        instant("end_at"),
    )
    _check_order({name: getattr(call, name) for name in STEPS.values()})
    return call


def _days_of(session: Session, calls: Iterable[PhoneCall]) -> set[date]:
    zone = the_region(session).timezone
    return {local_day(call.ring_at, zone) for call in calls if call.ring_at is not None}


def renew(session: Session, days: Iterable[date], now: datetime) -> None:
    """Compute the figures of these days again and store them."""
    for day in sorted(days):
        session.execute(
            text("SELECT pg_advisory_xact_lock(:space, :day)"),
            {"space": LOCK, "day": day.toordinal()},
        )
        policy = policy_on(day)
        figures = replay(session, day)
        statement = insert(CallFigures).values(
            day=day, policy=policy.version, figures=figures, renewed_at=now
        )
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["day"],
                set_={
                    "policy": statement.excluded.policy,
                    "figures": statement.excluded.figures,
                    "renewed_at": statement.excluded.renewed_at,
                },
            )
        )


def replay(session: Session, day: date) -> dict[str, Any]:
    """The figures of a day from its call log alone: nearest-rank percentiles in whole seconds."""
    zone = the_region(session).timezone
    start = local_midnight(day, zone)
    end = local_midnight(day + timedelta(days=1), zone)
    calls = session.scalars(
        select(PhoneCall).where(PhoneCall.ring_at >= start, PhoneCall.ring_at < end)
    )
    log = [
        Call(call.ring_at, call.menu_at, call.answer_at, call.end_at)
        for call in calls
        if call.ring_at is not None
    ]
    return asdict(call_report(log, policy_on(day).call_target_s))
