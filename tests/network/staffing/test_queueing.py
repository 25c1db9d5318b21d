"""The queueing guess against closed forms and against a simulated queue."""

from __future__ import annotations

import math

import pytest

from network.staffing import erlang_c, least_servers, waits_longer


def _by_the_book(servers: int, load: float) -> float:
    top = load**servers / math.factorial(servers) * servers / (servers - load)
    return top / (sum(load**k / math.factorial(k) for k in range(servers)) + top)


@pytest.mark.parametrize(("servers", "load"), [(1, 0.5), (3, 2.0), (10, 8.5), (40, 36.0)])
def test_erlang_c_is_the_textbook_sum(servers: int, load: float) -> None:
    assert erlang_c(servers, load) == pytest.approx(_by_the_book(servers, load))


def test_a_queue_without_room_makes_everybody_wait() -> None:
    assert erlang_c(3, 3.0) == 1.0
    assert waits_longer(3, 3.5, 100.0, 1e9, 1.0, 1.0) == 1.0


def test_clocks_of_days_need_one_server_more_than_the_load() -> None:
    assert least_servers(7.4, 3600, 24 * 3600 * 10 / 24, 0.95) == 8


def test_the_tail_agrees_with_a_simulated_queue() -> None:
    import ciw

    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(rate=2.6)],
        service_distributions=[ciw.dists.Exponential(rate=1.0)],
        number_of_servers=[3],
    )
    ciw.seed(1)
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_time(6_000)
    waits = [
        record.waiting_time for record in simulation.get_all_records() if record.arrival_date > 200
    ]
    beyond = sum(wait > 2.0 for wait in waits) / len(waits)
    assert beyond == pytest.approx(waits_longer(3, 2.6, 1.0, 2.0, 1.0, 1.0), abs=0.08)
