"""Arrival clocks: elapsed hours from the report to the door, nights and holidays included.

The regulation counts the hours a consumer waits, not the hours somebody works, so there is no
calendar here: a clock is an aware instant plus hours. Which hours apply is data (see
`domain.rules`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


def require_aware(instant: datetime, name: str = "instant") -> datetime:
    """The instant in UTC.

    Raises
    ------
    ValueError
        When the datetime is naive: an instant without its zone is not an instant.
    """
    if instant.tzinfo is None or instant.utcoffset() is None:
        raise ValueError(f"{name} must carry its offset, got the naive {instant.isoformat()}")
    return instant.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class ArrivalClock:
    """From the report to the latest arrival that keeps the promise.

    ``reported_at`` and ``due_at`` are aware; both are kept in UTC. Arriving exactly at ``due_at``
    is in time.
    """

    reported_at: datetime
    due_at: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "reported_at", require_aware(self.reported_at, "reported_at"))
        object.__setattr__(self, "due_at", require_aware(self.due_at, "due_at"))
        if self.due_at < self.reported_at:
            raise ValueError(
                f"due_at {self.due_at.isoformat()} lies before reported_at "
                f"{self.reported_at.isoformat()}"
            )

    @staticmethod
    def start(reported_at: datetime, hours: int) -> ArrivalClock:
        """The clock of a report that must be answered at the door within so many elapsed hours."""
        if hours < 0:
            raise ValueError(f"hours must not be negative, got {hours}")
        reported = require_aware(reported_at, "reported_at")
        return ArrivalClock(reported, reported + timedelta(hours=hours))

    def elapsed_s(self, at: datetime) -> int:
        """Whole seconds from the report to ``at``; negative before the report."""
        return int((require_aware(at, "at") - self.reported_at).total_seconds() // 1)

    def slack_s(self, at: datetime) -> int:
        """Whole seconds left at ``at``, rounded down; negative when it is too late."""
        return int((self.due_at - require_aware(at, "at")).total_seconds() // 1)

    def in_time(self, arrival: datetime) -> bool:
        """Whether an arrival at this instant keeps the promise."""
        return require_aware(arrival, "arrival") <= self.due_at
