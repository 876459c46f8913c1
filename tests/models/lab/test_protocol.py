"""The protocol: nothing of the test in training, thresholds from training alone."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.lab.candidates import CANDIDATES
from models.lab.engine import FoldScores, run_fold
from models.lab.protocol import FALSE_ALARMS, folds, halves, threshold, without
from tests.models.lab.example_table import example_days


@settings(max_examples=6)
@given(st.integers(0, 10_000), st.integers(2, 4), st.integers(21, 36))
def test_training_and_test_share_no_account_no_campaign_and_no_day(seed: int, parts: int, length: int) -> None:
    days = example_days(seed=seed % 7, people=20, bots_of_a_family=2, days=length)
    made = list(folds(days, parts, np.random.default_rng(seed), history=0))
    assert len(made) == parts * (1 + (length - 21) // 7)
    frame = days.frame
    for fold in made:
        for fitted_on in (fold.train, fold.trusted):
            for column in ("user_id", "group", "day"):
                assert not set(frame[column].iloc[fitted_on]) & set(frame[column].iloc[fold.test])
        assert frame["day"].iloc[fold.test].min() - frame["day"].iloc[fold.train].max() == 8
        assert not np.isnan(days.label[fold.train]).any()
        assert set(frame["account_family"].iloc[fold.trusted]) <= {"honest"}  # few people: a part may have none


def test_every_account_is_tested_once_a_week() -> None:
    days = example_days()
    tested = np.concatenate([fold.test for fold in folds(days, 3, np.random.default_rng(0), history=0)])
    assert len(tested) == len(set(tested)) == 7 * days.frame["user_id"].nunique()


def test_a_family_left_out_has_no_positive_row_in_training() -> None:
    days = example_days()
    fold = next(folds(days, 2, np.random.default_rng(0), history=0))
    assert "farm" in days.family[fold.train]
    assert "farm" not in days.family[without(days, fold.train, ("farm",))]


def test_the_halves_of_training_rows_share_no_campaign() -> None:
    days = example_days()
    for fitted_on, held_out in halves(days, np.random.default_rng(0)):
        assert not set(days.group[fitted_on]) & set(days.group[held_out])


def test_the_threshold_lets_through_at_most_the_stated_share() -> None:
    honest = np.random.default_rng(0).normal(size=5000)
    assert (honest >= threshold(honest)).sum() == FALSE_ALARMS * 5000
    assert (np.ones(5000) >= threshold(np.ones(5000))).sum() == 0


def test_thresholds_and_fits_do_not_look_at_test_rows() -> None:
    days = example_days()
    fold = next(folds(days, 2, np.random.default_rng(0), history=0))
    rng = np.random.default_rng(5)
    frame = days.frame.copy()
    frame.loc[fold.test, "label"] = rng.integers(0, 2, len(fold.test)).astype(float)
    features = days.features.copy()
    features[fold.test] = rng.normal(size=features[fold.test].shape)
    changed = replace(days, frame=frame, features=features)
    chosen = tuple(CANDIDATES[name] for name in ("logistic", "knn"))
    for name, outcome in run_fold(days, fold, chosen, 1)[1].items():
        other = run_fold(changed, fold, chosen, 1)[1][name]
        label = days.label[fold.train]
        np.testing.assert_array_equal(outcome.train, other.train)
        assert outcome.threshold(label) == other.threshold(label)


def test_a_threshold_leaves_out_rows_that_were_fitted_on() -> None:
    outcome = FoldScores(np.array([np.nan, 1.0, 9.0]), np.zeros(0), 0, 0, 0)
    assert outcome.threshold(np.array([0.0, 0.0, 1.0])) == pytest.approx(1.0)
