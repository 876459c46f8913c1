"""Two models on the same sessions: what each gets right, and the difference, with intervals by account.

Both are resampled together, account by account, so a difference is judged on the same listeners. Weights are those of
labels from verdicts (the inverse of the draw), 1 elsewhere.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.metrics import average_precision_score

from models.metrics.intervals import Share, percentile_interval, wilson
from runtime.arrays import Bools, Floats

DRAWS = 300
"""Resamples of the accounts behind an interval."""
CHAMPION, CHALLENGER, DIFFERENCE = "champion", "challenger", "difference"


@dataclass(frozen=True, slots=True)
class Said:
    """What one model said of the sessions."""

    score: Floats
    is_flagged: Bools


def _average_precision(score: Floats, is_positive: Bools) -> Callable[[Floats], float]:
    def of(weight: Floats) -> float:
        if not weight[is_positive].any():
            return float("nan")
        return float(average_precision_score(is_positive, score, sample_weight=weight))

    return of


def _share(hit: Bools, among: Bools) -> Callable[[Floats], float]:
    def of(weight: Floats) -> float:
        total = weight[among].sum()
        return float(weight[among & hit].sum() / total) if total else float("nan")

    return of


def compare(
    users: pd.Series, is_positive: Bools, weight: Floats, champion: Said, challenger: Said, rng: np.random.Generator
) -> dict[str, dict[str, Share]]:
    """Return by measure the estimates of champion, challenger and the difference (challenger − champion).

    Rows are labelled sessions: precision, recall, false alarms (share of honest sessions flagged), average precision.
    """
    account = pd.factorize(users)[0]
    accounts = int(account.max()) + 1 if len(account) else 0
    drawn = rng.multinomial(accounts, np.full(accounts, 1 / accounts), size=DRAWS) if accounts else np.empty((0, 0))
    rows = [weight, *(counts[account] * weight for counts in drawn)]
    found = {}
    for name, measure in _MEASURES.items():
        values, shown = [], []
        for said in (champion, challenger):
            of, among = measure(said, is_positive)
            values.append(np.array([of(row) for row in rows]) if len(users) else np.array([np.nan]))
            shown.append(_estimate(values[-1], len(np.unique(account[among])) if among is not None else 0))
        difference = _estimate(values[1] - values[0], 0)
        found[name] = {CHAMPION: shown[0], CHALLENGER: shown[1], DIFFERENCE: difference}
    return found


Measure = tuple[Callable[[Floats], float], Bools | None]
"""The function from weights to the number and, of a share, the rows that it is a share of."""


def _precision(said: Said, is_positive: Bools) -> Measure:
    return _share(is_positive, said.is_flagged), said.is_flagged


def _recall(said: Said, is_positive: Bools) -> Measure:
    return _share(said.is_flagged, is_positive), is_positive


def _false_alarms(said: Said, is_positive: Bools) -> Measure:
    return _share(said.is_flagged, ~is_positive), ~is_positive


def _ranking(said: Said, is_positive: Bools) -> Measure:
    return _average_precision(said.score, is_positive), None


_MEASURES: dict[str, Callable[[Said, Bools], Measure]] = {
    "precision": _precision,
    "recall": _recall,
    "false alarms": _false_alarms,
    "average precision": _ranking,
}


def _estimate(values: Floats, accounts: int) -> Share:
    """Read value and interval off the sample (first) and its resamples.

    Where all rows agree a bootstrap sees no doubt: a share of `accounts` then has Wilson's interval over them.
    """
    value, drawn = float(values[0]), values[1:][~np.isnan(values[1:])]
    if np.isnan(value):
        return Share(None, 0.0, 1.0, accounts)
    if accounts and value in (0.0, 1.0):
        return Share(value, *wilson(value * accounts, accounts), accounts)
    low, high = percentile_interval(drawn) if len(drawn) else (value, value)
    return Share(value, low, high, accounts)
