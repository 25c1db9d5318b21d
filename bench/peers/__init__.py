"""Other solvers behind one face: ``solve(plain, seconds, seed, threads, work) -> Answer``.

Every peer gets the same matrix and the same rules as `bench.peers.plain.Plain` states them, and
answers with sequences of visits. Our own reference arithmetic times them, our own checker checks
them.
"""

from __future__ import annotations

import importlib
from types import ModuleType

PEERS = {
    "pyvrp": "bench.peers.pyvrp",
    "vroom": "bench.peers.vroom",
    "ortools": "bench.peers.ortools",
    "prototype": "bench.peers.prototype",
}
"""Module of each peer; imported only when the peer is asked for."""

THREADED = frozenset({"vroom"})
"""Peers that use several threads themselves."""

DETERMINISTIC = frozenset({"vroom", "ortools"})
"""Peers that give the same plan whatever the seed: one run is enough."""

CPU_BLIND = frozenset({"vroom", "ortools"})
"""Peers that can be told to stop after wall time only."""


class PeerMissing(Exception):
    """The peer is not installed here; the message says how to get it."""


def peer(name: str) -> ModuleType:
    """The adapter module of a peer; PeerMissing when what it wraps is not installed."""
    module = importlib.import_module(PEERS[name])
    module.require()
    return module
