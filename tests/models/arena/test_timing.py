"""The entropy of gaps over units of several lengths, and scores by family."""

import numpy as np
import pandas as pd
import pytest

from models.arena.timing import UNITS, evaluate_by_family, gap_entropies, macro
from runtime.arrays import Ints
from runtime.units import DAY_MS, HOUR_MS, SECOND_MS


def plays(n_days: int, a_day: int, sd: float, rng: np.random.Generator) -> Ints:
    """Times of plays that begin at noon of each day, with log-normal gaps of 200 s."""
    gaps = rng.lognormal(np.log(200 * SECOND_MS), sd, size=(n_days, a_day)).astype(np.int64)
    return (np.arange(n_days)[:, None] * DAY_MS + 12 * HOUR_MS + gaps.cumsum(axis=1)).ravel()


def test_on_a_day_a_busy_bot_has_more_entropy_than_a_quiet_person_and_less_once_it_is_normalised() -> None:
    rng = np.random.default_rng(1)
    person, bot = plays(30, 12, 1.0, rng), plays(30, 130, 0.6, rng)
    user = np.repeat([0, 1], [len(person), len(bot)])
    entropies = gap_entropies(user, np.concatenate([person, bot]), 3)
    assert list(entropies) == list(UNITS)
    day = entropies["day"]
    assert day["raw"][1] > day["raw"][0]
    assert day["normalised"][1] < day["normalised"][0]
    assert entropies["whole account"]["raw"][1] < entropies["whole account"]["raw"][0], "with enough gaps of both"
    assert np.isnan(day["raw"][2]), "no play"


def test_a_family_has_recall_at_the_threshold_of_honest_accounts_and_unknown_scores_are_never_flagged() -> None:
    family = pd.Series(["honest"] * 2000 + ["loud"] * 4 + ["mute"] * 2)
    score = np.concatenate([np.linspace(0, 1, 2000), [2, 2, 2, 0], [np.nan, np.nan]])
    results = evaluate_by_family(score, family, (family == "honest").to_numpy())
    assert results["loud"]["recall_at_fpr_0001"]["value"] == 0.75
    assert results["loud"]["auc"]["value"] == pytest.approx(0.75, abs=1e-3)
    assert results["mute"]["auc"]["value"] is None
    assert results["mute"]["recall_at_fpr_0001"]["value"] == 0
    assert macro(results, "recall_at_fpr_0001") == 0.375
