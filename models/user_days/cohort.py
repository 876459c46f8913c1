"""The baseline of a cohort, accounts like this one: for an account with too little history.

A cohort is (plan, country, age of the account); one with too few user-days widens to (plan, country), then plan, then
everybody. Where even everybody has too few, as in the first week of one person's history, nothing is usual: NaN.
The window ends with the day itself, which is over when the daily batch runs: on a first day there is no other, and a
median is not moved by the few bots in it.
"""

import numpy as np
import pandas as pd

from models.metrics.robust import MAD_TO_SD, median
from models.user_days.history import WINDOW_DAYS, Baseline
from runtime.arrays import Floats, Ints
from runtime.local_time import day_numbers

MIN_USER_DAYS = 100
"""User-days below which a cohort widens: with fewer the MAD varies by more than a tenth between samples."""
EDGE_SHARE = 0.01
"""Share of a cohort's user-days beyond either edge of its range: a choice. Median and MAD say how the middle of a
cohort differs, not how far its heavy listeners go: two days in a hundred are of people who sleep to a looped list."""
AGE_EDGES_DAYS = (30, 365)
"""Accounts of up to a month, up to a year, older."""


def levels(days: pd.DataFrame) -> list[Ints]:
    """Return the code of each row's cohort, narrowest level first. Takes plan, country, account_age_days."""
    age = pd.Series(np.digitize(days["account_age_days"].fillna(AGE_EDGES_DAYS[-1]), AGE_EDGES_DAYS), index=days.index)
    plan, country = days["plan"].astype(object).fillna("?"), days["country"].astype(object).fillna("?")
    keys = pd.DataFrame({"plan": plan, "country": country, "age": age})
    narrow = (["plan", "country", "age"], ["plan", "country"], ["plan"])
    codes = [keys.groupby(list(columns), sort=False).ngroup().to_numpy().astype(np.int64) for columns in narrow]
    return [*codes, np.zeros(len(days), dtype=np.int64)]


def cohort_baseline(days: pd.DataFrame, values: Floats, wanted: Ints, window: int = WINDOW_DAYS) -> Baseline:
    """Return the baseline of the cohort of each row in `wanted` (positions), from `values` (rows, columns).

    `days` has plan, country, account_age_days and local_date; the window is `window` days up to the day itself.
    """
    day = day_numbers(days["local_date"])
    middle, mad, mean, sd, bottom, top = (np.full((len(wanted), values.shape[1]), np.nan) for _ in range(6))
    result = Baseline(middle, mad, mean, sd, np.zeros(len(wanted), dtype=np.int64), bottom, top)
    pending = np.arange(len(wanted))
    for code in levels(days):
        order = np.lexsort((day, code))
        key = code[order] * (1 << 20) + day[order]  # a day number has far less than 20 bits
        pairs, member = np.unique(np.stack([code[wanted[pending]], day[wanted[pending]]]), axis=1, return_inverse=True)
        done = np.zeros(len(pending), dtype=bool)
        for pair, (cohort, today) in enumerate(pairs.T):
            low, high = np.searchsorted(key, [cohort * (1 << 20) + today - window + 1, cohort * (1 << 20) + today + 1])
            if high - low < MIN_USER_DAYS:
                continue
            rows = member.ravel() == pair
            _fill(result, pending[rows], values[order[low:high]])
            done |= rows
        pending = pending[~done]
        if not len(pending):
            break
    return result


def _fill(result: Baseline, rows: Ints, values: Floats) -> None:
    columns = values.T
    ordered = np.sort(columns, axis=1)  # NaN comes last
    known = ~np.isnan(columns)
    count = np.maximum(known.sum(axis=1), 1)
    middle = median(ordered)
    at = np.arange(len(columns))
    result.low[rows] = ordered[at, (EDGE_SHARE * (count - 1)).astype(np.int64)]
    result.high[rows] = ordered[at, np.ceil((1 - EDGE_SHARE) * (count - 1)).astype(np.int64)]
    mean = np.where(known, columns, 0.0).sum(axis=1) / count
    result.median[rows], result.mean[rows] = middle, mean
    result.mad[rows] = MAD_TO_SD * median(np.abs(columns - middle[:, None]))
    result.sd[rows] = np.sqrt(np.where(known, (columns - mean[:, None]) ** 2, 0.0).sum(axis=1) / count)
    result.days[rows] = len(values)
