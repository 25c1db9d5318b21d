"""Live dispatch: a plan held in memory that answers, within milliseconds, who could come when."""

from optimizer.desk.desk import Desk
from optimizer.desk.edit import EditReport
from optimizer.desk.offer import (
    DelayReport,
    Ejection,
    LateVisit,
    Move,
    NoRepair,
    Offer,
    OutageReport,
    Promise,
    Seat,
    StaleOffer,
)

__all__ = [
    "DelayReport",
    "Desk",
    "EditReport",
    "Ejection",
    "LateVisit",
    "Move",
    "NoRepair",
    "Offer",
    "OutageReport",
    "Promise",
    "Seat",
    "StaleOffer",
]
