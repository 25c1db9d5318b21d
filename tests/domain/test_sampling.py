from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from api.services.packs import verify
from domain import sampling

POPULATION = {f"job-{number:03}": "urgent" if number % 4 == 0 else "normal" for number in range(80)}


def test_the_same_seed_draws_the_same_sample_and_another_seed_another() -> None:
    first = sampling.draw(b"seed", POPULATION, 12)
    shuffled = dict(sorted(POPULATION.items(), reverse=True))
    assert first == sampling.draw(b"seed", shuffled, 12)
    assert first != sampling.draw(b"Seed", POPULATION, 12)
    assert len(set(first)) == 12


def test_strata_get_places_in_proportion_to_their_sizes() -> None:
    drawn = sampling.draw(b"seed", POPULATION, 12)
    assert sum(POPULATION[one] == "urgent" for one in drawn) == 3
    assert sampling.shares({"a": 1, "b": 1, "c": 1}, 2) == {"a": 1, "b": 1, "c": 0}


def test_a_sample_larger_than_the_population_is_the_population() -> None:
    assert sampling.draw(b"seed", POPULATION, 500) == sorted(POPULATION)
    assert sampling.draw(b"seed", {}, 5) == []


def test_a_commitment_opens_with_its_seed_and_nonce_only() -> None:
    published = sampling.commitment(b"seed", b"nonce")
    assert sampling.opens(published, b"seed", b"nonce")
    assert not sampling.opens(published, b"seedn", b"once")
    assert not sampling.opens(published, b"seed", b"other")


def test_one_job_more_in_the_frozen_population_draws_another_sample() -> None:
    def drawn(population: dict[str, str]) -> list[str]:
        root = sampling.population_root(population)
        return sampling.draw(sampling.joint_seed(b"seed", b"nonce", root), population, 12)

    larger = POPULATION | {"job-999": "normal"}
    assert drawn(POPULATION) != [one for one in drawn(larger) if one != "job-999"]


@given(st.binary(max_size=40), st.integers(0, 90))
def test_the_offline_verifier_draws_what_we_draw(seed: bytes, count: int) -> None:
    assert verify.draw(seed, POPULATION, count) == sampling.draw(seed, POPULATION, count)
