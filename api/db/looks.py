"""Who looked at whose personal data, when and why."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Identity, Index, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Uuid

from api.db.base import Base


class Look(Base):
    """One request that showed personal data, or any request of somebody outside the firm.

    ``holder_id`` is a person's id or, for a consumer, the link's. ``subject`` says what
    ``subject_ids`` are: requests, a plan (all jobs of a day), a route sheet. ``why`` is what the
    viewer gave as a reason; empty where the route is the reason, as for a technician's own route.
    """

    __tablename__ = "look"
    __table_args__ = (
        Index("look_subject_ids_idx", "subject_ids", postgresql_using="gin"),
        Index("look_holder_id_idx", "holder_id", "seq"),
    )

    seq: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp())
    holder_id: Mapped[UUID]
    role: Mapped[str]
    route: Mapped[str]
    subject: Mapped[str]
    subject_ids: Mapped[list[UUID]] = mapped_column(ARRAY(Uuid))
    why: Mapped[str]
