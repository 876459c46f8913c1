"""Greedy peeling finds a planted block, although its accounts also play popular tracks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.campaigns.blocks import chance_density, densest_blocks, peel
from models.campaigns.surprise import surprising_tracks


def planted(seed: int, users: int, tracks: int, rows: int, columns: int) -> np.ndarray:
    """Edges of a random graph with a full block of the first `rows` × `columns`, and camouflage on popular tracks."""
    rng = np.random.default_rng(seed)
    crowd = np.stack([rng.integers(0, users, 3 * users), (tracks * rng.random(3 * users) ** 2).astype(int)])
    block = np.stack(np.meshgrid(np.arange(rows), tracks + np.arange(columns))).reshape(2, -1)
    hiding = np.stack([np.repeat(np.arange(rows), 5), (0.1 * tracks * rng.random(5 * rows)).astype(int)])
    return np.unique(np.concatenate([crowd, block, hiding], axis=1), axis=1)


@settings(max_examples=8)
@given(seed=st.integers(0, 10**6), rows=st.integers(10, 20), columns=st.integers(10, 20))
def test_a_planted_block_is_found_whole(seed: int, rows: int, columns: int) -> None:
    users, tracks = 300, 300
    user, track = planted(seed, users, tracks, rows, columns)
    block = peel(user, track, users, tracks + columns)
    assert set(range(rows)) <= set(block.users.tolist())
    assert set(range(tracks, tracks + columns)) <= set(block.tracks.tolist())
    assert len(block.users) <= rows + 5


@settings(max_examples=8)
@given(seed=st.integers(0, 10**6))
def test_the_density_returned_is_that_of_the_block(seed: int) -> None:
    user, track = planted(seed, 60, 40, 6, 6)
    block = peel(user, track, 60, 46)
    inside = np.isin(user, block.users) & np.isin(track, block.tracks)
    weight = 1 / np.log(np.bincount(track)[track[inside]] + 5.0)
    assert block.density == pytest.approx(weight.sum() / (len(block.users) + len(block.tracks)))


def test_a_second_block_is_found_after_the_first() -> None:
    user, track = planted(1, 300, 300, 15, 15)
    second = np.stack(np.meshgrid(np.arange(50, 60), 320 + np.arange(10))).reshape(2, -1)
    user, track = np.concatenate([user, second[0]]), np.concatenate([track, second[1]])
    blocks = densest_blocks(user, track, 300, 340, 2)
    assert set(range(15)) <= set(blocks[0].users)
    assert set(range(50, 60)) <= set(blocks[1].users)


def test_chance_makes_no_block_as_dense_as_a_planted_one() -> None:
    user, track = planted(4, 300, 300, 20, 20)
    chance = chance_density(user, track, 300, 320, np.ones(320, dtype=bool), np.random.default_rng(1))
    assert peel(user, track, 300, 320).density > 1.5 * chance


def test_popular_tracks_are_no_surprise_and_unknown_ones_with_many_listeners_are() -> None:
    popularity = np.array([0.5, 0.0001])
    listeners = np.repeat([0, 1], 40)
    assert surprising_tracks(listeners, popularity, np.full(60, 30), 2).tolist() == [False, True]
