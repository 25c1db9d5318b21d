"""What the desk says, in the words of people: names, job numbers, instants of the place."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.db.models import Job, Plan, Technician
from api.services.live_plans import Held
from api.services.regions import local_iso
from optimizer.desk import Move, Offer


class Names:
    """Looks up people and jobs once, when they are first needed."""

    def __init__(self, session: Session, held: Held, timezone: str) -> None:
        self._session, self._held, self._timezone = session, held, timezone
        self._people: dict[str, str] = {}
        self._numbers: dict[str, int] = {}

    def iso(self, second: int | None) -> str | None:
        """The instant of a second of the plan, with the offset of the place."""
        if second is None:
            return None
        return local_iso(self._held.epoch + timedelta(seconds=second), self._timezone)

    def person(self, technician_id: str | None) -> dict[str, Any] | None:
        """Id and name of a technician."""
        if technician_id is None:
            return None
        if not self._people:
            rows = self._session.execute(select(Technician.id, Technician.name))
            self._people = {str(row.id): row.name for row in rows}
        return {"id": technician_id, "name": self._people.get(technician_id, "")}

    def know(self, jobs: Sequence[str]) -> None:
        """Fetch these jobs' numbers in one go."""
        wanted = [UUID(name) for name in jobs if name not in self._numbers]
        if wanted:
            rows = self._session.execute(select(Job.id, Job.number).where(Job.id.in_(wanted)))
            self._numbers.update({str(row.id): row.number for row in rows})

    def number(self, job_id: str) -> int | None:
        """What people call the job on the phone."""
        self.know([job_id])
        return self._numbers.get(job_id)


def told_moves(moves: Sequence[Move], names: Names) -> list[dict[str, Any]]:
    """Every visit that a change moves, from where to where."""
    names.know([move.job for move in moves])
    return [
        {
            "job": move.job,
            "number": names.number(move.job),
            "from": names.person(move.old_technician),
            "to": names.person(move.new_technician),
            "old_arrival": names.iso(move.old_arrival_s),
            "new_arrival": names.iso(move.new_arrival_s),
            "old_start": names.iso(move.old_start_s),
            "new_start": names.iso(move.new_start_s),
        }
        for move in moves
    ]


def offer_view(offer: Offer, names: Names, plan: Plan, version: str, late_s: int) -> dict[str, Any]:
    """An offer as the API tells it."""
    names.know([*(move.job for move in offer.moves), *(kept.job for kept in offer.promises)])
    return {
        "technician": names.person(offer.technician),
        "crew": [
            {
                "technician": names.person(seat.technician),
                "shift": seat.shift,
                "position": seat.position,
                "arrival": names.iso(seat.arrival_s),
                "start": names.iso(seat.start_s),
                "end": names.iso(seat.end_s),
            }
            for seat in offer.crew
        ],
        "shift": offer.shift,
        "day": plan.day.isoformat(),
        "version": version,
        "position": offer.position,
        "arrival": names.iso(offer.arrival_s),
        "start": names.iso(offer.start_s),
        "end": names.iso(offer.end_s),
        "late_s": late_s,
        "effect": dict(offer.effect),
        "moves": told_moves(offer.moves, names),
        "ejections": [
            {
                "job": out.job,
                "number": names.number(out.job),
                "from": names.person(out.from_technician),
                "to": names.person(out.to_technician),
            }
            for out in offer.ejections
        ],
        "promises": [
            {
                "job": kept.job,
                "number": names.number(kept.job),
                "window": [names.iso(edge) for edge in kept.window],
                "old_start": names.iso(kept.old_start_s),
                "new_start": names.iso(kept.new_start_s),
                "old_spare_s": kept.old_spare_s,
                "new_spare_s": kept.new_spare_s,
            }
            for kept in offer.promises
        ],
    }
