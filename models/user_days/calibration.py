"""Read a probability off a score, by a curve that was measured on simulated accounts at natural prevalence."""

import numpy as np
import pandas as pd
from sklearn.isotonic import IsotonicRegression

from contracts.labels import HONEST
from runtime.arrays import Floats

PREVALENCE = 0.006
"""Share of bot accounts that the curve is for (Deezer 2022)."""
CURVE: tuple[tuple[float, float], ...] = (
    (0.0, 0.0), (0.25, 0.01143), (0.5, 0.01143), (0.55, 0.01143), (0.6, 0.01336), (0.7, 0.02543), (0.8, 0.02543),
    (0.9, 0.03828), (1.0, 0.03828),
)  # fmt: skip
"""(score, probability), as `playproof days study` measured it on 2,500 simulated accounts over 49 days with
every family (seed 21): low, since at this prevalence most flags are false."""


def probability_of(score: Floats) -> Floats:
    """Return the probability that a user-day is a bot's.

    >>> bool((np.diff(probability_of(np.linspace(0, 1, 50))) >= 0).all())
    True
    """
    scores, probabilities = np.array(CURVE).T
    return np.interp(score, scores, probabilities)


def natural_weights(labelled: pd.DataFrame, prevalence: float = PREVALENCE) -> Floats:
    """Return a weight for each user-day (user_id, account_family) with which bots are `prevalence` of the accounts."""
    is_bot = labelled["account_family"].ne(HONEST)
    accounts = labelled.assign(is_bot=is_bot).drop_duplicates("user_id")["is_bot"].mean()
    return np.where(is_bot, prevalence / accounts, (1 - prevalence) / (1 - accounts))


def measure_curve(labelled: pd.DataFrame, prevalence: float = PREVALENCE) -> list[tuple[float, float]]:
    """Fit the curve to user-days with hybrid_score, label (NaN left out), account_family; bots weigh `prevalence`."""
    known = labelled[labelled["label"].notna()]
    weight = natural_weights(known, prevalence)
    fitted = IsotonicRegression(out_of_bounds="clip").fit(known["hybrid_score"], known["label"], sample_weight=weight)
    scores = [0.0, 0.25, 0.49, 0.5, 0.55, 0.6, 0.7, 0.75, 0.8, 0.9, 1.0]
    return [(s, round(float(p), 5)) for s, p in zip(scores, fitted.predict(scores), strict=True)]
