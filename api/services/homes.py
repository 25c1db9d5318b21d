"""Which outlet somebody starts from on a day: an outlet that closes hands its people on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from api.db.models import Technician, Transfer


@dataclass(frozen=True, slots=True)
class Homes:
    """The transfers on record, by technician, in the order of their days."""

    transfers: Mapping[int, Sequence[Transfer]]

    def on(self, technician: Technician, day: date) -> UUID:
        """The outlet of a technician on a day, past or to come."""
        own = self.transfers.get(technician.number, ())
        for transfer in own:
            if day < transfer.day:
                return transfer.from_id
        return own[-1].to_id if own else technician.outlet_id

    def in_the_end(self, technician: Technician) -> UUID:
        """The outlet of a technician after every transfer that is decided."""
        return self.on(technician, date.max)


def homes(session: Session) -> Homes:
    """Who starts where from when on."""
    found: dict[int, list[Transfer]] = {}
    for transfer in session.scalars(select(Transfer).order_by(Transfer.day)):
        found.setdefault(transfer.technician_number, []).append(transfer)
    return Homes(found)
