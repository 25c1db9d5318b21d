"""Clocks of the service: events in, state and trace out. Every rule is data, see `domain.rules`."""

from domain.clocks.arrival import ArrivalClock, require_aware

__all__ = ["ArrivalClock", "require_aware"]
