"""The features of a session: one function each, from a SessionBatch to an array of n floats, NaN where not measurable.

A feature is one function here and one name in `contracts/features.py`; stream and batch run this same code.
"""

from collections.abc import Callable

import numpy as np

from contracts.events import ACTIONS, INTERACTIONS, NETWORKS, STREAM_MS
from contracts.features import FEATURE_NAMES
from spark_app.stages.rows import IS_AUTOADVANCE, IS_SKIP
from spark_app.stages.session_batch import Bools, Floats, Ints, SessionBatch, runs, sum_by

FeatureFunction = Callable[[SessionBatch], Floats]
FEATURES: dict[str, FeatureFunction] = {}
"""By name; features that need the account's static row are in `account_features`."""

MIN_GAPS = 4
"""Fewest start-to-start gaps of which a distribution is worth a number."""
MIN_GAP_PAIRS = 8
"""Fewest pairs of consecutive gaps for a correlation."""
BINS_PER_OCTAVE = 2
"""Width of the log bins of gap_entropy."""
MAX_LOOP_LAG = 12
LICENCE_WINDOW_MS = 10 * 60_000
SKIP_BEFORE = 0.9
"""A track left by hand after this share of it counts as heard, not skipped."""


def feature(function: FeatureFunction) -> FeatureFunction:
    """Register a feature under its function's name."""
    FEATURES[function.__name__] = function
    return function


def ratio(top: Floats, bottom: Floats) -> Floats:
    """Divide; NaN where the bottom is 0.

    >>> ratio(np.array([1.0, 0.0]), np.array([4.0, 0.0]))
    array([0.25,  nan])
    """
    return np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom > 0)


def _share(b: SessionBatch, mask: Bools) -> Floats:
    """Share of plays for which `mask` holds."""
    return ratio(b.count(mask & b.is_play), b.plays)


def _is_action(b: SessionBatch, *names: str) -> Bools:
    return np.isin(b.action, [ACTIONS.index(name) for name in names])


@feature
def plays(b: SessionBatch) -> Floats:
    return b.plays


@feature
def streams(b: SessionBatch) -> Floats:
    return b.count(b.is_play & (b.listen_ms >= STREAM_MS))


@feature
def hours(b: SessionBatch) -> Floats:
    return b.total(b.listen_ms, b.is_play) / 3.6e6


@feature
def span_h(b: SessionBatch) -> Floats:
    return (b.ended_ms - b.started_ms) / 3.6e6


@feature
def share_30_35(b: SessionBatch) -> Floats:
    return _share(b, (b.listen_ms >= STREAM_MS) & (b.listen_ms < 35_000))


@feature
def share_under_35(b: SessionBatch) -> Floats:
    return _share(b, b.listen_ms < 35_000)


@feature
def early_skip_5(b: SessionBatch) -> Floats:
    return _share(b, b.listen_ms < 5_000)


def _completion(b: SessionBatch) -> tuple[Floats, Bools]:
    """Share of each track heard, at most 1, and where it is known."""
    known = b.is_play & (b.duration_ms > 0)
    return np.minimum(b.listen_ms / np.maximum(b.duration_ms, 1), 1.0), known


@feature
def skip_rate(b: SessionBatch) -> Floats:
    share, known = _completion(b)
    heard = known & (share >= SKIP_BEFORE)
    return _share(b, ((b.code & IS_SKIP) > 0) & ~heard)


@feature
def completion_mean(b: SessionBatch) -> Floats:
    share, known = _completion(b)
    return ratio(b.total(share, known), b.count(known))


def _spread(b: SessionBatch, values: Floats, mask: Bools) -> tuple[Floats, Floats]:
    """Mean and standard deviation by session; the latter NaN under two rows."""
    n = b.count(mask)
    mean = ratio(b.total(values, mask), n)
    squares = b.total((values - np.nan_to_num(mean)[b.session]) ** 2, mask)
    return mean, np.sqrt(np.where(n > 1, ratio(squares, n), np.nan))


