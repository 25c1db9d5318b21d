"""Time to search is not spent on compiling."""

from __future__ import annotations

from network.siting.countdown import Countdown
from network.siting.problem import Stop


def test_what_is_done_aside_costs_no_time() -> None:
    now = [100.0]

    def work() -> None:
        now[0] += 15.0

    countdown = Countdown(Stop(seconds=10.0), lambda: now[0])
    now[0] += 2.0
    countdown.aside(work)
    assert countdown.elapsed_s() == 2.0
    assert not countdown.over()
    now[0] += 8.0
    assert countdown.over()
