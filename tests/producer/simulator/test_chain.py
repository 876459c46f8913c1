"""Chains of client actions: what they refuse, and that they walk as their matrix says."""

from pathlib import Path

import numpy as np
import pytest

from producer.simulator.listeners.activity import CHAINS_FILE, ROLES, load_chains
from producer.simulator.listeners.chain import Chain, ChainError, from_rows

STATES = ("start", "end", "a")


def test_a_matrix_of_the_wrong_shape_is_refused() -> None:
    with pytest.raises(ChainError, match="expected 3 × 3"):
        Chain(STATES, np.eye(2))


def test_a_row_that_does_not_sum_to_one_is_named() -> None:
    with pytest.raises(ChainError, match=r"row 'a' sums to 0\.9"):
        from_rows(STATES, {"start": {"a": 1.0}, "a": {"end": 0.9}})


def test_a_row_is_allowed_a_rounding_error_of_a_billionth() -> None:
    assert from_rows(STATES, {"start": {"a": 1.0}, "a": {"end": 1 + 5e-10}}).states == STATES
    with pytest.raises(ChainError, match="row 'a'"):
        from_rows(STATES, {"start": {"a": 1.0}, "a": {"end": 1 + 5e-9}})


def test_a_negative_probability_is_refused() -> None:
    with pytest.raises(ChainError, match="row 'start' has a negative probability"):
        from_rows(STATES, {"start": {"a": 1.5, "end": -0.5}, "a": {"end": 1.0}})


def test_an_end_that_cannot_be_reached_is_refused_by_row() -> None:
    with pytest.raises(ChainError, match="end can't be reached from row 'a'"):
        from_rows(STATES, {"start": {"a": 0.5, "end": 0.5}, "a": {"a": 1.0}})


def test_an_unknown_state_is_named() -> None:
    with pytest.raises(ChainError, match="unknown state 'b'"):
        from_rows(STATES, {"start": {"b": 1.0}})


def test_walkers_visit_as_many_states_as_the_matrix_expects() -> None:
    chain = from_rows(STATES, {"start": {"a": 1.0}, "a": {"a": 0.75, "end": 0.25}})
    walker, state, step = chain.walk(np.random.default_rng(1), 20_000)
    assert chain.mean_actions == pytest.approx(4)
    assert len(walker) / 20_000 == pytest.approx(4, rel=0.03)
    assert set(state) == {2}
    assert step[walker == 0].tolist() == list(range(int((walker == 0).sum())))


def test_the_shipped_chains_are_chains_for_every_role() -> None:
    assert len(load_chains()) == len(ROLES)


def test_a_users_own_chain_file_lacking_a_role_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(CHAINS_FILE.read_text().split("[background]")[0])
    with pytest.raises(ChainError, match=r"mine.toml: no chain for the roles background"):
        load_chains(path)


def test_a_chain_file_that_is_not_there_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(ChainError, match=r"chains mine.toml: .*expected a TOML file"):
        load_chains(tmp_path / "mine.toml")
