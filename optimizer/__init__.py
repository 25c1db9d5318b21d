"""The dispatch engine: ``Problem -> solve -> Plan``, and an independent ``check``.

No web, no database: it is handed travel matrices and returns plans.
"""

from optimizer.check import CheckReport, Violation, check
from optimizer.plan import Plan, Reason, Route, SolverInfo, Step, Unassigned
from optimizer.problem import (
    UNREACHABLE,
    Break,
    Goal,
    Job,
    Location,
    Pin,
    Problem,
    Restock,
    Shift,
    Technician,
    Travel,
)
from optimizer.solve import Progress, Stop, Watch, solve

__all__ = [
    "UNREACHABLE",
    "Break",
    "CheckReport",
    "Goal",
    "Job",
    "Location",
    "Pin",
    "Plan",
    "Problem",
    "Progress",
    "Reason",
    "Restock",
    "Route",
    "Shift",
    "SolverInfo",
    "Step",
    "Stop",
    "Technician",
    "Travel",
    "Unassigned",
    "Violation",
    "Watch",
    "check",
    "solve",
]
