"""A planner's scenario from frozen question to answer: place outlets, staff them, replay the weeks.

``read_question`` understands and refuses, ``answer`` computes, ``compare_answers`` sets answers
side by side, ``maps`` draws them as GeoJSON. All in plain JSON, so that a record can keep it.
"""

from network.scenarios.answer import Answering, Told, answer
from network.scenarios.comparing import CannotCompare, compare_answers
from network.scenarios.maps import LAYERS, layer
from network.scenarios.placing import CannotPlan, refuse_impossible
from network.scenarios.question import (
    Question,
    Site,
    SitingOrder,
    StaffingOrder,
    Standing,
    read_question,
)

__all__ = [
    "LAYERS",
    "Answering",
    "CannotCompare",
    "CannotPlan",
    "Question",
    "Site",
    "SitingOrder",
    "StaffingOrder",
    "Standing",
    "Told",
    "answer",
    "compare_answers",
    "layer",
    "read_question",
    "refuse_impossible",
]
