"""Lockstep: accounts whose sets of (track, hour) overlap, found without comparing every pair.

MinHash (Broder 1997): the share of equal minima under random hash functions estimates the Jaccard similarity of two
sets. Banding (Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, ch. 3): only accounts that agree in all rows
of some band are compared, and those exactly.
"""

from collections.abc import Iterator
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from runtime.arrays import Ints

Hashes = NDArray[np.uint64]

BANDS, ROWS = 64, 2
"""Pairs of similarity s are compared with probability 1 - (1 - s^ROWS)^BANDS: .47 at .1, .93 at .2, 1 at .4."""
LARGEST_BUCKET = 50
"""A band that more accounts agree in is compared along a chain only: neighbours, not all pairs."""


def signatures(
    account: Ints, token: Ints, accounts: int, rng: np.random.Generator, hashes: int = BANDS * ROWS
) -> Hashes:
    """Return MinHash signatures, shape (accounts, hashes), of the sets given as rows (account, token).

    An account without tokens has the largest number throughout. Tokens are spread by a multiplicative hash with a
    finaliser (splitmix64), one random odd offset a function.
    """
    order = np.argsort(account, kind="stable")
    owner, spread = account[order], _mix(token[order].astype(np.uint64))
    made = np.full((accounts, hashes), np.iinfo(np.uint64).max, dtype=np.uint64)
    if not len(owner):
        return made
    begins = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
    for column, offset in enumerate(rng.integers(1, 2**63, hashes, dtype=np.uint64)):
        made[owner[begins], column] = np.minimum.reduceat(_mix(spread ^ offset), begins)
    return made


def _mix(x: Hashes) -> Hashes:
    """Finalise as splitmix64 does (Steele, Lea and Flood 2014); wraps around on purpose."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def estimate(one: Hashes, other: Hashes) -> float:
    """Estimate the Jaccard similarity of two sets from their signatures."""
    return float((one == other).mean())


def candidates(made: Hashes, bands: int = BANDS) -> set[tuple[int, int]]:
    """Return pairs of accounts that agree in all rows of a band."""
    rows = made.shape[1] // bands
    filled = np.flatnonzero(made[:, 0] != np.iinfo(np.uint64).max)
    pairs: set[tuple[int, int]] = set()
    for band in range(bands):
        keys = np.zeros(len(filled), dtype=np.uint64)
        for row in range(rows):
            keys = _mix(keys ^ made[filled, band * rows + row])
        for bucket in _groups(filled[np.argsort(keys, kind="stable")], np.sort(keys)):
            close = combinations(bucket, 2) if len(bucket) <= LARGEST_BUCKET else pairwise(bucket)
            pairs.update((min(pair), max(pair)) for pair in close)
    return pairs


def _groups(accounts: Ints, keys: Hashes) -> Iterator[list[int]]:
    edges = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1], True])
    for low, high in pairwise(edges):
        if high - low > 1:
            yield [int(a) for a in accounts[low:high]]


def jaccard(one: Ints, other: Ints) -> float:
    """Return the exact Jaccard similarity of two sorted arrays of distinct tokens.

    >>> jaccard(np.array([1, 2, 3]), np.array([2, 3, 4]))
    0.5
    """
    both = len(np.intersect1d(one, other, assume_unique=True))
    return both / max(len(one) + len(other) - both, 1)


def lockstep_pairs(
    account: Ints, token: Ints, accounts: int, rng: np.random.Generator, least: float, least_common: int = 1
) -> list[tuple[int, int, float]]:
    """Return pairs of accounts with a Jaccard similarity of at least `least`, and the similarity, exact.

    Pairs with fewer than `least_common` tokens in common are left out: of two who played little one hit is much.

    Rows (account, token) are sets: each pair once.
    """
    order = np.lexsort((token, account))
    account, token = account[order], token[order]
    begin = np.searchsorted(account, np.arange(accounts + 1))
    found = []
    for one, other in sorted(candidates(signatures(account, token, accounts, rng))):
        sizes = begin[one + 1] - begin[one] + begin[other + 1] - begin[other]
        alike = jaccard(token[begin[one] : begin[one + 1]], token[begin[other] : begin[other + 1]])
        common = alike * sizes / (1 + alike)
        if alike >= least and common > least_common - 0.5:
            found.append((one, other, alike))
    return found
