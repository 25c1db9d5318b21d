"""What happens in the week: who reports what when, and what becomes of it. Seeded."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

import numpy as np

from api.services.regions import local_midnight
from network.demo import DemoRegion, make_demo_day
from network.demo.day import HOURLY, DemoFault


class Fate(StrEnum):
    """What becomes of a report."""

    PLAIN = "plain"
    ADDED_ITEM = "added_item"
    DECLINED_ITEM = "declined_item"
    WARRANTY = "warranty"
    NO_ACCESS = "no_access"
    PARTS = "parts"
    POSTPONED = "postponed"
    CANCELLED = "cancelled"
    REMOTE = "remote"
    DROP_IN = "drop_in"
    COMPLAINT = "complaint"
    COMES_BACK = "comes_back"


SHARES: dict[Fate, float] = {
    Fate.PLAIN: 0.44,
    Fate.ADDED_ITEM: 0.14,
    Fate.DECLINED_ITEM: 0.05,
    Fate.WARRANTY: 0.09,
    Fate.NO_ACCESS: 0.06,
    Fate.PARTS: 0.05,
    Fate.POSTPONED: 0.04,
    Fate.CANCELLED: 0.03,
    Fate.REMOTE: 0.03,
    Fate.DROP_IN: 0.02,
    Fate.COMPLAINT: 0.03,
    Fate.COMES_BACK: 0.02,
}

CHANNELS = ("phone", "web", "walk_in", "api", "sms", "wechat", "email")
CHANNEL_SHARES = (0.42, 0.22, 0.06, 0.10, 0.08, 0.08, 0.04)


@dataclass(frozen=True, slots=True)
class Scene:
    """One report of the story."""

    number: int
    reported_at: datetime
    channel: str
    fault: DemoFault
    fate: Fate
    rings_s: int


def make_story(
    region: DemoRegion, first_day: date, days: int, reports: int, seed: int
) -> list[Scene]:
    """The reports of ``days`` whole days, oldest first; equal arguments, equal story."""
    rng = np.random.default_rng(seed)
    per_day = np.full(days, reports // days)
    per_day[: reports - int(per_day.sum())] += 1
    hours = HOURLY / HOURLY.sum()
    fates, shares = list(SHARES), np.array(list(SHARES.values()))
    scenes: list[Scene] = []
    for number, count in enumerate(per_day):
        midnight = local_midnight(first_day + timedelta(days=number), region.timezone)
        # The demo's own faults, as of the day's end: real streets, real population.
        drawn = make_demo_day(
            region, midnight + timedelta(hours=23), seed=seed + number, faults=int(count)
        ).faults
        for fault in drawn[: int(count)]:
            minute = int(rng.choice(24, p=hours)) * 60 + int(rng.integers(60))
            scenes.append(
                Scene(
                    number=0,
                    reported_at=midnight.astimezone(UTC) + timedelta(minutes=minute),
                    channel=str(rng.choice(CHANNELS, p=CHANNEL_SHARES)),
                    fault=fault,
                    fate=fates[int(rng.choice(len(fates), p=shares / shares.sum()))],
                    rings_s=int(rng.gamma(2.0, 8.0)) + 2,
                )
            )
    scenes.sort(key=lambda scene: scene.reported_at)
    return [
        Scene(n, s.reported_at, s.channel, s.fault, s.fate, s.rings_s)
        for n, s in enumerate(scenes, start=1)
    ]


def counted(scenes: list[Scene]) -> dict[str, dict[str, int]]:
    """How many reports came by which door, and with which fate."""
    return {
        "channels": dict(Counter(scene.channel for scene in scenes)),
        "fates": dict(Counter(str(scene.fate) for scene in scenes)),
    }
