"""Two models on the same sessions: how good each is, and the difference, with intervals by account.

Both are resampled together, account by account, so the difference is between the same listeners. Weights are those of
labels from verdicts (the inverse of the probability of the draw), and 1 for labels from truth.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score

from models.metrics.intervals import Share, percentile_interval, wilson
from runtime.arrays import Bools, Floats

RESAMPLES = 300
"""Draws of the accounts behind an interval."""
CHAMPION, CHALLENGER, DIFFERENCE = "champion", "challenger", "difference"
Weighted = Callable[[Floats], float]
"""From the weights of the sessions to a number; NaN where it is not defined."""
Measure = tuple[Weighted, Bools | None]
"""A number as a function of the weights and, where it is a share, the sessions that it is a share of."""


@dataclass(frozen=True, slots=True)
class ModelOutput:
    """Scores and flags of one model, by session."""

    score: Floats
    is_flagged: Bools


def compare_models(
    users: pd.Series,
    is_positive: Bools,
    weight: Floats,
    champion: ModelOutput,
    challenger: ModelOutput,
    rng: np.random.Generator,
) -> dict[str, dict[str, Share]]:
    """Return by measure the estimates of champion, challenger and the difference (challenger − champion).

    All arguments but `rng` are by labelled session. The measures: precision, recall, false alarms (share of honest
    sessions flagged), average precision. `n` of a share is its number of accounts.
    """
    account = pd.factorize(users)[0]
    accounts = int(account.max()) + 1 if len(account) else 0
    counts = (
        rng.multinomial(accounts, np.full(accounts, 1 / accounts), size=RESAMPLES) if accounts else np.empty((0, 0))
    )
    weights = [weight, *(count[account] * weight for count in counts)]
    estimates = {}
    for name, measure in _MEASURES.items():
        values, shares = [], []
        for output in (champion, challenger):
            weighted, among = measure(output, is_positive)
            values.append(np.array([weighted(row) for row in weights]) if len(users) else np.array([np.nan]))
            shares.append(_estimate(values[-1], len(np.unique(account[among])) if among is not None else 0))
        difference = _estimate(values[1] - values[0], 0)
        estimates[name] = {CHAMPION: shares[0], CHALLENGER: shares[1], DIFFERENCE: difference}
    return estimates


def _average_precision(score: Floats, is_positive: Bools) -> Weighted:
    def weighted(weight: Floats) -> float:
        if not weight[is_positive].any():
            return float("nan")
        return float(average_precision_score(is_positive, score, sample_weight=weight))

    return weighted


def _share(hit: Bools, among: Bools) -> Weighted:
    def weighted(weight: Floats) -> float:
        total = weight[among].sum()
        return float(weight[among & hit].sum() / total) if total else float("nan")

    return weighted


_MEASURES: dict[str, Callable[[ModelOutput, Bools], Measure]] = {
    "precision": lambda output, is_positive: (_share(is_positive, output.is_flagged), output.is_flagged),
    "recall": lambda output, is_positive: (_share(output.is_flagged, is_positive), is_positive),
    "false alarms": lambda output, is_positive: (_share(output.is_flagged, ~is_positive), ~is_positive),
    "average precision": lambda output, is_positive: (_average_precision(output.score, is_positive), None),
}


def _estimate(values: Floats, accounts: int) -> Share:
    """Return value and interval from the sample (first) and its resamples.

    Where all rows agree a bootstrap has no spread; a share of `accounts` then has Wilson's interval over them.
    """
    value, resampled = float(values[0]), values[1:][~np.isnan(values[1:])]
    if np.isnan(value):
        return Share(None, 0.0, 1.0, accounts)
    if accounts and value in (0.0, 1.0):
        return Share(value, *wilson(value * accounts, accounts), accounts)
    low, high = percentile_interval(resampled) if len(resampled) else (value, value)
    return Share(value, low, high, accounts)
