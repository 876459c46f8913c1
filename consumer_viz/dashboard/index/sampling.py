"""Which accounts are reviewed at random although they are not flagged, and which flagged ones without their score.

The draw depends only on the account and the world's key. It does not change with time, score or analyst, and nobody
without the key can tell which accounts are drawn.
"""

import hashlib
from dataclasses import dataclass

from contracts.verdicts import BLIND, BLIND_SHARE, BY_FLAG, RANDOM, RANDOM_SHARE


def case_id(user_id: str) -> str:
    """Return the id of an account's case: safe in addresses and file names, whatever the account's id holds.

    >>> case_id("u1")
    'c-92994d683f4e6ad5'
    """
    return f"c-{hashlib.blake2b(user_id.encode('utf-8', 'surrogatepass'), digest_size=8).hexdigest()}"


@dataclass(frozen=True, slots=True)
class AutomaticReview:
    """Of accounts with a flagged session from this score, which are held before anybody decided, so many are drawn."""

    score: float
    share: float


def draw(user_id: str, is_flagged: bool, key: bytes, blind_share: float = BLIND_SHARE) -> tuple[str | None, float]:
    """Return how the account comes to review and with what probability; (None, 0) where it does not.

    `blind_share`: of the flagged accounts, how many are shown without their score.
    """
    digest = hashlib.blake2b(user_id.encode("utf-8", "surrogatepass"), digest_size=8, key=key[:64]).digest()
    chance = int.from_bytes(digest, "big") / 2**64
    if is_flagged:
        return (BLIND if chance < blind_share else BY_FLAG), 1.0
    return (RANDOM, RANDOM_SHARE) if chance < RANDOM_SHARE else (None, 0.0)
