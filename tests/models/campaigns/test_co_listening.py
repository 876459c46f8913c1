"""Evidence between accounts: a ring of accounts with the same odd tracks, among fans and everybody else."""

import numpy as np

from models.campaigns.co_listening import find_co_listening

PEOPLE, RING, TRACKS = 300, 8, 2000


def plays(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """People play 120 tracks each by popularity; the ring too, and its 10 targets 8 times each."""
    weights = 1 / np.arange(1, TRACKS + 1)
    user = np.repeat(np.arange(PEOPLE + RING), 120)
    track = rng.choice(TRACKS, size=len(user), p=weights / weights.sum())
    targets = TRACKS - 100 + np.arange(10)
    paid_user = np.repeat(PEOPLE + np.arange(RING), 80)
    paid_track = np.tile(np.repeat(targets, 8), RING)
    # a fan repeats one song that nobody else knows, and two friends share another one
    fan_user, fan_track = np.repeat([0, 1, 2], 30), np.repeat([TRACKS - 1, TRACKS - 2, TRACKS - 2], 30)
    return np.concatenate([user, paid_user, fan_user]), np.concatenate([track, paid_track, fan_track])


def test_a_ring_that_hides_among_hits_is_one_tight_group_and_fans_are_in_none() -> None:
    user, track = plays(np.random.default_rng(3))
    found = find_co_listening(user, track, np.ones_like(user), PEOPLE + RING)
    ring = slice(PEOPLE, PEOPLE + RING)
    assert found.core[ring].tolist() == [RING - 1] * RING
    assert found.tightness[ring].min() > 0.8
    assert found.share_of_plays[ring].min() > 0.3
    assert found.core[:PEOPLE].max() == 0


def test_without_plays_nobody_is_linked() -> None:
    empty = np.empty(0, dtype=np.int64)
    assert find_co_listening(empty, empty, empty, 3).core.tolist() == [0, 0, 0]
