"""Features of when an account listens over a window. Form: see `listening`."""

import numpy as np

from contracts.account_windows import GAP_EDGES_S
from contracts.user_day_features import HISTORY_DAYS
from runtime.arrays import Floats, Ints
from runtime.units import HOUR_MS
from spark_app.stages.account_windows.window_batch import WindowBatch
from spark_app.stages.arrays.segments import ratio, runs, sum_by
from spark_app.stages.sessions.features.timing import BINS_PER_OCTAVE, MIN_GAP_PAIRS
from spark_app.stages.sessions.features.timing import MIN_GAPS as MIN_GAPS_OF_SESSION
from spark_app.stages.user_days.day_batch import SESSION_GAP_MS
from spark_app.stages.user_days.history import entropy_bits

MIN_GAPS = 8
"""Gaps below which their entropy means nothing."""
FIRST_GAPS = 100
MIN_PARTS = 3
"""Days or runs below which their spread means nothing."""
MIN_STARTS = 20
"""Plays below which the hours of their starts mean nothing."""
WAKE_PAUSE_MS = 2 * HOUR_MS


def plays_per_day(b: WindowBatch) -> Floats:
    return ratio(b.plays, b.active_days)


def active_share(b: WindowBatch) -> Floats:
    return b.active_days / b.length


def days_in_a_row(b: WindowBatch) -> Floats:
    day = b.days.day[b.active_row]
    breaks = ~b.follows
    breaks[1:] |= np.diff(day) > 1
    starts = np.flatnonzero(breaks)
    longest = np.zeros(b.n)
    np.maximum.at(longest, b.active_window[starts], np.diff(starts, append=len(day)))
    return longest


def days_before(b: WindowBatch) -> Floats:
    """Days without a row before the first active day of the window: NaN where it is the account's first day."""
    first = b.active_row[~b.follows]
    previous = np.maximum(first - 1, 0)
    is_same = (first > 0) & (b.days.user[previous] == b.user)
    rest = b.days.day[first] - b.days.day[previous] - 1
    return np.where(is_same, np.minimum(rest, HISTORY_DAYS), np.nan).astype(np.float64)


def longest_wake_h(b: WindowBatch) -> Floats:
    window, begins, ends, _ = b.stretches(WAKE_PAUSE_MS)
    longest = np.zeros(b.n)
    np.maximum.at(longest, window, (ends - begins) / HOUR_MS)
    return longest


def longest_rest_h(b: WindowBatch) -> Floats:
    window, begins, ends, _ = b.stretches(SESSION_GAP_MS)
    same = window[1:] == window[:-1]
    longest = np.zeros(b.n)
    np.maximum.at(longest, window[1:][same], (begins[1:] - ends[:-1])[same] / HOUR_MS)
    return np.where(b.plays > 1, longest, np.nan)


def _entropy(window: Ints, gap_s: Floats, n_windows: int) -> tuple[Floats, Floats]:
    """Return the entropy of log-binned gaps in bits and their number, by window."""
    bins = np.floor(np.log2(np.maximum(gap_s, 0.5)) * BINS_PER_OCTAVE).astype(np.int64)
    of_bin, _, counts = runs(window, bins)
    n = sum_by(window, n_windows)
    p = counts / n[of_bin]
    return sum_by(of_bin, n_windows, -p * np.log2(p)), n


def _regularity(window: Ints, gap_s: Floats, n_windows: int) -> Floats:
    entropy, n = _entropy(window, gap_s, n_windows)
    return np.where(n >= MIN_GAPS, 1 - entropy / np.log2(np.maximum(n, 2)), np.nan)


def gap_regularity(b: WindowBatch) -> Floats:
    return _regularity(*b.gaps, b.n)


def first_gaps_regularity(b: WindowBatch) -> Floats:
    """Compare busy accounts with quiet ones: the same number of gaps of each."""
    window, gap_s = b.gaps
    is_first = np.arange(len(window)) - np.searchsorted(window, window) < FIRST_GAPS
    return _regularity(window[is_first], gap_s[is_first], b.n)


def gap_entropy(b: WindowBatch) -> Floats:
    entropy, n = _entropy(*b.gaps, b.n)
    return np.where(n >= MIN_GAPS_OF_SESSION, entropy, np.nan)


def modal_gap_share(b: WindowBatch) -> Floats:
    window, gap_s = b.gaps
    of_value, _, counts = runs(window, np.rint(gap_s).astype(np.int64))
    top, n = np.zeros(b.n), sum_by(window, b.n)
    np.maximum.at(top, of_value, counts)
    return np.where(n >= MIN_GAPS_OF_SESSION, ratio(top, n), np.nan)


