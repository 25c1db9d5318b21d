"""The ledger's mathematics: entries in canonical form, a keyed hash chain over them, and proofs.

Entry *n* has the link ``h(n) = SHA-256(tag ‖ h(n-1) ‖ entry(n))``: one changed, moved or missing
entry changes every later link. Each link carries ``HMAC-SHA-256(key, h(n))`` with a key that is
kept outside the database, so that who can write the database still cannot write a chain. Runs of
entries are sealed: a seal holds the root of the Merkle tree over its entries (RFC 6962, section
2.1), so that one entry can be shown to belong to the record without showing the others.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

GENESIS: Final = bytes(32)
"""The link before the first entry."""

_ENTRY: Final = b"zhunda-ledger-entry/1\n"
_SEAL: Final = b"zhunda-ledger-seal/1\n"
_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"


def canonical(value: Any) -> bytes:
    """A value as the one JSON text that stands for it: keys sorted, no spaces, UTF-8.

    Raises
    ------
    ValueError
        For NaN and infinities, which are not JSON.
    """
    text = json.dumps(
        value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    )
    return text.encode("utf-8")


def link(previous: bytes, entry: bytes) -> bytes:
    """The link of an entry behind another: 32 bytes."""
    return hashlib.sha256(_ENTRY + previous + entry).digest()


def mac(key: bytes, digest: bytes) -> bytes:
    """What only the holder of the key can put beside a link or a seal: 32 bytes."""
    return hmac.new(key, digest, hashlib.sha256).digest()


def key_name(key: bytes) -> str:
    """What tells one key from another and gives nothing away: 16 hexadecimal digits."""
    return hashlib.sha256(b"zhunda-ledger-key/1\n" + key).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the ledger as it is stored."""

    seq: int
    entry: bytes
    link: bytes
    mac: bytes


@dataclass(frozen=True, slots=True)
class Fault:
    """The first row that does not fit, and what does not fit about it."""

    seq: int
    what: str


class Chain:
    """Walks rows in order and stops at the first that does not follow from those before it.

    Parameters
    ----------
    key
        The ledger's key; without it, links are checked and MACs are not.
    seq, last
        Where to start: number and link of the row before the first.
    """

    def __init__(self, key: bytes | None, seq: int = 0, last: bytes = GENESIS) -> None:
        self.key = key
        self.seq = seq
        self.last = last

    def step(self, row: Row) -> Fault | None:
        """Take the next row; what is wrong with it, or None."""
        expected = self.seq + 1
        if row.seq != expected:
            return Fault(expected, f"row {expected} is missing: row {row.seq} follows")
        if link(self.last, row.entry) != row.link:
            return Fault(row.seq, f"row {row.seq} does not follow from the row before it")
        if self.key is not None and not hmac.compare_digest(mac(self.key, row.link), row.mac):
            return Fault(row.seq, f"row {row.seq} was not written with the ledger's key")
        self.seq, self.last = row.seq, row.link
        return None


def leaf(entry: bytes) -> bytes:
    """The Merkle leaf of an entry."""
    return hashlib.sha256(_LEAF + entry).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(_NODE + left + right).digest()


def _split(count: int) -> int:
    """The largest power of two below ``count``."""
    return 1 << ((count - 1).bit_length() - 1)


def merkle_root(leaves: Sequence[bytes]) -> bytes:
    """The root over leaves; of none, the hash of nothing (RFC 6962, section 2.1)."""
    level = list(leaves)
    if not level:
        return hashlib.sha256(b"").digest()
    # Pairing neighbours and carrying an odd one up builds the very tree of the RFC.
    while len(level) > 1:
        paired = [_node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = paired + level[len(level) - len(level) % 2 :]
    return level[0]


def merkle_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The nodes that lead from leaf ``index`` to the root (RFC 6962, section 2.1.1)."""
    if len(leaves) <= 1:
        return []
    split = _split(len(leaves))
    if index < split:
        return [*merkle_path(leaves[:split], index), merkle_root(leaves[split:])]
    return [*merkle_path(leaves[split:], index - split), merkle_root(leaves[:split])]


class Tree:
    """The same tree kept level by level, for many paths of one run of leaves."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.levels = [list(leaves)]
        while len(self.levels[-1]) > 1:
            level = self.levels[-1]
            paired = [_node(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
            self.levels.append(paired + level[len(level) - len(level) % 2 :])

    def path(self, index: int) -> list[bytes]:
        """The nodes that lead from leaf ``index`` to the root, as `merkle_path` tells them."""
        found = []
        for level in self.levels[:-1]:
            beside = index ^ 1
            if beside < len(level):
                found.append(level[beside])
            index //= 2
        return found


def root_of_path(found: bytes, index: int, count: int, path: Sequence[bytes]) -> bytes | None:
    """The root that a leaf and its path lead to; None when the path has the wrong length."""
    if count <= 1:
        return found if not path and index == 0 else None
    if not path:
        return None
    split = _split(count)
    *below, beside = path
    if index < split:
        left = root_of_path(found, index, split, below)
        return None if left is None else _node(left, beside)
    right = root_of_path(found, index - split, count - split, below)
    return None if right is None else _node(beside, right)


def seal_digest(previous: bytes, seal: bytes) -> bytes:
    """The digest of a seal (canonical JSON) behind another: seals are a chain of their own."""
    return hashlib.sha256(_SEAL + previous + seal).digest()


def links(entries: Iterable[bytes], last: bytes = GENESIS) -> list[bytes]:
    """The links of entries, in order, behind ``last``."""
    found = []
    for entry in entries:
        last = link(last, entry)
        found.append(last)
    return found
