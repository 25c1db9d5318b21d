"""Ed25519 signatures (RFC 8032), small and plain: for a few signatures a day, not for speed.

Here only to sign and to make keys; what is signed is checked by the offline verifier, which has its
own code for it, and by `verifies`.
"""

from __future__ import annotations

import hashlib
from typing import Final

# Curve25519 in twisted Edwards form (RFC 8032, section 5.1).
PRIME: Final = 2**255 - 19
ORDER: Final = 2**252 + 27742317777372353535851937790883648493
D: Final = -121665 * pow(121666, -1, PRIME) % PRIME
SQRT_MINUS_1: Final = pow(2, (PRIME - 1) // 4, PRIME)

Point = tuple[int, int, int, int]
"""Extended coordinates (X, Y, Z, T) with x = X/Z, y = Y/Z, xy = T/Z."""

ZERO: Final[Point] = (0, 1, 1, 0)


def _add(p: Point, q: Point) -> Point:
    """The sum of two points (section 5.1.4)."""
    a = (p[1] - p[0]) * (q[1] - q[0]) % PRIME
    b = (p[1] + p[0]) * (q[1] + q[0]) % PRIME
    c = 2 * p[3] * q[3] * D % PRIME
    d = 2 * p[2] * q[2] % PRIME
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % PRIME, g * h % PRIME, f * g % PRIME, e * h % PRIME


def _times(scalar: int, point: Point) -> Point:
    found = ZERO
    while scalar:
        if scalar & 1:
            found = _add(found, point)
        point = _add(point, point)
        scalar >>= 1
    return found


def _same(p: Point, q: Point) -> bool:
    return (p[0] * q[2] - q[0] * p[2]) % PRIME == 0 and (p[1] * q[2] - q[1] * p[2]) % PRIME == 0


def _x_of(y: int, odd: int) -> int | None:
    """The x of a y on the curve, of the wanted parity (section 5.1.3)."""
    if y >= PRIME:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, PRIME) % PRIME
    if square == 0:
        return None if odd else 0
    x = pow(square, (PRIME + 3) // 8, PRIME)
    if (x * x - square) % PRIME:
        x = x * SQRT_MINUS_1 % PRIME
    if (x * x - square) % PRIME:
        return None
    return PRIME - x if x & 1 != odd else x


def _base() -> Point:
    y = 4 * pow(5, -1, PRIME) % PRIME
    x = _x_of(y, 0)
    assert x is not None
    return x, y, 1, x * y % PRIME


BASE: Final = _base()


def _encoded(point: Point) -> bytes:
    inverse = pow(point[2], -1, PRIME)
    x, y = point[0] * inverse % PRIME, point[1] * inverse % PRIME
    return (y | (x & 1) << 255).to_bytes(32, "little")


def _decoded(text: bytes) -> Point | None:
    y = int.from_bytes(text, "little")
    odd, y = y >> 255, y & (1 << 255) - 1
    x = _x_of(y, odd)
    return None if x is None else (x, y, 1, x * y % PRIME)


def _integer(*parts: bytes) -> int:
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little")


def _expanded(seed: bytes) -> tuple[int, bytes]:
    digest = hashlib.sha512(seed).digest()
    scalar = int.from_bytes(digest[:32], "little")
    return scalar & (1 << 254) - 8 | 1 << 254, digest[32:]


def public_key(seed: bytes) -> bytes:
    """The public key of a secret seed; both have 32 bytes (section 5.1.5)."""
    return _encoded(_times(_expanded(seed)[0], BASE))


def is_key(public: bytes) -> bool:
    """Whether these bytes are a public key: 32 that encode a point of the curve, of large order.

    A point of small order is nobody's: signatures under it hold for almost any message.
    """
    point = _decoded(public) if len(public) == 32 else None
    return point is not None and not _same(_times(8, point), ZERO)


def sign(seed: bytes, message: bytes) -> bytes:
    """The signature of a message: 64 bytes (section 5.1.6)."""
    scalar, prefix = _expanded(seed)
    public = public_key(seed)
    nonce = _integer(prefix, message) % ORDER
    commitment = _encoded(_times(nonce, BASE))
    challenge = _integer(commitment, public, message) % ORDER
    return commitment + ((nonce + challenge * scalar) % ORDER).to_bytes(32, "little")


def verifies(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature is of this message by the holder of the key (section 5.1.7)."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, commitment = _decoded(public), _decoded(signature[:32])
    answer = int.from_bytes(signature[32:], "little")
    if key is None or commitment is None or answer >= ORDER:
        return False
    challenge = _integer(signature[:32], public, message) % ORDER
    return _same(_times(answer, BASE), _add(commitment, _times(challenge, key)))
