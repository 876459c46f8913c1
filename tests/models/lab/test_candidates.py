"""The check-suite of every technique: a new one passes it unwritten."""

import numpy as np
import pytest

from models.lab.candidates import CANDIDATES
from models.lab.candidates.fusion import FUSIONS, STACKED
from models.lab.days import UserDays
from models.lab.engine import run_fold
from models.lab.protocol import Fold, folds
from tests.models.lab.example_table import example_days


@pytest.fixture(scope="module")
def days() -> UserDays:
    return example_days()


@pytest.fixture(scope="module")
def fold(days: UserDays) -> Fold:
    return next(folds(days, 2, np.random.default_rng(0), history=0))


@pytest.mark.parametrize("name", CANDIDATES)
def test_scores_are_finite_one_a_row_and_higher_for_bots(name: str, days: UserDays, fold: Fold) -> None:
    candidate = CANDIDATES[name]
    rows = fold.trusted if candidate.kind == "honest" else fold.train
    test = days.take(fold.test)
    before = test.features.copy()
    scores = candidate.fit(days.take(rows), np.random.default_rng(1))(test)
    assert scores.shape == (len(test),)
    assert np.isfinite(scores).all()
    assert np.median(scores[test.label == 1]) > np.median(scores[test.label == 0])
    np.testing.assert_array_equal(before, test.features)


@pytest.mark.parametrize("name", ["xgboost", "autoencoder", "session_scorer"])
def test_the_same_seed_gives_the_same_scores(name: str, days: UserDays, fold: Fold) -> None:
    rows = fold.trusted if CANDIDATES[name].kind == "honest" else fold.train
    train, test = days.take(rows), days.take(fold.test)
    first, second = (CANDIDATES[name].fit(train, np.random.default_rng(3))(test) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_what_learns_from_no_bot_is_the_same_with_a_family_left_out(days: UserDays, fold: Fold) -> None:
    chosen = (CANDIDATES["rules"], CANDIDATES["knn"], CANDIDATES["logistic"])
    _, seen = run_fold(days, fold, chosen, 1)
    train, left_out = run_fold(days, fold, chosen, 1, ("farm",), seen)
    for name in ("rules", "knn"):
        np.testing.assert_array_equal(seen[name].test, left_out[name].test)
    assert (seen["logistic"].test != left_out["logistic"].test).any()
    assert all(len(outcome.train) == len(train) for outcome in left_out.values())


def test_fusions_read_techniques_that_exist_and_rank_bots_higher(days: UserDays, fold: Fold) -> None:
    assert set(STACKED) <= set(CANDIDATES)
    chosen = tuple(CANDIDATES[name] for name in ("rules", "knn", "xgboost", "random_forest"))
    _, outcomes = run_fold(days, fold, chosen, 1)
    label = days.label[fold.test]
    assert set(FUSIONS) <= set(outcomes)
    for name in FUSIONS:
        scores = outcomes[name].test
        assert np.isfinite(scores).all()
        assert np.median(scores[label == 1]) > np.median(scores[label == 0])