@feature
def completion_sd(b: SessionBatch) -> Floats:
    return _spread(b, *_completion(b))[1]


@feature
def listen_cv(b: SessionBatch) -> Floats:
    mean, sd = _spread(b, b.listen_ms.astype(np.float64), b.is_play)
    return ratio(sd, np.nan_to_num(mean))


@feature
def interaction_rate(b: SessionBatch) -> Floats:
    return ratio(b.count(_is_action(b, *INTERACTIONS)), hours(b))


@feature
def actions_per_play(b: SessionBatch) -> Floats:
    return ratio(b.count(~b.is_play), b.plays)


@feature
def autoadvance_share(b: SessionBatch) -> Floats:
    return _share(b, (b.code & IS_AUTOADVANCE) > 0)


def _union_ms(b: SessionBatch) -> Floats:
    """Time with at least one play running, by session, in ms."""
    p = b.by_start
    if len(p.session) == 0:
        return np.zeros(b.n)
    before = np.concatenate([[np.iinfo(np.int64).min], p.heard_until_ms[:-1]])
    first = np.concatenate([[True], p.session[1:] != p.session[:-1]])
    begins = np.where(first, p.start_ms, np.maximum(p.start_ms, before))
    return sum_by(p.session, b.n, np.maximum(p.end_ms - begins, 0))


@feature
def duty(b: SessionBatch) -> Floats:
    return ratio(_union_ms(b), (b.ended_ms - b.started_ms).astype(np.float64))


@feature
def overlap_s(b: SessionBatch) -> Floats:
    return np.maximum(b.total(b.listen_ms, b.is_play) - _union_ms(b), 0) / 1000.0


def _n_gaps(b: SessionBatch) -> Floats:
    return sum_by(b.by_start.gap_session, b.n)


@feature
def gap_entropy(b: SessionBatch) -> Floats:
    gaps = b.by_start
    bins = np.floor(np.log2(np.maximum(gaps.gap_s, 0.5)) * BINS_PER_OCTAVE).astype(np.int64)
    session, _, counts = runs(gaps.gap_session, bins)
    n = _n_gaps(b)
    p = counts / n[session]
    entropy = sum_by(session, b.n, -p * np.log2(p))
    return np.where(n >= MIN_GAPS, entropy, np.nan)


@feature
def modal_gap_share(b: SessionBatch) -> Floats:
    gaps = b.by_start
    session, _, counts = runs(gaps.gap_session, np.rint(gaps.gap_s).astype(np.int64))
    top = np.zeros(b.n)
    np.maximum.at(top, session, counts)
    n = _n_gaps(b)
    return np.where(n >= MIN_GAPS, ratio(top, n), np.nan)


@feature
def gap_burstiness(b: SessionBatch) -> Floats:
    gaps, n = b.by_start, _n_gaps(b)
    mean = ratio(sum_by(gaps.gap_session, b.n, gaps.gap_s), n)
    squares = (gaps.gap_s - np.nan_to_num(mean)[gaps.gap_session]) ** 2
    sd = np.sqrt(ratio(sum_by(gaps.gap_session, b.n, squares), n))
    return np.where(n >= MIN_GAPS, ratio(sd - mean, np.nan_to_num(sd + mean)), np.nan)


@feature
def gap_memory(b: SessionBatch) -> Floats:
    gaps = b.by_start
    same = gaps.gap_session[1:] == gaps.gap_session[:-1]
    session = gaps.gap_session[1:][same]
    logs = np.log(np.maximum(gaps.gap_s, 0.001))
    x, y = logs[:-1][same], logs[1:][same]

    def total(values: Floats) -> Floats:
        return sum_by(session, b.n, values)

    n = sum_by(session, b.n)
    mean_x, mean_y = (np.nan_to_num(ratio(total(v), n))[session] for v in (x, y))
    covariance = total((x - mean_x) * (y - mean_y))
    variances = np.sqrt(total((x - mean_x) ** 2) * total((y - mean_y) ** 2))
    # equal gaps have no correlation; rounding would give them one
    variances[variances < 1e-9] = 0.0
    return np.where(n >= MIN_GAP_PAIRS, ratio(covariance, variances), np.nan)


