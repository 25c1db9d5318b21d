"""Which rules keep a job out of which shifts, each judged on its own terms.

Rules without a clock (skills, parts, …) are judged each by itself. Rules with a clock are judged
one after the other on the technician's *empty* shift, those already found broken being lifted:
first whether there is a way, then whether the shift is long enough, then the windows, the pinned
start, ``after``, the other halves, the breaks. What would fit into the empty shift but not between
the present stops is ``full``. So lifting all the rules named always lets the job in, and none is
named that is not broken.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np

from optimizer.explain.clock import Ints
from optimizer.explain.companions import Companions
from optimizer.explain.question import CLOCK_RULES, Flags, Question
from optimizer.plan import Reason

STATIC_RULES = (
    "skills",
    "equipment",
    "parts",
    "allowed",
    "excluded",
    "pinned",
    "frozen",
    "capacity",
    "max_jobs",
    "after",
    "together",
    "crew",
)
"""Rules without a clock, in the order in which they are named."""

NO_SHIFT = "no_shift"
"""The technician (or everybody) has no shift to put the job into."""

RULES = (*STATIC_RULES, *(rule for rule in CLOCK_RULES if rule not in STATIC_RULES), NO_SHIFT)
"""Every name a `Reason.rule` may have."""


def broken_rules(question: Question, companions: Companions, shifts: Ints) -> dict[str, Flags]:
    """``bool[S]`` per rule that is broken somewhere; only the given shifts are judged."""
    asked = np.zeros(len(question.state.slots), np.bool_)
    asked[shifts] = True
    broken = {rule: rows & asked for rule, rows in question.static.items()}
    lift: Ints = np.zeros(len(asked), np.int64)
    pending = asked & ~question.fits(shifts, lift)
    open_bits = 0
    tied = "crew" if question.job.crew > 1 else "together"
    for rule in CLOCK_RULES:
        if rule not in ("together", "crew") or rule == tied:
            open_bits |= CLOCK_RULES[rule]
    for rule, bit in CLOCK_RULES.items():
        if not pending.any():
            break
        if rule in ("together", "crew") and rule != tied:
            continue
        open_bits &= ~bit
        if not _can_break(question, rule):
            continue
        if rule == "full":
            # without a rule lifted the answer is known from the first look
            asked_again = np.flatnonzero(pending & (lift != 0))
            bad = pending & ((lift == 0) | ~question.fits(asked_again, lift))
        else:
            before = question.fleet.clock.limit if rule == "window" else None
            bad = pending & ~question.fits(np.flatnonzero(pending), lift | open_bits, before)
        if bad.any():
            broken[rule] = broken.get(rule, np.zeros(len(asked), np.bool_)) | bad
            lift[bad] |= bit
    if companions.others and asked.any():
        alone = companions.missing(question, shifts, lift)
        if alone.any():
            broken[tied] = broken.get(tied, np.zeros(len(asked), np.bool_)) | alone
    return {rule: broken[rule] for rule in RULES if rule in broken and broken[rule].any()}


def _can_break(question: Question, rule: str) -> bool:
    job = question.job
    if rule == "window":
        return bool(job.time_windows) or job.release > 0
    if rule == "pinned":
        return question.pin_start is not None
    if rule == "after":
        return bool(job.after) or job.id in question.state.followers
    if rule in ("together", "crew"):
        return question.tied_start is not None
    return True


def reasons(question: Question, broken: Mapping[str, Flags]) -> tuple[Reason, ...]:
    """The rules, counted: technicians with at least one blocked shift, and blocked shifts."""
    who = question.fleet.who
    return tuple(
        Reason(
            rule,
            len(np.unique(who[rows])),
            _detail(question, rule, np.flatnonzero(rows)),
            int(rows.sum()),
        )
        for rule, rows in broken.items()
    )


def _detail(question: Question, rule: str, shifts: Ints) -> str:
    job, fleet, state = question.job, question.fleet, question.state
    one = int(fleet.who[shifts[0]]) if len(np.unique(fleet.who[shifts])) == 1 else None
    if rule == "skills":
        parts = []
        for skill, needed in job.skills.items():
            held = fleet.level(skill)
            if (held[fleet.who[shifts]] < needed).any():
                suffix = "" if one is None else f" (holds {held[one]})"
                parts.append(f"{skill} level {needed}{suffix}")
        return ", ".join(parts)
    if rule == "equipment":
        missing = [
            item for item in sorted(job.equipment) if not fleet.has(item)[fleet.who[shifts]].all()
        ]
        return ", ".join(missing)
    if rule == "parts":
        short = []
        for part, needed in sorted(job.parts.items()):
            left = fleet.left(part)
            if (left[fleet.who[shifts]] < needed).any():
                suffix = "" if one is None else f" ({max(0, int(left[one]))} left)"
                short.append(f"{needed} × {part}{suffix}")
        return ", ".join(short)
    if rule == "after":
        missing = [before for before in job.after if before not in state.visits]
        return f"not served: {', '.join(missing)}" if missing else ", ".join(job.after)
    if rule == "max_jobs":
        counts = sorted({int(fleet.max_jobs[shift]) for shift in shifts})
        return f"at most {' or '.join(map(str, counts))}"
    if rule == "crew":
        return f"{job.crew} at the same time"
    if rule == "together":
        group = state.partners.get(job.id, set())
        return f"with {', '.join(sorted(group - {job.id}))}"
    return ""


def smallest_blocking(
    question: Question, companions: Companions, broken: Mapping[str, Flags]
) -> tuple[str, ...]:
    """The fewest rules whose lifting lets the job into some shift as the plan stands.

    Tried by real insertion: of the rules broken at a shift those without a clock are all needed;
    of those with a clock every subset is tried, smaller ones first and, of the same size, those
    made of rules that are named. (A longer shift may do alone where a window and a full day are
    named, so that the answer may hold a rule that is not.)
    """
    count = len(question.state.slots)
    names = list(broken)
    table = np.array([broken[name] for name in names], np.bool_).reshape(len(names), count)
    best: tuple[str, ...] | None = None
    patterns, inverse = np.unique(table, axis=1, return_inverse=True)
    inverse = inverse.reshape(-1)
    for number in sorted(range(patterns.shape[1]), key=lambda k: int(patterns[:, k].sum())):
        mine = [name for row, name in enumerate(names) if patterns[row, number]]
        static = [name for name in mine if _is_static(question, name)]
        timed = [name for name in mine if name not in static]
        tied = "crew" if question.job.crew > 1 else "together"
        options = timed + [
            rule
            for rule in CLOCK_RULES
            if rule not in mine and _can_break(question, rule)
            and (rule not in ("crew", "together") or rule == tied)
        ]  # fmt: skip
        shifts = np.flatnonzero(inverse == number)
        for size in range(len(timed) + 1):
            if best is not None and len(static) + size >= len(best):
                break
            for lifted in combinations(options, size):
                if _lets_in(question, companions, shifts, (*static, *lifted)):
                    best = tuple(name for name in RULES if name in static or name in lifted)
                    break
            else:
                continue
            break
    return best or ()


def _is_static(question: Question, rule: str) -> bool:
    return rule in question.static or rule not in CLOCK_RULES


def _lets_in(
    question: Question, companions: Companions, shifts: Ints, lifted: tuple[str, ...]
) -> bool:
    lift: Ints = np.zeros(len(question.state.slots), np.int64)
    for rule in lifted:
        lift[shifts] |= CLOCK_RULES.get(rule, 0)
    fits = question.fits(shifts, lift)
    if not fits.any():
        return False
    if not companions.others or "crew" in lifted or "together" in lifted:
        return True
    where = np.flatnonzero(fits)
    return not bool(companions.missing(question, where, lift)[where].all())
