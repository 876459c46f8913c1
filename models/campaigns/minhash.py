"""Lockstep: find accounts whose sets of (track, hour) overlap, without comparing every pair.

MinHash (Broder 1997): the share of equal minima under random hash functions estimates the Jaccard similarity of two
sets. Banding (Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, ch. 3): only accounts that agree in all rows
of a band are compared, and those exactly.
"""

from collections.abc import Iterator
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from runtime.arrays import Ints

Hashes = NDArray[np.uint64]

BANDS, ROWS = 64, 2
"""Pairs of similarity s are compared with probability 1 - (1 - s^ROWS)^BANDS: .47 at .1, .93 at .2, 1 at .4."""
MAX_BUCKET = 50
"""Where more accounts agree in a band, each is compared with the next one only, not with all."""


def signatures(
    account: Ints, token: Ints, accounts: int, rng: np.random.Generator, hashes: int = BANDS * ROWS
) -> Hashes:
    """Return MinHash signatures, shape (accounts, hashes), of the sets given as rows (account, token).

    An account without tokens has the largest number in every column. The hash functions are splitmix64 of token XOR a
    random number, one number per function.
    """
    order = np.argsort(account, kind="stable")
    owner, mixed = account[order], _mix(token[order].astype(np.uint64))
    signature = np.full((accounts, hashes), np.iinfo(np.uint64).max, dtype=np.uint64)
    if not len(owner):
        return signature
    begins = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]])
    for column, offset in enumerate(rng.integers(1, 2**63, hashes, dtype=np.uint64)):
        signature[owner[begins], column] = np.minimum.reduceat(_mix(mixed ^ offset), begins)
    return signature


def _mix(x: Hashes) -> Hashes:
    """Mix bits as splitmix64 does (Steele, Lea and Flood 2014); the products overflow on purpose."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def candidate_pairs(signature: Hashes, bands: int = BANDS) -> set[tuple[int, int]]:
    """Return pairs of accounts that agree in all rows of a band; accounts without tokens are in none."""
    rows = signature.shape[1] // bands
    filled = np.flatnonzero(signature[:, 0] != np.iinfo(np.uint64).max)
    pairs: set[tuple[int, int]] = set()
    for band in range(bands):
        keys = np.zeros(len(filled), dtype=np.uint64)
        for row in range(rows):
            keys = _mix(keys ^ signature[filled, band * rows + row])
        for bucket in _buckets(filled[np.argsort(keys, kind="stable")], np.sort(keys)):
            close = combinations(bucket, 2) if len(bucket) <= MAX_BUCKET else pairwise(bucket)
            pairs.update((min(pair), max(pair)) for pair in close)
    return pairs


def _buckets(accounts: Ints, keys: Hashes) -> Iterator[list[int]]:
    """Yield the accounts of each key that at least two accounts have; both arrays are in order of the keys."""
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
    account: Ints,
    token: Ints,
    accounts: int,
    rng: np.random.Generator,
    min_similarity: float,
    min_common: int = 1,
) -> list[tuple[int, int, float]]:
    """Return pairs of accounts with at least `min_similarity`, each with its exact Jaccard similarity.

    The rows (account, token) are distinct. Pairs with fewer than `min_common` tokens in common are left out: where two
    accounts played little, one common hit makes them similar.
    """
    order = np.lexsort((token, account))
    account, token = account[order], token[order]
    begin = np.searchsorted(account, np.arange(accounts + 1))
    pairs = []
    for one, other in sorted(candidate_pairs(signatures(account, token, accounts, rng))):
        sizes = begin[one + 1] - begin[one] + begin[other + 1] - begin[other]
        similarity = jaccard(token[begin[one] : begin[one + 1]], token[begin[other] : begin[other + 1]])
        common = similarity * sizes / (1 + similarity)
        if similarity >= min_similarity and common > min_common - 0.5:
            pairs.append((one, other, similarity))
    return pairs
