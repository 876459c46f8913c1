"""Average precision at a stated prevalence, its resamples, and what flags come to."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from models.lab.consequences import detection
from models.lab.engine import FoldScores
from models.lab.measures import PREVALENCE, average_precision, brier, interval, precision_at, resamples
from tests.models.lab.example_table import example_days

ONE = np.ones((1, 1), dtype=np.float32)


def weights(n: int) -> np.ndarray:
    return np.ones((1, n), dtype=np.float32)


def test_a_constant_score_has_the_prevalence_as_average_precision() -> None:
    ap = average_precision(np.zeros(40), np.zeros(900), weights(40), weights(900))
    assert ap[0] == pytest.approx(PREVALENCE)


@pytest.mark.parametrize("prevalence", [0.006, 0.3])
def test_average_precision_is_scikit_learns_with_weights(prevalence: float) -> None:
    rng = np.random.default_rng(0)
    positive, honest = rng.normal(1, 1, 50).round(1), rng.normal(0, 1, 700).round(1)  # with ties
    weight = prevalence / (1 - prevalence) * 700 / 50
    expected = average_precision_score(
        np.r_[np.ones(50), np.zeros(700)],
        np.r_[positive, honest],
        sample_weight=np.r_[np.full(50, weight), np.ones(700)],
    )
    assert average_precision(positive, honest, weights(50), weights(700), prevalence)[0] == pytest.approx(expected)


def test_a_resample_is_the_same_as_repeating_rows() -> None:
    rng = np.random.default_rng(1)
    positive, honest = rng.normal(1, 1, 6), rng.normal(0, 1, 9)
    w, v = rng.integers(0, 3, 6), rng.integers(0, 3, 9)
    weighted = average_precision(positive, honest, w[None].astype(np.float32), v[None].astype(np.float32))
    repeated = np.repeat(positive, w), np.repeat(honest, v)
    assert weighted[0] == pytest.approx(average_precision(*repeated, weights(w.sum()), weights(v.sum()))[0])


def test_accounts_are_drawn_within_their_family() -> None:
    stratum = np.array(["a"] * 5 + ["b"] * 3, dtype=object)
    drawn = resamples(stratum, np.random.default_rng(0), draws=20)
    assert (drawn[0] == 1).all()
    assert (drawn[:, :5].sum(axis=1) == 5).all()
    assert (drawn[:, 5:].sum(axis=1) == 3).all()


def test_precision_at_capacity_gives_no_credit_for_a_tie() -> None:
    is_positive = np.array([True] * 10 + [False] * 990)
    assert precision_at(np.zeros(1000), is_positive, 0.005) == 0
    assert precision_at(is_positive.astype(float), is_positive, 0.005) == 1


def test_brier_is_weighted_to_the_prevalence() -> None:
    assert brier(np.array([0.0, 0.0]), np.array([True, False])) == pytest.approx(PREVALENCE)


def test_an_interval_without_a_value_says_so() -> None:
    assert interval(np.array([np.nan, 1.0])) == {"value": None, "low": None, "high": None}


def test_euros_run_until_the_day_of_the_first_flag() -> None:
    days = example_days()
    rows = np.flatnonzero((days.frame["user_id"] == days.frame["user_id"].iloc[-1]).to_numpy() & (days.label == 1))
    account = days.take(rows)
    never = detection(account, FoldScores(ONE[0], np.zeros(len(rows)), 0, 0, 0), 0.5).iloc[0]
    second = detection(account, FoldScores(ONE[0], (np.arange(len(rows)) == 1).astype(float), 0, 0, 0), 0.5).iloc[0]
    paid = account.frame["paid_streams"].to_numpy()
    assert np.isnan(never["days_to_flag"])
    assert never["euros_before"] == never["euros"] == pytest.approx(0.0035 * paid.sum())
    assert second["days_to_flag"] == 2
    assert second["euros_before"] == pytest.approx(0.0035 * paid[:2].sum())
