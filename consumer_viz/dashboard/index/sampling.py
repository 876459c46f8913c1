"""Which accounts are reviewed beside the flagged ones, and which flagged ones without their score.

The draw depends on the account and the world's key alone: it does not change with time, score or who looks, and
nobody outside can tell whom it falls on.
"""

import hashlib

from contracts.verdicts import BLIND, BLIND_SHARE, BY_FLAG, RANDOM, RANDOM_SHARE


def case_id(user_id: str) -> str:
    """Name the case of an account: safe in addresses and file names, whatever the id holds.

    >>> case_id("u1")
    'c-92994d683f4e6ad5'
    """
    return f"c-{hashlib.blake2b(user_id.encode('utf-8', 'surrogatepass'), digest_size=8).hexdigest()}"


def draw(user_id: str, is_flagged: bool, key: bytes) -> tuple[str | None, float]:
    """Return (how the account comes to review, how likely one like it is to get there); (None, 0) where it does not."""
    digest = hashlib.blake2b(user_id.encode("utf-8", "surrogatepass"), digest_size=8, key=key[:64]).digest()
    chance = int.from_bytes(digest, "big") / 2**64
    if is_flagged:
        return (BLIND if chance < BLIND_SHARE else BY_FLAG), 1.0
    return (RANDOM, RANDOM_SHARE) if chance < RANDOM_SHARE else (None, 0.0)
