"""Read a probability off a score, by a curve that was measured on simulated accounts at natural prevalence."""

import numpy as np
import pandas as pd
from sklearn.isotonic import IsotonicRegression

from models.user_days.history import Floats

PREVALENCE = 0.006
"""Share of bot accounts that the curve is for (REALISM §2)."""
CURVE: tuple[tuple[float, float], ...] = (
    (0.0, 0.0), (0.25, 0.01143), (0.5, 0.01143), (0.55, 0.01143), (0.6, 0.01336), (0.7, 0.02543), (0.8, 0.02543),
    (0.9, 0.03828), (1.0, 0.03828),
)  # fmt: skip
"""(score, probability), as `python -m models daily-study` measured it on 2,500 simulated accounts over 49 days with
every family (seed 21): low, since at this prevalence most flags are false."""


def probability_of(score: Floats) -> Floats:
    """Return the probability that a user-day is a bot's.

    >>> bool((np.diff(probability_of(np.linspace(0, 1, 50))) >= 0).all())
    True
    """
    scores, probabilities = np.array(CURVE).T
    return np.interp(score, scores, probabilities)


def measure_curve(labelled: pd.DataFrame, prevalence: float = PREVALENCE) -> list[tuple[float, float]]:
    """Fit the curve to user-days with score, label (NaN left out) and account_family, bots weighted to `prevalence`."""
    known = labelled[labelled["label"].notna()]
    is_bot = known["account_family"].ne("honest")
    accounts = known.assign(is_bot=is_bot).drop_duplicates("user_id")["is_bot"].mean()
    weight = np.where(is_bot, prevalence / accounts, (1 - prevalence) / (1 - accounts))
    fitted = IsotonicRegression(out_of_bounds="clip").fit(known["score"], known["label"], sample_weight=weight)
    scores = [0.0, 0.25, 0.49, 0.5, 0.55, 0.6, 0.7, 0.75, 0.8, 0.9, 1.0]
    return [(s, round(float(p), 5)) for s, p in zip(scores, fitted.predict(scores), strict=True)]
