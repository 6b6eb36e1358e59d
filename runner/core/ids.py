"""Identities: time-sortable run ids (UUIDv7, RFC 9562) and short ids derived from what a thing is."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from datetime import UTC, datetime, timedelta

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def uuid7(at: datetime, seed: str | None = None) -> str:
    """A UUIDv7 for the aware time `at`, as 36 characters.

    With a `seed` the same time and seed give the same id: a scheduled run's id follows from its occurrence, so two
    schedulers, or a rebuild, can't give one occurrence two runs.
    """
    milliseconds = (at - _EPOCH) // timedelta(milliseconds=1)
    tail = (
        hashlib.blake2b(seed.encode(), digest_size=10).digest()
        if seed is not None
        else secrets.token_bytes(10)
    )
    raw = bytearray(milliseconds.to_bytes(6, "big") + tail)
    raw[6] = (raw[6] & 0x0F) | 0x70
    raw[8] = (raw[8] & 0x3F) | 0x80
    return str(uuid.UUID(bytes=bytes(raw)))


def short_id(*parts: str) -> str:
    """Twelve characters (60 bits, Crockford base 32) that follow from `parts` alone.

    A case or problem keeps its id when the store is rebuilt, and an id can be read out on the telephone.
    """
    digest = hashlib.blake2b("\x1f".join(parts).encode(), digest_size=8).digest()
    number = int.from_bytes(digest, "big") >> 4
    return "".join(CROCKFORD[(number >> shift) & 31] for shift in range(55, -1, -5))
