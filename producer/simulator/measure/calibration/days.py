"""User-days of accounts as an array of groups, with the days before each."""

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contracts.user_day_features import HISTORY_DAYS, MIN_HISTORY_DAYS
from producer.simulator.measure.groups import Groups
from runtime.arrays import Floats, Ints
from runtime.units import DAY_MS

Plays = dict[str, NDArray[Any]]
DAY_STEP = 1 << 20
"""Room for a local day's number next to an account in one sortable integer."""


class Days:
    """User-days of accounts, numbered in order of account and local day. `plays` are in order of account and time."""

    def __init__(self, plays: Plays) -> None:
        self.plays = plays
        key = plays["user"].astype(np.int64) * DAY_STEP + plays["local"] // DAY_MS
        self.key, self.of = np.unique(key, return_inverse=True)
        self.n = len(self.key)
        self.user, self.date = self.key // DAY_STEP, self.key % DAY_STEP
        self.groups = Groups(self.of, self.n)

    def first_within(self, days: int) -> Ints:
        """Return for each user-day the first of its account at most `days` days before it."""
        return np.searchsorted(self.key, np.maximum(self.key - days, self.user * DAY_STEP)).astype(np.int64)

    def trailing(self, values: Floats, days: int) -> Floats:
        """Sum values by day over the `days` local days up to and with each."""
        running = np.concatenate((np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)))
        return np.asarray(running[1:] - running[self.first_within(days - 1)])

    def histogram(self, bins: Ints, n_bins: int) -> Floats:
        """Count plays by user-day and bin: shape (n, n_bins)."""
        return np.bincount(self.of * n_bins + bins, minlength=self.n * n_bins).reshape(self.n, n_bins).astype(float)

    @cached_property
    def rows_before(self) -> Ints:
        """Own history of each user-day: shape (n, HISTORY_DAYS) of user-days, -1 where there is none."""
        rows = np.arange(self.n)[:, None] - np.arange(1, HISTORY_DAYS + 1)
        return np.where(rows >= self.first_within(HISTORY_DAYS)[:, None], rows, -1)

    def before(self, values: Floats) -> Floats:
        """Gather the values of own history; NaN where there is none."""
        return np.where(self.rows_before >= 0, values[self.rows_before], np.nan)

    @cached_property
    def has_history(self) -> NDArray[np.bool_]:
        return (self.rows_before >= 0).sum(axis=1) >= MIN_HISTORY_DAYS


def changes(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell where a value differs from the one before; the first does."""
    return np.concatenate(([True], values[1:] != values[:-1]))
