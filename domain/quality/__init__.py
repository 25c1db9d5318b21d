"""Quality as figures that anybody can recompute: surveys, repairs that hold, topics, scorecards."""

from domain.quality.repairs import RepairFacts, RepairFigures, repair_figures
from domain.quality.scorecard import (
    Card,
    Item,
    ItemScore,
    Measured,
    Scorecard,
    ScorecardError,
    score,
    scorecard_template,
)
from domain.quality.shares import Share
from domain.quality.surveys import Answer, SurveyFigures, survey_figures
from domain.quality.topics import Trend, trends

__all__ = [
    "Answer",
    "Card",
    "Item",
    "ItemScore",
    "Measured",
    "RepairFacts",
    "RepairFigures",
    "Scorecard",
    "ScorecardError",
    "Share",
    "SurveyFigures",
    "Trend",
    "repair_figures",
    "score",
    "scorecard_template",
    "survey_figures",
    "trends",
]
