"""The features of a window: each public function is one, from a WindowBatch to shape (n,), NaN if unknown."""

import numpy as np

from contracts.account_windows import GAP_EDGES_S
from contracts.events import ACTIONS, INTERACTIONS
from contracts.user_day_features import HISTORY_DAYS
from runtime.arrays import Floats, Ints
from runtime.units import HOUR_MS
from spark_app.stages.account_windows.window_batch import WindowBatch
from spark_app.stages.arrays.segments import ratio, runs, sum_by
from spark_app.stages.sessions.features.timing import BINS_PER_OCTAVE
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
    window, day = b.days_of
    breaks = np.ones(len(day), dtype=bool)
    breaks[1:] = (window[1:] != window[:-1]) | (np.diff(day) > 1)
    starts = np.flatnonzero(breaks)
    lengths = np.diff(starts, append=len(day))
    longest = np.zeros(b.n)
    np.maximum.at(longest, window[starts], lengths)
    return longest


def days_before(b: WindowBatch) -> Floats:
    """Days without a row before the first active day of the window: NaN where it is the account's first day."""
    first_row = np.searchsorted(b.window, np.arange(b.n))
    first_day = b.days.day[b.row[first_row]]
    previous = np.maximum(first_day - 1, 0)
    is_same = (first_day > 0) & (b.days.day_user[previous] == b.user)
    rest = b.days.day_number[first_day] - b.days.day_number[previous] - 1
    return np.where(is_same, np.minimum(rest, HISTORY_DAYS), np.nan).astype(np.float64)


def interaction_rate(b: WindowBatch) -> Floats:
    s = b.days.as_sessions
    touched = np.isin(s.action, [ACTIONS.index(name) for name in INTERACTIONS])
    running = np.append(0.0, np.cumsum(s.count(touched)))
    hours = b.as_sessions.total(b.as_sessions.listen_ms, b.as_sessions.is_play) / HOUR_MS
    return ratio(running[b.end_day] - running[b.first_day], hours)


def longest_wake_h(b: WindowBatch) -> Floats:
    event_ms = b.days.event_ms[b.row]
    breaks = np.ones(len(event_ms), dtype=bool)
    breaks[1:] = (b.window[1:] != b.window[:-1]) | (np.diff(event_ms) > WAKE_PAUSE_MS)
    starts = np.flatnonzero(breaks)
    ends = np.append(starts[1:], len(event_ms)) - 1
    longest = np.zeros(b.n)
    np.maximum.at(longest, b.window[starts], (event_ms[ends] - event_ms[starts]) / HOUR_MS)
    return longest


def _regularity(window: Ints, gap_s: Floats, n_windows: int) -> Floats:
    bins = np.floor(np.log2(np.maximum(gap_s, 0.5)) * BINS_PER_OCTAVE).astype(np.int64)
    of_bin, _, counts = runs(window, bins)
    n = sum_by(window, n_windows)
    p = counts / n[of_bin]
    entropy = sum_by(of_bin, n_windows, -p * np.log2(p))
    return np.where(n >= MIN_GAPS, 1 - entropy / np.log2(np.maximum(n, 2)), np.nan)


def gap_regularity(b: WindowBatch) -> Floats:
    gaps = b.as_sessions.by_start
    return _regularity(gaps.gap_session, gaps.gap_s, b.n)


def first_gaps_regularity(b: WindowBatch) -> Floats:
    """Compare busy accounts with quiet ones: the same number of gaps of each."""
    gaps = b.as_sessions.by_start
    window = gaps.gap_session
    is_first = np.arange(len(window)) - np.searchsorted(window, window) < FIRST_GAPS
    return _regularity(window[is_first], gaps.gap_s[is_first], b.n)


def _spread(window: Ints, values: Floats, n_windows: int) -> Floats:
    """Return standard deviation / mean by window; NaN under MIN_PARTS values."""
    n = sum_by(window, n_windows)
    mean = ratio(sum_by(window, n_windows, values), n)
    squares = sum_by(window, n_windows, (values - np.nan_to_num(mean)[window]) ** 2)
    return np.where(n >= MIN_PARTS, np.sqrt(ratio(squares, n)) / np.where(mean > 0, mean, np.nan), np.nan)


def _active_day(b: WindowBatch) -> Ints:
    """Return for each play the position of its active day in `days_of`."""
    return np.cumsum(b.begins_day) - 1


def plays_day_cv(b: WindowBatch) -> Floats:
    window, _ = b.days_of
    return _spread(window, sum_by(_active_day(b), len(window)), b.n)


def hours_alike(b: WindowBatch) -> Floats:
    window, _ = b.days_of
    n = len(window)
    hours = sum_by(_active_day(b) * 24 + _start_hour(b), n * 24).reshape(n, 24)
    hours /= np.maximum(hours.sum(axis=1, keepdims=True), 1)
    same = window[1:] == window[:-1]
    overlap = np.minimum(hours[1:], hours[:-1]).sum(axis=1)[same]
    pairs = sum_by(window[1:][same], b.n)
    return np.where(pairs >= MIN_PARTS - 1, ratio(sum_by(window[1:][same], b.n, overlap), pairs), np.nan)


def _runs_of_plays(b: WindowBatch) -> tuple[Ints, Floats]:
    """Return window and plays of each run of plays without a pause of 30 minutes."""
    begins = np.ones(len(b.row), dtype=bool)
    begins[1:] = (b.window[1:] != b.window[:-1]) | (np.diff(b.days.event_ms[b.row]) > SESSION_GAP_MS)
    return b.window[begins], np.diff(np.flatnonzero(begins), append=len(b.row)).astype(np.float64)


def runs_per_day(b: WindowBatch) -> Floats:
    return ratio(sum_by(_runs_of_plays(b)[0], b.n), b.active_days)


def run_plays_cv(b: WindowBatch) -> Floats:
    return _spread(*_runs_of_plays(b), b.n)


def _start_hour(b: WindowBatch) -> Ints:
    """Return the local hour at which each play of a window starts."""
    return (b.days.local_ms[b.row] - b.days.listen_ms[b.row]) // HOUR_MS % 24


def _by_hour(b: WindowBatch) -> Floats:
    """Count starts by local hour: shape (n, 24)."""
    return sum_by(b.window * 24 + _start_hour(b), b.n * 24).reshape(b.n, 24)


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


def _tracks(b: WindowBatch) -> tuple[Ints, Ints]:
    """Return window and number of plays of each track of a window."""
    s = b.as_sessions
    known = s.is_play & (s.track >= 0)
    window, _, counts = runs(s.session[known], s.track[known])
    return window, counts


def top_track_share(b: WindowBatch) -> Floats:
    window, counts = _tracks(b)
    top = np.zeros(b.n)
    np.maximum.at(top, window, counts)
    return ratio(top, b.plays)


def tracks_per_day(b: WindowBatch) -> Floats:
    window, _ = _tracks(b)
    return ratio(sum_by(window, b.n), b.active_days)


def gap_shares(b: WindowBatch) -> Floats:
    """Return the histogram of gaps between starts as shares: shape (n, len(GAP_EDGES_S) + 1)."""
    gaps = b.as_sessions.by_start
    width = len(GAP_EDGES_S) + 1
    bins = np.searchsorted(np.array(GAP_EDGES_S), gaps.gap_s, side="right")
    counts = sum_by(gaps.gap_session * width + bins, b.n * width).reshape(b.n, width)
    total = counts.sum(axis=1)
    return np.where((total >= MIN_GAPS)[:, None], counts / np.maximum(total, 1)[:, None], np.nan)