@feature
def pause_mean_s(b: SessionBatch) -> Floats:
    gaps = b.by_start
    total = sum_by(gaps.gap_session, b.n, gaps.silence_ms / 1000.0)
    return ratio(total, _n_gaps(b))


def _artist_shares(b: SessionBatch) -> tuple[Ints, Floats]:
    known = b.is_play & b.has_artist
    session, _, counts = runs(b.session[known], b.artist[known])
    return session, counts / b.count(known)[session]


@feature
def artist_hhi(b: SessionBatch) -> Floats:
    session, shares = _artist_shares(b)
    found = sum_by(session, b.n, shares**2)
    return np.where(found > 0, found, np.nan)


@feature
def top_artist_share(b: SessionBatch) -> Floats:
    session, shares = _artist_shares(b)
    top = np.full(b.n, np.nan)
    np.fmax.at(top, session, shares)
    return top


@feature
def repeat_ratio(b: SessionBatch) -> Floats:
    return 1.0 - ratio(np.nan_to_num(b.distinct(b.track, b.is_play)), b.plays)


def loops(b: SessionBatch) -> tuple[Floats, Floats]:
    """Return the lag at which most plays equal the play that many back (the smallest in a tie), and how many do."""
    p = b.by_start
    best, best_lag = np.zeros(b.n), np.full(b.n, np.nan)
    for lag in range(1, MAX_LOOP_LAG + 1):
        again = (p.session[lag:] == p.session[:-lag]) & (p.track[lag:] == p.track[:-lag])
        found = sum_by(p.session[lag:][again], b.n)
        best_lag = np.where(found > best, lag, best_lag)
        best = np.maximum(best, found)
    return best_lag, best


@feature
def loop_share(b: SessionBatch) -> Floats:
    return ratio(loops(b)[1], b.plays)


@feature
def popularity_mean(b: SessionBatch) -> Floats:
    known = b.is_play & (b.popularity > 0)
    logs = np.log10(np.where(known, b.popularity, 1.0))
    return ratio(b.total(logs, known), b.count(known))


@feature
def n_devices(b: SessionBatch) -> Floats:
    return b.distinct(b.device, b.has_device)


@feature
def n_ips(b: SessionBatch) -> Floats:
    return b.distinct(b.ip, b.has_ip)


@feature
def n_countries(b: SessionBatch) -> Floats:
    return b.distinct(b.country, b.country != 0)


@feature
def hosting_share(b: SessionBatch) -> Floats:
    away = np.isin(b.network, [NETWORKS.index("hosting"), NETWORKS.index("vpn")])
    return ratio(b.count(away), b.count(b.network >= 0))


@feature
def licence_cnt(b: SessionBatch) -> Floats:
    return b.count(_is_action(b, "licence_request"))


@feature
def license_rate_10min(b: SessionBatch) -> Floats:
    asked = np.flatnonzero(_is_action(b, "licence_request"))
    most = np.zeros(b.n)
    if len(asked):
        session, at = b.session[asked], b.event_ms[asked] - b.event_ms[asked].min()
        key = session * (at.max() + LICENCE_WINDOW_MS + 1) + at
        within = np.arange(1, len(key) + 1) - np.searchsorted(key, key - LICENCE_WINDOW_MS, side="right")
        np.maximum.at(most, session, within)
    return most


@feature
def error_rate(b: SessionBatch) -> Floats:
    failed = b.count(_is_action(b, "failed_start"))
    return ratio(failed, b.plays + failed)


ACCOUNT_FEATURES = ("night_share", "account_age_days", "is_paid_plan")
assert (*FEATURES, *ACCOUNT_FEATURES) == FEATURE_NAMES, "features and contracts/features.py differ"
