"""The own history of a user-day, and statistics of it.

Own history is the account's active days among the 28 before the day, without the day itself: it contains nothing of the
future, and nothing of the data set as a whole.
"""

import numpy as np

from contracts.user_day_features import HISTORY_DAYS
from runtime.arrays import Bools, Floats, Ints
from spark_app.stages.arrays.segments import ratio, sum_by
from spark_app.stages.user_days.day_batch import DayBatch


def history_days(b: DayBatch) -> Ints:
    """Count the active days of the account among the 28 before each user-day."""
    return np.arange(b.n) - b.first_within(HISTORY_DAYS)


def history(b: DayBatch, values: Floats) -> Floats:
    """Return the values of each user-day's own history: shape (n, 28), NaN where there is no such day."""
    rows = np.arange(b.n)[:, None] - np.arange(1, HISTORY_DAYS + 1)
    return np.where(rows >= b.first_within(HISTORY_DAYS)[:, None], values[np.maximum(rows, 0)], np.nan)


def moments(table: Floats) -> tuple[Floats, Floats, Ints]:
    """Return mean, standard deviation (n − 1) and number of the known values of each row."""
    known = ~np.isnan(table)
    n = known.sum(axis=1)
    mean = ratio(np.nansum(table, axis=1), n.astype(np.float64))
    squares = np.nansum((table - mean[:, None]) ** 2, axis=1)
    return mean, np.sqrt(ratio(squares, (n - 1).astype(np.float64))), n


def histogram(b: DayBatch, bins: Ints, n_bins: int, mask: Bools) -> Floats:
    """Count the rows of `mask` per user-day and bin: shape (n, n_bins)."""
    return sum_by(b.day[mask] * n_bins + bins[mask], b.n * n_bins).reshape(b.n, n_bins)


def entropy_bits(counts: Floats) -> Floats:
    """Return the entropy of each row of counts in bits; 0 where a row is empty.

    >>> entropy_bits(np.array([[1.0, 1.0, 0.0], [2.0, 0.0, 0.0]])).tolist()
    [1.0, 0.0]
    """
    p = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    return -(p * np.log2(np.where(p > 0, p, 1.0))).sum(axis=1) + 0.0
