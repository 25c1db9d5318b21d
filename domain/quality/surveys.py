"""What consumers say of the work, with those who say nothing told beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from domain.quality.shares import Share

SATISFIED = 4
"""From this mark of five on, somebody counts as satisfied."""
PROMOTER, DETRACTOR = 9, 6
"""Net promoter score: 9 and 10 speak well of us, 0 to 6 do not."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One consumer's answers.

    Parameters
    ----------
    satisfaction
        1 (not at all) to 5 (very).
    recommend
        0 to 10; None when the question was left out.
    solved
        Whether the fault is gone.
    conduct
        Courtesy, item by item: ``introduced``, ``on_time``, ``clean``, ``explained`` and the like.
    """

    satisfaction: int
    recommend: int | None
    solved: bool
    conduct: Mapping[str, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 1 <= self.satisfaction <= 5:
            raise ValueError(f"satisfaction is 1 to 5, got {self.satisfaction}")
        if self.recommend is not None and not 0 <= self.recommend <= 10:
            raise ValueError(f"recommend is 0 to 10, got {self.recommend}")


@dataclass(frozen=True, slots=True)
class SurveyFigures:
    """What the answers come to.

    ``satisfied_if_silent_are_not`` and ``…_are`` bound the share over everybody who was asked:
    the truth lies between, whatever those think who did not answer. ``net_promoter_score`` is -100
    to 100, None without answers.
    """

    answered: Share
    satisfied: Share
    satisfied_if_silent_are_not: Share
    satisfied_if_silent_are: Share
    solved: Share
    net_promoter_score: int | None
    conduct: Mapping[str, Share]


def survey_figures(asked: int, answers: Iterable[Answer]) -> SurveyFigures:
    """Figures over everybody who was asked, not only those who answered.

    Raises
    ------
    ValueError
        When there are more answers than were asked for.
    """
    found = list(answers)
    count = len(found)
    satisfied = sum(answer.satisfaction >= SATISFIED for answer in found)
    marks = [answer.recommend for answer in found if answer.recommend is not None]
    score = None
    if marks:
        balance = sum(mark >= PROMOTER for mark in marks) - sum(mark <= DETRACTOR for mark in marks)
        score = round(100 * balance / len(marks))
    items = sorted({item for answer in found for item in answer.conduct})
    return SurveyFigures(
        answered=Share(count, asked),
        satisfied=Share(satisfied, count),
        satisfied_if_silent_are_not=Share(satisfied, asked),
        satisfied_if_silent_are=Share(satisfied + asked - count, asked),
        solved=Share(sum(answer.solved for answer in found), count),
        net_promoter_score=score,
        conduct={
            item: Share(
                sum(answer.conduct.get(item, False) for answer in found),
                sum(item in answer.conduct for answer in found),
            )
            for item in items
        },
    )