def gap_burstiness(b: WindowBatch) -> Floats:
    window, gap_s = b.gaps
    n = sum_by(window, b.n)
    mean = ratio(sum_by(window, b.n, gap_s), n)
    squares = (gap_s - np.nan_to_num(mean)[window]) ** 2
    sd = np.sqrt(ratio(sum_by(window, b.n, squares), n))
    return np.where(n >= MIN_GAPS_OF_SESSION, ratio(sd - mean, np.nan_to_num(sd + mean)), np.nan)


def gap_memory(b: WindowBatch) -> Floats:
    window, gap_s = b.gaps
    same = window[1:] == window[:-1]
    of_pair, logs = window[1:][same], np.log(np.maximum(gap_s, 0.001))
    n = sum_by(of_pair, b.n)
    x, y = (
        part - np.nan_to_num(ratio(sum_by(of_pair, b.n, part), n))[of_pair]
        for part in (logs[:-1][same], logs[1:][same])
    )
    variances = np.sqrt(sum_by(of_pair, b.n, x**2) * sum_by(of_pair, b.n, y**2))
    # equal gaps have no correlation; rounding would give them one
    variances[variances < 1e-9] = 0.0
    return np.where(n >= MIN_GAP_PAIRS, ratio(sum_by(of_pair, b.n, x * y), variances), np.nan)


def gap_shares(b: WindowBatch) -> Floats:
    """Return the histogram of gaps between starts as shares: shape (n, len(GAP_EDGES_S) + 1)."""
    window, gap_s = b.gaps
    width = len(GAP_EDGES_S) + 1
    bins = np.searchsorted(np.array(GAP_EDGES_S), gap_s, side="right")
    counts = sum_by(window * width + bins, b.n * width).reshape(b.n, width)
    total = counts.sum(axis=1)
    return np.where((total >= MIN_GAPS)[:, None], counts / np.maximum(total, 1)[:, None], np.nan)


def _spread(window: Ints, values: Floats, n_windows: int) -> Floats:
    """Return standard deviation / mean by window; NaN under MIN_PARTS values."""
    n = sum_by(window, n_windows)
    mean = ratio(sum_by(window, n_windows, values), n)
    squares = sum_by(window, n_windows, (values - np.nan_to_num(mean)[window]) ** 2)
    return np.where(n >= MIN_PARTS, np.sqrt(ratio(squares, n)) / np.where(mean > 0, mean, np.nan), np.nan)


def plays_day_cv(b: WindowBatch) -> Floats:
    return _spread(b.active_window, b.days.plays[b.active_row], b.n)


def hours_alike(b: WindowBatch) -> Floats:
    shares = b.hours / np.maximum(b.hours.sum(axis=1, keepdims=True), 1)
    second = np.flatnonzero(b.follows)
    overlap = np.minimum(shares[second], shares[second - 1]).sum(axis=1)
    pairs = sum_by(b.active_window[second], b.n)
    mean = ratio(sum_by(b.active_window[second], b.n, overlap), pairs)
    return np.where(pairs >= MIN_PARTS - 1, mean, np.nan)


def runs_per_day(b: WindowBatch) -> Floats:
    return ratio(sum_by(b.stretches(SESSION_GAP_MS)[0], b.n), b.active_days)


def run_plays_cv(b: WindowBatch) -> Floats:
    window, _, _, plays = b.stretches(SESSION_GAP_MS)
    return _spread(window, plays, b.n)


def _by_hour(b: WindowBatch) -> Floats:
    """Count starts by local hour: shape (n, 24)."""
    counts = np.zeros((b.n, 24))
    np.add.at(counts, b.active_window, b.hours)
    return counts


def hour_entropy(b: WindowBatch) -> Floats:
    counts = _by_hour(b)
    return np.where(counts.sum(axis=1) >= MIN_STARTS, entropy_bits(counts), np.nan)


def quiet_h(b: WindowBatch) -> Floats:
    counts = _by_hour(b)
    longest, length = np.zeros(b.n), np.zeros(b.n)
    for hour in range(48):  # twice round the clock: a stretch may span midnight
        length = np.where(counts[:, hour % 24] == 0, length + 1, 0)
        longest = np.maximum(longest, length)
    return np.where(counts.sum(axis=1) >= MIN_STARTS, np.minimum(longest, 24), np.nan)
