"""Features of the clock times of listening, over 7 or 28 local days up to the user-day. Form: see `day`."""

import numpy as np

from contracts.user_day_features import HISTORY_DAYS, WEEK_DAYS
from runtime.arrays import Floats, Ints
from runtime.units import DAY_MS, HOUR_MS, MINUTE_MS
from spark_app.stages.arrays.segments import ratio, sum_by
from spark_app.stages.user_days.day_batch import DayBatch
from spark_app.stages.user_days.history import entropy_bits, histogram

PERIODS_MIN = (5, 10, 15, 20, 30, 60)
MIN_SESSION_STARTS = 8
"""Session starts below which their regularity means nothing: by chance alone, 8 have a resultant of about .35."""
MIN_PLAYS_OF_CLOCK = 80
"""Under 80 events the entropy of clock times is of no use (docs/reference/published-numbers.md#features)."""
MIN_DAYS_OF_CLOCK = 3
CLOCK_BINS = 48


def _entropy_of_starts(b: DayBatch, bins: Ints, n_bins: int) -> Floats:
    counts = b.trailing(histogram(b, bins, n_bins, b.is_play), WEEK_DAYS)
    return np.where(counts.sum(axis=1) >= MIN_PLAYS_OF_CLOCK, entropy_bits(counts), np.nan)


def minute_entropy(b: DayBatch) -> Floats:
    return _entropy_of_starts(b, (b.local_ms - b.listen_ms) // MINUTE_MS % 60, 60)


def hour_entropy(b: DayBatch) -> Floats:
    entropy = _entropy_of_starts(b, (b.local_ms - b.listen_ms) // HOUR_MS % 24, 24)
    return np.where(b.has_zone, entropy, np.nan)


def periodicity(b: DayBatch) -> Floats:
    begins = b.starts_a_session
    n = b.trailing(b.count(begins), HISTORY_DAYS)
    best = np.zeros(b.n)
    for minutes in PERIODS_MIN:
        angle = 2 * np.pi * (b.event_ms[begins] - b.listen_ms[begins]) / (minutes * MINUTE_MS)
        x, y = (b.trailing(sum_by(b.day[begins], b.n, wave(angle)), HISTORY_DAYS) for wave in (np.cos, np.sin))
        best = np.maximum(best, np.minimum(ratio(np.hypot(x, y), n), 1.0))
    return np.where(n >= MIN_SESSION_STARTS, best, np.nan)


def _running_bins(b: DayBatch) -> Floats:
    """Count the plays that run in each half hour of the clock, per user-day: shape (n, CLOCK_BINS)."""
    bin_ms = DAY_MS // CLOCK_BINS
    day, end = b.day[b.is_play], b.local_ms[b.is_play]
    listen = np.minimum(b.listen_ms[b.is_play], DAY_MS - bin_ms)
    last = end % DAY_MS // bin_ms
    first = (end - listen) % DAY_MS // bin_ms
    steps = np.zeros((b.n, CLOCK_BINS + 1))
    over_midnight = first > last
    np.add.at(steps, (day, first), 1)
    np.add.at(steps, (day, last + 1), -1)
    steps[:, 0] += sum_by(day[over_midnight], b.n)
    return np.cumsum(steps, axis=1)[:, :CLOCK_BINS]


def quiet_window_h(b: DayBatch) -> Floats:
    is_quiet = b.trailing(_running_bins(b), WEEK_DAYS) == 0
    longest = np.zeros(b.n)
    length = np.zeros(b.n)
    for i in range(2 * CLOCK_BINS):  # twice round the clock: a window may span midnight
        length = np.where(is_quiet[:, i % CLOCK_BINS], length + 1, 0)
        longest = np.maximum(longest, length)
    hours = np.minimum(longest, CLOCK_BINS) * 24 / CLOCK_BINS
    active = np.arange(b.n) - b.first_within(WEEK_DAYS - 1) + 1
    return np.where(b.has_zone & (active >= MIN_DAYS_OF_CLOCK), hours, np.nan)
