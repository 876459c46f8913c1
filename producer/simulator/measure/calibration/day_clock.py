"""Features of a user-day that come from its clock and its own history: stretches, periods, the quiet window, drift."""

import numpy as np
from numpy.typing import NDArray

from contracts.user_day_features import HISTORY_DAYS, MIN_HISTORY_DAYS, WEEK_DAYS
from producer.simulator.measure.calibration.days import Days, changes
from producer.simulator.measure.groups import ratio
from runtime.arrays import Floats, Ints
from runtime.units import DAY_MS, HOUR_MS, MINUTE_MS

LEAST_BEGINS, LEAST_DAYS_OF_CLOCK = 8, 3
PERIODS_MIN = (5, 10, 15, 20, 30, 60)
HALF_HOURS = 48


def longest_stretch_h(days: Days, start: Ints, gap_ms: int) -> Floats:
    """Return the longest stretch of plays with less than `gap_ms` of silence up to each day's end."""
    user, end = days.plays["user"].astype(np.int64), days.plays["time"]
    order = np.lexsort((end, start, user))
    apart = user[order] * (end.max() - start.min() + 1)
    until = np.maximum.accumulate(end[order] + apart) - apart
    begins = changes(user[order])
    begins[1:] |= start[order][1:] - until[:-1] >= gap_ms
    began = start[order][np.flatnonzero(begins)[np.cumsum(begins) - 1]]
    longest = np.zeros(days.n)
    np.maximum.at(longest, days.of[order], (until - began) / HOUR_MS)
    return longest


def periodicity(days: Days, start: Ints, begins: NDArray[np.bool_]) -> Floats:
    """Return the largest mean resultant length of the begins of 28 days over periods of 5 to 60 minutes."""
    day, at = days.of[begins], start[begins]
    n = days.trailing(np.bincount(day, minlength=days.n).astype(np.float64), HISTORY_DAYS)
    best = np.zeros(days.n)
    for minutes in PERIODS_MIN:
        angle = 2 * np.pi * (at % (minutes * MINUTE_MS)) / (minutes * float(MINUTE_MS))
        waves = (np.bincount(day, wave(angle), days.n).astype(np.float64) for wave in (np.cos, np.sin))
        x, y = (days.trailing(wave, HISTORY_DAYS) for wave in waves)
        best = np.maximum(best, np.minimum(ratio(np.hypot(x, y), n), 1))
    return np.where(n >= LEAST_BEGINS, best, np.nan)


def quiet_window_h(days: Days) -> Floats:
    """Return the longest part of the clock, to half an hour, in which no play of 7 days runs."""
    bin_ms = DAY_MS // HALF_HOURS
    end = days.plays["local"]
    first = (end - np.minimum(days.plays["listen"], DAY_MS - bin_ms)) % DAY_MS // bin_ms
    last = end % DAY_MS // bin_ms
    steps = np.zeros((days.n, HALF_HOURS + 1))
    np.add.at(steps, (days.of, first), 1)
    np.add.at(steps, (days.of, last + 1), -1)
    steps[:, 0] += np.bincount(days.of[first > last], minlength=days.n)
    is_quiet = days.trailing(np.cumsum(steps, axis=1)[:, :HALF_HOURS], WEEK_DAYS) < 0.5
    longest, length = np.zeros(days.n), np.zeros(days.n)
    for place in range(2 * HALF_HOURS):  # twice round the clock: a window may span midnight
        length = np.where(is_quiet[:, place % HALF_HOURS], length + 1, 0)
        longest = np.maximum(longest, length)
    active = np.arange(days.n) - days.first_within(WEEK_DAYS - 1) + 1
    hours = np.minimum(longest, HALF_HOURS) * 24 / HALF_HOURS
    return np.where(active >= LEAST_DAYS_OF_CLOCK, hours, np.nan)


def night_shift(days: Days, night: Floats) -> Floats:
    counts = np.stack((night, days.groups.count, np.ones(days.n)), axis=1)
    week, month = days.trailing(counts, WEEK_DAYS), days.trailing(counts, HISTORY_DAYS)
    before = month - week
    shift = ratio(week[:, 0], week[:, 1]) - ratio(before[:, 0], before[:, 1])
    return np.where(before[:, 2] >= MIN_HISTORY_DAYS, shift, np.nan)


def self_drift(days: Days, today: Floats) -> Floats:
    """Return the Jensen–Shannon divergence in bits of a day's histogram from that of own history."""
    history = days.trailing(today, HISTORY_DAYS + 1) - today
    a, b = (counts / np.maximum(counts.sum(axis=1, keepdims=True), 1) for counts in (today, history))
    drift = entropy((a + b) / 2) - (entropy(a) + entropy(b)) / 2
    return np.where(days.has_history, np.clip(drift, 0, 1), np.nan)


def entropy(counts: Floats) -> Floats:
    """Return the entropy in bits of each row of counts."""
    total = counts.sum(axis=1, keepdims=True)
    share = counts / np.where(total > 0, total, 1)
    return np.asarray(-(share * np.log2(np.where(share > 0, share, 1))).sum(axis=1))
