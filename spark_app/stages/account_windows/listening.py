"""Features of what and how an account listens over a window.

In these modules every public function but `gap_shares` is one feature of the same name: from a WindowBatch to an array
of shape (n,), NaN where the feature cannot be measured. Its unit and meaning are in `contracts/account_windows`.
"""

import numpy as np

from runtime.arrays import Floats, Ints
from runtime.units import HOUR_MS
from spark_app.stages.account_windows.window_batch import WindowBatch
from spark_app.stages.arrays.segments import ratio, runs, sum_by
from spark_app.stages.sessions.session_batch import MAX_LOOP_LAG


def hours(b: WindowBatch) -> Floats:
    return b.total("listen_ms") / HOUR_MS


def share_30_35(b: WindowBatch) -> Floats:
    return ratio(b.total("from_30_to_35"), b.plays)


def share_under_35(b: WindowBatch) -> Floats:
    return ratio(b.total("under_35"), b.plays)


def skip_rate(b: WindowBatch) -> Floats:
    return ratio(b.total("skipped"), b.plays)


def completion_mean(b: WindowBatch) -> Floats:
    return ratio(b.total("heard"), b.total("heard_known"))


def listen_cv(b: WindowBatch) -> Floats:
    mean = ratio(hours(b), b.plays)
    square = ratio(b.total("listen_square"), b.plays)
    variance = square - mean**2
    variance = np.where(variance > 1e-12 * square, variance, 0.0)  # what equal times differ by is rounding
    return ratio(np.where(b.plays > 1, np.sqrt(variance), np.nan), np.nan_to_num(mean))


def interaction_rate(b: WindowBatch) -> Floats:
    return ratio(b.total("touched"), hours(b))


def autoadvance_share(b: WindowBatch) -> Floats:
    return ratio(b.total("autoadvanced"), b.plays)


def night_share(b: WindowBatch) -> Floats:
    first = b.active_row[~b.follows]
    return np.where(b.days.has_zone[first], ratio(b.total("nights"), b.plays), np.nan)


def popularity_mean(b: WindowBatch) -> Floats:
    return ratio(b.total("popularity_log"), b.total("popularity_known"))


def hosting_share(b: WindowBatch) -> Floats:
    return ratio(b.total("hosting"), b.total("network_known"))


def _distinct(b: WindowBatch, name: str) -> Floats:
    window, values = b.flat(name)
    counts = sum_by(runs(window, values)[0], b.n)
    return np.where(counts > 0, counts, np.nan)


def n_devices(b: WindowBatch) -> Floats:
    return _distinct(b, "devices")


def n_ips(b: WindowBatch) -> Floats:
    return _distinct(b, "ips")


def n_countries(b: WindowBatch) -> Floats:
    return _distinct(b, "countries")


def _plays_by(b: WindowBatch, ids: str, plays: str) -> tuple[Ints, Floats]:
    """Return window and plays of each track, or artist, of a window."""
    window, values, counts = b.flat(ids, plays)
    order = np.lexsort((values, window))
    window, values = window[order], values[order]
    begins = np.ones(len(window), dtype=bool)
    begins[1:] = (window[1:] != window[:-1]) | (values[1:] != values[:-1])
    return window[begins], sum_by(np.cumsum(begins) - 1, int(begins.sum()), counts[order])


def _largest(b: WindowBatch, window: Ints, values: Floats) -> Floats:
    largest = np.zeros(b.n)
    np.maximum.at(largest, window, values)
    return largest


def top_track_share(b: WindowBatch) -> Floats:
    return ratio(_largest(b, *_plays_by(b, "tracks", "track_plays")), b.plays)


def tracks_per_day(b: WindowBatch) -> Floats:
    return ratio(sum_by(_plays_by(b, "tracks", "track_plays")[0], b.n), b.active_days)


def repeat_ratio(b: WindowBatch) -> Floats:
    window, plays = _plays_by(b, "tracks", "track_plays")
    unknown = sum_by(window, b.n, plays) < b.plays  # counts as one track, as in a session
    return 1.0 - ratio(sum_by(window, b.n) + unknown, b.plays)


def loop_share(b: WindowBatch) -> Floats:
    by_lag = b.days.lists["loops"].values.reshape(-1, MAX_LOOP_LAG)[b.row]
    counts = np.zeros((b.n, MAX_LOOP_LAG))
    np.add.at(counts, b.window, by_lag)
    return ratio(counts.max(axis=1), b.plays)


def artist_hhi(b: WindowBatch) -> Floats:
    window, plays = _plays_by(b, "artists", "artist_plays")
    known = sum_by(window, b.n, plays)
    return ratio(sum_by(window, b.n, plays**2), known**2)


def top_artist_share(b: WindowBatch) -> Floats:
    window, plays = _plays_by(b, "artists", "artist_plays")
    return ratio(_largest(b, window, plays), sum_by(window, b.n, plays))
