"""The first guess of how many heads it takes: a queue with travel in its service time.

The equations are numbered in ``docs/concepts/simulation.md``.
"""

from __future__ import annotations

import math


def erlang_c(servers: int, load: float) -> float:
    """Probability that a call waits (Erlang 1917), by the stable recursion of Erlang B.

    1 where the load is not below the number of servers.
    """
    if load <= 0.0:
        return 0.0
    if servers <= load:
        return 1.0
    blocked = 1.0
    for k in range(1, servers + 1):
        blocked = load * blocked / (k + load * blocked)
    share = load / servers
    return blocked / (1.0 - share * (1.0 - blocked))


def waits_longer(
    servers: int,
    load: float,
    service_s: float,
    limit_s: float,
    cv_arrival: float,
    cv_service: float,
) -> float:
    """P(wait > limit) of a G/G/c queue: an exponential tail behind Erlang C, stretched.

    Allen & Cunneen (Allen 1990, *Probability, Statistics, and Queueing Theory*, 2nd ed., 5.5) take
    the mean wait of M/M/c times (Ca² + Cs²)/2; the tail is stretched by the same factor.
    """
    if servers <= load:
        return 1.0
    stretch = max(1e-6, (cv_arrival**2 + cv_service**2) / 2)
    rate = (servers - load) / (service_s * stretch)
    return erlang_c(servers, load) * math.exp(-rate * max(0.0, limit_s))


def least_servers(
    load: float,
    service_s: float,
    limit_s: float,
    target: float,
    cv_arrival: float = 1.0,
    cv_service: float = 1.0,
) -> int:
    """The fewest servers with P(wait ≤ limit) ≥ target."""
    if not 0.0 <= target < 1.0:
        raise ValueError(f"target must be at least 0 and below 1, got {target}")
    servers = max(1, math.floor(load) + 1)
    while 1.0 - waits_longer(servers, load, service_s, limit_s, cv_arrival, cv_service) < target:
        servers += 1
    return servers
