"""Where outlets stand: p-median, coverage, set covering, p-center and capacitated location.

``load_problem`` reads the JSON of ``docs/reference/siting.schema.json``, ``solve`` answers it with
a proven bound, ``frontier`` answers it for every p or budget, ``check_answer`` trusts nobody.
"""

from network.siting.answer import Sites, Solver, Status
from network.siting.checker import check_answer
from network.siting.problem import (
    Backup,
    Candidate,
    CostIs,
    DemandPoint,
    Floor,
    KindTerms,
    Model,
    SiteKind,
    SiteStatus,
    SitingProblem,
    Stop,
)
from network.siting.reading import BadSiting, load_problem, read_problem
from network.siting.solve import NoPlanFound, frontier, solve

__all__ = [
    "Backup",
    "BadSiting",
    "Candidate",
    "CostIs",
    "DemandPoint",
    "Floor",
    "KindTerms",
    "Model",
    "NoPlanFound",
    "SiteKind",
    "SiteStatus",
    "Sites",
    "SitingProblem",
    "Solver",
    "Status",
    "Stop",
    "check_answer",
    "frontier",
    "load_problem",
    "read_problem",
    "solve",
]
