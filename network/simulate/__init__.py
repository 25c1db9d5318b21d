"""Weeks of demand through the real dispatcher: who is reached in time, and what it takes.

``load_scenario`` reads the JSON of ``docs/reference/scenario.schema.json``; ``simulate`` replays it
through `optimizer`, ``screen`` through a greedy rule in a fraction of a second, ``compare`` sets
outcomes side by side over common random numbers.
"""

from network.simulate.checkpoint import WrongCheckpoint
from network.simulate.compare import Comparison, compare
from network.simulate.intervals import Estimate
from network.simulate.outcome import ClassOutcome, Outcome, WorkOutcome
from network.simulate.reading import BadScenario, load_scenario, read_scenario
from network.simulate.run import Cancelled, Progress, simulate
from network.simulate.scenario import (
    Certificate,
    Demand,
    DemandClass,
    DemandPoint,
    Dispatch,
    Group,
    Noise,
    Outlet,
    Pause,
    Scenario,
    Travel,
    Turn,
    WorkKind,
)
from network.simulate.screening import screen
from network.simulate.tally import Replication, Work

__all__ = [
    "BadScenario",
    "Cancelled",
    "Certificate",
    "ClassOutcome",
    "Comparison",
    "Demand",
    "DemandClass",
    "DemandPoint",
    "Dispatch",
    "Estimate",
    "Group",
    "Noise",
    "Outcome",
    "Outlet",
    "Pause",
    "Progress",
    "Replication",
    "Scenario",
    "Travel",
    "Turn",
    "Work",
    "WorkKind",
    "WorkOutcome",
    "WrongCheckpoint",
    "compare",
    "load_scenario",
    "read_scenario",
    "screen",
    "simulate",
]
