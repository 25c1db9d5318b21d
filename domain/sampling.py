"""Samples that nobody picks: from a seed, the same one every time, by anyone who recomputes it.

Every member of a population gets the number ``SHA-256(tag ‖ seed ‖ id)``; the smallest numbers are
the sample. With strata, places are shared out in proportion to their sizes by largest remainders.

With a third party the seed comes from both sides (commit, then reveal). The assessor publishes
``commitment(seed, nonce)``; then the operator freezes the population and publishes its root; only
then is the seed revealed, and the sample is drawn from ``joint_seed(seed, nonce, root)``. Neither
could foresee it: the operator did not know the seed when it froze the population, the assessor did
not know the population when choosing the seed.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Final

from domain.ledger import leaf, merkle_root

_DRAW: Final = b"zhunda-sample/1\n"
_COMMIT: Final = b"zhunda-sample-commitment/1\n"
_JOINT: Final = b"zhunda-sample-joint/1\n"


def rank(seed: bytes, member: str) -> bytes:
    """The number that decides whether a member is drawn."""
    return hashlib.sha256(_DRAW + len(seed).to_bytes(2, "big") + seed + member.encode()).digest()


def shares(sizes: Mapping[str, int], count: int) -> dict[str, int]:
    """Places a stratum, in proportion to its size, by largest remainders (ties by name)."""
    total = sum(sizes.values())
    count = min(count, total)
    if total == 0:
        return dict.fromkeys(sizes, 0)
    places = {name: size * count // total for name, size in sizes.items()}
    left = count - sum(places.values())
    order = sorted(sizes, key=lambda name: (-(sizes[name] * count % total), name))
    for name in order[:left]:
        places[name] += 1
    return places


def draw(seed: bytes, population: Mapping[str, str], count: int) -> list[str]:
    """The sample.

    Parameters
    ----------
    population
        Member to stratum; one and the same stratum for all draws without strata.
    count
        How many; the whole population when it has no more.

    Returns
    -------
    list of str
        Members in ascending order of their ids.
    """
    strata: dict[str, list[str]] = {}
    for member, stratum in population.items():
        strata.setdefault(stratum, []).append(member)
    places = shares({name: len(members) for name, members in strata.items()}, count)
    drawn: list[str] = []
    for name, members in strata.items():
        members.sort(key=lambda member: (rank(seed, member), member))
        drawn += members[: places[name]]
    return sorted(drawn)


def population_root(population: Mapping[str, str]) -> bytes:
    """The Merkle root over a frozen population, member and stratum, in order of ids."""
    return merkle_root(
        [leaf(f"{member}\t{population[member]}".encode()) for member in sorted(population)]
    )


def commitment(seed: bytes, nonce: bytes) -> bytes:
    """What is published before: it binds to the seed and does not tell it."""
    return hashlib.sha256(_COMMIT + len(seed).to_bytes(2, "big") + seed + nonce).digest()


def opens(published: bytes, seed: bytes, nonce: bytes) -> bool:
    """Whether a revealed seed and nonce are the ones committed to."""
    return hmac.compare_digest(published, commitment(seed, nonce))


def joint_seed(seed: bytes, nonce: bytes, root: bytes) -> bytes:
    """The seed of the draw, from what each side committed to."""
    return hashlib.sha256(_JOINT + len(seed).to_bytes(2, "big") + seed + nonce + root).digest()
