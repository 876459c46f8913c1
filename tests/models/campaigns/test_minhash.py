"""MinHash estimates similarity; banding finds the similar pairs; the exact similarity decides."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.campaigns.minhash import candidate_pairs, jaccard, lockstep_pairs, signatures

HASHES = 64
TOKENS = st.sets(st.integers(0, 2**40), min_size=1, max_size=60)


def rows(*sets: set[int]) -> tuple[np.ndarray, np.ndarray]:
    account = [number for number, tokens in enumerate(sets) for _ in tokens]
    return np.array(account, dtype=np.int64), np.array([t for tokens in sets for t in sorted(tokens)], dtype=np.int64)


@settings(max_examples=20)
@given(one=TOKENS, other=TOKENS, shared=TOKENS)
def test_the_share_of_equal_minima_is_the_jaccard_similarity_within_its_error(
    one: set[int], other: set[int], shared: set[int]
) -> None:
    one, other = one | shared, other | shared
    signature = signatures(*rows(one, other), 2, np.random.default_rng(1), HASHES)
    exact = len(one & other) / len(one | other)
    # the mean of HASHES draws: five standard errors, and the rounding to 1 / HASHES
    assert abs((signature[0] == signature[1]).mean() - exact) <= 5 * np.sqrt(exact * (1 - exact) / HASHES) + 0.02
    assert jaccard(np.array(sorted(one)), np.array(sorted(other))) == exact


@settings(max_examples=10)
@given(tokens=TOKENS)
def test_equal_sets_have_equal_signatures_in_any_order(tokens: set[int]) -> None:
    account, token = rows(tokens, tokens)
    shuffled = np.random.default_rng(2).permutation(len(account))
    signature = signatures(account[shuffled], token[shuffled], 2, np.random.default_rng(1), 8)
    assert (signature[0] == signature[1]).all()


def test_an_account_without_plays_is_in_no_pair() -> None:
    signature = signatures(*rows({1, 2}, {1, 2}), 4, np.random.default_rng(1))
    assert candidate_pairs(signature) == {(0, 1)}


def test_pairs_in_lockstep_are_found_with_their_exact_similarity() -> None:
    rng = np.random.default_rng(3)
    crowd = [set(map(int, rng.integers(1000, 10**6, 50))) for _ in range(40)]
    twin = set(list(crowd[0])[:40]) | {1, 2, 3, 4}
    pairs = lockstep_pairs(*rows(*crowd, twin), 41, rng, min_similarity=0.1)
    assert [(one, other) for one, other, _ in pairs] == [(0, 40)]
    assert pairs[0][2] == len(crowd[0] & twin) / len(crowd[0] | twin)


def test_two_who_played_little_are_not_in_lockstep_by_one_hit() -> None:
    pair = rows({1, 2}, {1, 3})
    assert lockstep_pairs(*pair, 2, np.random.default_rng(1), min_similarity=0.1, min_common=5) == []
    full = rows(set(range(5)), set(range(5)))
    assert len(lockstep_pairs(*full, 2, np.random.default_rng(1), min_similarity=0.1, min_common=5)) == 1
