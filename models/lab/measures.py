"""How well scores rank account-days: average precision at a stated prevalence, with intervals by account.

Bots are oversampled in a lab table. Their days are weighted back so that they are a stated share of account-days; a
family's average precision sets that family alone, at that share, against all honest days, and the headline is the mean
over families. A row of weights is one resample of the accounts; the first row is the sample itself.
"""

import numpy as np
from numpy.typing import NDArray

from models.metrics.intervals import percentile_interval
from runtime.arrays import Bools, Floats

PREVALENCE = 0.006
"""Share of account-days that are bots': the published share of accounts (Deezer 2022)."""
RESAMPLES = 200

Weights = NDArray[np.float32]


def resamples(stratum: NDArray[np.object_], rng: np.random.Generator, draws: int = RESAMPLES) -> Weights:
    """Return how often each account is drawn: (1 + draws, accounts), drawn within its stratum (its family)."""
    weights = np.ones((1 + draws, len(stratum)), dtype=np.float32)
    for name in np.unique(stratum.astype(str)):
        members = np.flatnonzero(stratum == name)
        weights[1:, members] = rng.multinomial(len(members), np.full(len(members), 1 / len(members)), size=draws)
    return weights


def average_precision(
    positive: Floats, honest: Floats, weight: Weights, honest_weight: Weights, prevalence: float = PREVALENCE
) -> Floats:
    """Return average precision for each row of weights, with positives weighted to `prevalence`.

    `weight` is (draws, positives), `honest_weight` (draws, honest). Ties count as one step, so a constant score gets
    exactly the prevalence.
    """
    order, honest_order = np.argsort(-positive, kind="stable"), np.argsort(-honest, kind="stable")
    ranked, w = positive[order], weight[:, order].astype(np.float64)
    above = np.searchsorted(-honest[honest_order], -ranked, side="right")
    false = np.cumsum(np.pad(honest_weight[:, honest_order].astype(np.float64), ((0, 0), (1, 0))), axis=1)[:, above]
    tied = np.searchsorted(-ranked, -ranked, side="right") - 1
    true = np.cumsum(w, axis=1)[:, tied]
    total, honest_total = w.sum(axis=1), honest_weight.sum(axis=1, dtype=np.float64)
    scale = prevalence / (1 - prevalence) * honest_total / np.maximum(total, 1e-12)
    precision = scale[:, None] * true / np.maximum(scale[:, None] * true + false, 1e-12)
    return np.where(total > 0, (w * precision).sum(axis=1) / np.maximum(total, 1e-12), np.nan)


def share(hit: Bools, weight: Weights) -> Floats:
    """Return the weighted share of hits for each row of weights; NaN without rows."""
    if not len(hit):
        return np.full(len(weight), np.nan)
    total = weight.sum(axis=1, dtype=np.float64)
    return np.where(total > 0, weight.astype(np.float64) @ hit.astype(np.float64) / np.maximum(total, 1e-12), np.nan)


def interval(values: Floats) -> dict[str, float | None]:
    """Return value, low and high of one number over the rows of weights; the first is the value.

    >>> interval(np.array([0.5, 0.4, 0.6]))["value"]
    0.5
    """
    if np.isnan(values[0]):
        return {"value": None, "low": None, "high": None}
    drawn = values[1:][~np.isnan(values[1:])]
    low, high = percentile_interval(drawn) if len(drawn) else (float(values[0]), float(values[0]))
    return {"value": float(values[0]), "low": low, "high": high}


def precision_at(scores: Floats, is_positive: Bools, capacity: float, prevalence: float = PREVALENCE) -> float:
    """Return the precision among the `capacity` share of account-days that score highest, at `prevalence`."""
    positives, honest = int(is_positive.sum()), int((~is_positive).sum())
    if not positives or not honest:
        return float("nan")
    weight = np.where(is_positive, prevalence / positives, (1 - prevalence) / honest)
    order = np.lexsort((is_positive, -scores))  # among equals the honest come first: no credit for a tie
    taken = np.cumsum(weight[order])
    inside = np.clip((capacity - (taken - weight[order])) / weight[order], 0, 1) * weight[order]
    return float(inside[is_positive[order]].sum() / inside.sum())


def brier(probability: Floats, is_positive: Bools, prevalence: float = PREVALENCE) -> float:
    """Return the mean squared error of probabilities at `prevalence`."""
    error = (probability - is_positive) ** 2
    if not is_positive.any() or is_positive.all():
        return float("nan")
    return float(prevalence * error[is_positive].mean() + (1 - prevalence) * error[~is_positive].mean())
