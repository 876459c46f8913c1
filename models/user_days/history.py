"""The baseline of an account: its active days before the day in question, never that day or a later one.

An active day is a day with a row in `user_days`. Windows are by date, so after a pause of a month an account has no
history.
"""

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
import pandas as pd

from models.metrics.robust import MAD_TO_SD, median
from runtime.arrays import Floats, Ints
from runtime.local_time import day_numbers

WINDOW_DAYS = 28
"""Length of the history: a choice (docs/reference/published-numbers.md#rules-of-thumb)."""
MIN_ACTIVE_DAYS = 7
"""Active days below which an account's own history says too little: a choice."""

Kind = Literal["rolling", "fixed"]
"""Rolling: the 28 days before each day. Fixed: the account's first 28 days for ever after (for the study of drift)."""


@dataclass(frozen=True, slots=True)
class Baseline:
    """Statistics of the days that a user-day is compared with: arrays (rows, columns), NaN where nothing is known."""

    median: Floats
    mad: Floats
    """Median absolute deviation times MAD_TO_SD."""
    mean: Floats
    sd: Floats
    days: Ints
    """Number of days behind it, by row."""
    low: Floats
    high: Floats
    """What hardly any of the days is beyond: of a cohort its 1st and 99th percentile, since people differ more than the
    days of one person do; of an account its median, which excludes nothing that is unusual."""

    def column(self, position: int) -> Self:
        """Return the baseline of one column: arrays (rows,)."""
        parts = (self.median, self.mad, self.mean, self.sd)
        middle, mad, mean, sd = (values[:, position] for values in parts)
        return type(self)(middle, mad, mean, sd, self.days, self.low[:, position], self.high[:, position])

    def z(self, values: Floats, min_spread: Floats) -> Floats:
        """Return robust z of values (rows, columns); `min_spread` by column keeps a constant history finite."""
        return (values - self.median) / np.maximum(self.mad, min_spread)


def sort_user_days(days: pd.DataFrame) -> pd.DataFrame:
    """Sort user-days by account and day, as every function of this package expects them."""
    return days.sort_values(["user_id", "local_date"], ignore_index=True)


def history_rows(days: pd.DataFrame, kind: Kind = "rolling", window: int = WINDOW_DAYS) -> Ints:
    """Return for each user-day the rows of its history: shape (rows, window), newest first, -1 where there is none.

    `days` is in order; one row per account and day.
    """
    day = day_numbers(days["local_date"])
    user = pd.factorize(days["user_id"])[0]
    row = np.arange(len(days))
    if kind == "fixed":
        first = np.flatnonzero(np.r_[True, user[1:] != user[:-1]]) if len(days) else row
        begin = first[user]
        rows = begin[:, None] + np.arange(window - 1, -1, -1)
        rows = np.where(rows < row[:, None], rows, -1)
        is_old = day[rows] < day[begin][:, None] + window
    else:
        rows = np.maximum(row[:, None] - np.arange(1, window + 1), -1)  # a table may be shorter than the window
        is_old = day[rows] >= day[:, None] - window
    is_own = (rows >= 0) & (user[rows] == user[:, None])
    return np.where(is_own & is_old, rows, -1)


def account_baseline(values: Floats, rows: Ints) -> Baseline:
    """Return the baseline of each row: `values` (n, columns), its history `rows` (m, window) from `history_rows`."""
    columns = [_summary(values[:, column], rows) for column in range(values.shape[1])]
    middle, mad, mean, sd = np.stack(columns, axis=-1)
    return Baseline(middle, mad, mean, sd, days=(rows >= 0).sum(axis=1), low=middle.copy(), high=middle.copy())


def _summary(values: Floats, rows: Ints) -> Floats:
    """Return (median, scaled MAD, mean, sd) of one column, by row: shape (4, rows)."""
    window = np.where(rows >= 0, values[rows], np.nan)
    middle = median(window)
    spread = MAD_TO_SD * median(np.abs(window - middle[:, None]))
    known = ~np.isnan(window)
    count = np.maximum(known.sum(axis=1), 1)
    mean = np.where(known, window, 0.0).sum(axis=1) / count
    square = np.where(known, (window - mean[:, None]) ** 2, 0.0).sum(axis=1) / count
    empty = ~known.any(axis=1)
    return np.stack([middle, spread, np.where(empty, np.nan, mean), np.where(empty, np.nan, np.sqrt(square))])
