"""A visit is called off: its route without it, and places for what the gap breaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from optimizer.desk.leaving import kept_in_order, shortened
from optimizer.desk.model import Places
from optimizer.desk.repair import Tails, homeless_visit, redistribute
from optimizer.desk.standing import Standing
from optimizer.plan import Route
from optimizer.problem import Job, Problem


def without_visit(
    after: Problem,
    places: Places,
    stands: Sequence[Standing],
    tails: Mapping[int, tuple[str, ...]],
    routes: Mapping[int, Route | None],
    starts: Mapping[str, int],
    jobs: Mapping[str, Job],
    job_id: str,
    on: Sequence[int],
    *,
    seed: int,
    blind: frozenset[tuple[str, str]] = frozenset(),
) -> tuple[Tails, dict[int, Route | None]]:
    """New tails and routes of the shifts that change when ``job_id`` leaves those of ``on``.

    Parameters
    ----------
    after
        The problem without the job.
    jobs
        The jobs by name, the one that goes included.
    """
    changed: Tails = {r: tuple(name for name in tails[r] if name != job_id) for r in on}
    fresh = {
        r: shortened(after, stands[r], [jobs[name] for name in tail], routes[r], starts)
        for r, tail in changed.items()
    }
    for r, tail in tuple(changed.items()):
        if (
            tail and not stands[r].closed and fresh[r] is None
        ):  # a setup that it spared the next one comes back
            kept = kept_in_order(after, stands[r], [jobs[name] for name in tail], starts)
            changed[r] = kept
            fresh[r] = stands[r].timed(after, [jobs[name] for name in kept], starts)
            found = redistribute(
                after,
                places,
                stands,
                {**tails, r: kept},
                starts,
                [homeless_visit(jobs[name], None) for name in tail if name not in kept],
                seed=seed,
                iterations=0,
                blind=blind,
            )
            changed.update(found[0])
            fresh.update(found[1])
    return changed, fresh
