"""Count the weeks in a row for which an account has been high, against the weeks before they began.

A rolling history of four weeks absorbs a campaign of three: after a fortnight the high days are what is usual. Here the
weeks that are counted are never part of what they are compared with.
"""

import numpy as np

from runtime.arrays import Floats, Ints

WEEK = 7
HIGH = 2.0
"""A week is high from this many times the median week before: a choice. An honest binge is three times (simulator)."""
MIN_WEEKS = 2
"""Weeks with listening before the high ones, below which nothing is known."""
EARLIER_WEEKS = 8
"""Weeks before the high ones that the median is of."""
MAX_WEEKS = 8
"""Weeks in a row that are counted at most."""


def count_high_weeks(account: Ints, day: Ints, amount: Floats, high: float = HIGH) -> Floats:
    """Return for each user-day how many weeks in a row up to it were high; NaN where too little came before.

    `account`, `day` (days since some day 0) and `amount` (plays, hours; at least 0) have one element an active day, at
    most one an account and day, in any order. Week 1 ends with the day itself; a run of k weeks is high if each of them
    has at least `high` times the median of up to EARLIER_WEEKS weeks before the run, of which MIN_WEEKS have listening.
    Nothing after the day is looked at.
    """
    result = np.full(len(account), np.nan)
    if not len(account):
        return result
    names, code = np.unique(account, return_inverse=True)
    first = int(day.min())
    span = int(day.max()) - first + 1
    totals = np.zeros((len(names), span + 1))
    np.add.at(totals, (code, day - first + 1), np.nan_to_num(amount))
    totals = totals.cumsum(axis=1)
    begins = np.full(len(names), span, dtype=np.int64)
    np.minimum.at(begins, code, day - first)
    at = day - first + 1

    def week(k: int) -> Floats:
        """Return the amount of the k-th week back from each row's day; NaN where it began before the account did."""
        low, high_end = at - WEEK * k, at - WEEK * (k - 1)
        known = low >= begins[code]
        return np.where(known, totals[code, np.maximum(high_end, 0)] - totals[code, np.maximum(low, 0)], np.nan)

    weeks = np.column_stack([week(k) for k in range(1, MAX_WEEKS + EARLIER_WEEKS + 1)])
    for run in range(1, MAX_WEEKS + 1):
        before = weeks[:, run : run + EARLIER_WEEKS]
        known = (before > 0).sum(axis=1) >= MIN_WEEKS
        listened = np.where(before > 0, before, np.nan)
        usual = np.full(len(account), np.nan)
        usual[known] = np.nanmedian(listened[known], axis=1)
        if run == 1:
            result[known] = 0.0
        result[known & (weeks[:, :run] >= high * usual[:, None]).all(axis=1)] = run
    return result
