"""Clocks of the service: events in, state and trace out. Every rule is data, see `domain.rules`."""

from domain.clocks.allowance import Allowance
from domain.clocks.arrival import ArrivalClock, require_aware
from domain.clocks.calls import Call, CallReport, call_report
from domain.clocks.events import ClockEvent, EventError, EventKind, Proof
from domain.clocks.forecast import Forecast, Risk, forecast
from domain.clocks.kinds import CLOCKS, ClockKind
from domain.clocks.run import ClockState, Deadline, DeadlineKind, Outcome, counting, run_clock

__all__ = [
    "CLOCKS",
    "Allowance",
    "ArrivalClock",
    "Call",
    "CallReport",
    "ClockEvent",
    "ClockKind",
    "ClockState",
    "Deadline",
    "DeadlineKind",
    "EventError",
    "EventKind",
    "Forecast",
    "Outcome",
    "Proof",
    "Risk",
    "call_report",
    "counting",
    "forecast",
    "require_aware",
    "run_clock",
]
