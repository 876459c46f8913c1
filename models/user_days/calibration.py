"""Natural prevalence: weights of account-days, and the curve from a score to a probability that they give."""

import numpy as np
import pandas as pd
from sklearn.isotonic import IsotonicRegression

from contracts.labels import HONEST
from runtime.arrays import Floats

PREVALENCE = 0.006
"""Share of accounts that are bots (Deezer 2022)."""


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
