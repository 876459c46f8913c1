"""The features of a session: one function each, from a SessionBatch to an array of n floats, NaN where not measurable.

A feature is one function here or beside (`timing_features`, `client_features`), a line in FEATURES, and a name in
`contracts/features.py`; stream and batch run this same code.
"""

from collections.abc import Callable

import numpy as np

from contracts.events import ACTIONS, INTERACTIONS, NETWORKS, STREAM_MS
from contracts.features import FEATURE_NAMES, OWN_HISTORY_FEATURES
from runtime.arrays import Bools, Floats, Ints
from runtime.units import HOUR_MS
from spark_app.stages.arrays.segments import ratio, runs, sum_by
from spark_app.stages.sessions import client_features, timing_features
from spark_app.stages.sessions.rows import IS_AUTOADVANCE, IS_SKIP
from spark_app.stages.sessions.session_batch import SessionBatch

SKIP_BEFORE = 0.9
"""A track left by hand after this share of it counts as heard, not skipped."""


def _share(b: SessionBatch, mask: Bools) -> Floats:
    """Share of plays for which `mask` holds."""
    return ratio(b.count(mask & b.is_play), b.plays)


def _is_action(b: SessionBatch, *names: str) -> Bools:
    return np.isin(b.action, [ACTIONS.index(name) for name in names])


def plays(b: SessionBatch) -> Floats:
    return b.plays


def streams(b: SessionBatch) -> Floats:
    return b.count(b.is_play & (b.listen_ms >= STREAM_MS))


def hours(b: SessionBatch) -> Floats:
    return b.total(b.listen_ms, b.is_play) / HOUR_MS


def span_h(b: SessionBatch) -> Floats:
    return (b.ended_ms - b.started_ms) / HOUR_MS


def share_30_35(b: SessionBatch) -> Floats:
    return _share(b, (b.listen_ms >= STREAM_MS) & (b.listen_ms < 35_000))


def share_under_35(b: SessionBatch) -> Floats:
    return _share(b, b.listen_ms < 35_000)


def early_skip_5(b: SessionBatch) -> Floats:
    return _share(b, b.listen_ms < 5_000)


def _completion(b: SessionBatch) -> tuple[Floats, Bools]:
    """Share of each track heard, at most 1, and where it is known."""
    known = b.is_play & (b.duration_ms > 0)
    return np.minimum(b.listen_ms / np.maximum(b.duration_ms, 1), 1.0), known


def skip_rate(b: SessionBatch) -> Floats:
    share, known = _completion(b)
    heard = known & (share >= SKIP_BEFORE)
    return _share(b, ((b.code & IS_SKIP) > 0) & ~heard)


def completion_mean(b: SessionBatch) -> Floats:
    share, known = _completion(b)
    return ratio(b.total(share, known), b.count(known))


def _spread(b: SessionBatch, values: Floats, mask: Bools) -> tuple[Floats, Floats]:
    """Mean and standard deviation by session; the latter NaN under two rows."""
    n = b.count(mask)
    mean = ratio(b.total(values, mask), n)
    squares = b.total((values - np.nan_to_num(mean)[b.session]) ** 2, mask)
    return mean, np.sqrt(np.where(n > 1, ratio(squares, n), np.nan))


def completion_sd(b: SessionBatch) -> Floats:
    return _spread(b, *_completion(b))[1]


def listen_cv(b: SessionBatch) -> Floats:
    mean, sd = _spread(b, b.listen_ms.astype(np.float64), b.is_play)
    return ratio(sd, np.nan_to_num(mean))


def interaction_rate(b: SessionBatch) -> Floats:
    return ratio(b.count(_is_action(b, *INTERACTIONS)), hours(b))


def actions_per_play(b: SessionBatch) -> Floats:
    return ratio(b.count(~b.is_play), b.plays)


def autoadvance_share(b: SessionBatch) -> Floats:
    return _share(b, (b.code & IS_AUTOADVANCE) > 0)


def _artist_shares(b: SessionBatch) -> tuple[Ints, Floats]:
    known = b.is_play & b.has_artist
    session, _, counts = runs(b.session[known], b.artist[known])
    return session, counts / b.count(known)[session]


def artist_hhi(b: SessionBatch) -> Floats:
    session, shares = _artist_shares(b)
    found = sum_by(session, b.n, shares**2)
    return np.where(found > 0, found, np.nan)


def top_artist_share(b: SessionBatch) -> Floats:
    session, shares = _artist_shares(b)
    top = np.full(b.n, np.nan)
    np.fmax.at(top, session, shares)
    return top


def repeat_ratio(b: SessionBatch) -> Floats:
    return 1.0 - ratio(np.nan_to_num(b.distinct(b.track, b.is_play)), b.plays)


def loop_share(b: SessionBatch) -> Floats:
    return ratio(b.loops[1], b.plays)


def loop_lag(b: SessionBatch) -> Floats:
    return b.loops[0]


def popularity_mean(b: SessionBatch) -> Floats:
    known = b.is_play & (b.popularity > 0)
    logs = np.log10(np.where(known, b.popularity, 1.0))
    return ratio(b.total(logs, known), b.count(known))


def n_devices(b: SessionBatch) -> Floats:
    return b.distinct(b.device, b.has_device)


def n_ips(b: SessionBatch) -> Floats:
    return b.distinct(b.ip, b.has_ip)


def n_countries(b: SessionBatch) -> Floats:
    return b.distinct(b.country, b.country != 0)


def hosting_share(b: SessionBatch) -> Floats:
    away = np.isin(b.network, [NETWORKS.index("hosting"), NETWORKS.index("vpn")])
    return ratio(b.count(away), b.count(b.network >= 0))


FeatureFunction = Callable[[SessionBatch], Floats]
FEATURES: dict[str, FeatureFunction] = {
    "plays": plays,
    "streams": streams,
    "hours": hours,
    "span_h": span_h,
    "share_30_35": share_30_35,
    "share_under_35": share_under_35,
    "early_skip_5": early_skip_5,
    "skip_rate": skip_rate,
    "completion_mean": completion_mean,
    "completion_sd": completion_sd,
    "listen_cv": listen_cv,
    "interaction_rate": interaction_rate,
    "actions_per_play": actions_per_play,
    "autoadvance_share": autoadvance_share,
    "duty": timing_features.duty,
    "overlap_s": timing_features.overlap_s,
    "gap_entropy": timing_features.gap_entropy,
    "modal_gap_share": timing_features.modal_gap_share,
    "gap_burstiness": timing_features.gap_burstiness,
    "gap_memory": timing_features.gap_memory,
    "pause_mean_s": timing_features.pause_mean_s,
    "artist_hhi": artist_hhi,
    "top_artist_share": top_artist_share,
    "repeat_ratio": repeat_ratio,
    "loop_share": loop_share,
    "popularity_mean": popularity_mean,
    "n_devices": n_devices,
    "n_ips": n_ips,
    "n_countries": n_countries,
    "hosting_share": hosting_share,
    "license_cnt": client_features.license_cnt,
    "license_rate_10min": client_features.license_rate_10min,
    "error_rate": client_features.error_rate,
    "loop_lag": loop_lag,
    "max_speed_kmh": client_features.max_speed_kmh,
    "dev_drm_mismatch": client_features.dev_drm_mismatch,
    "dist_drm_cnt": client_features.dist_drm_cnt,
    "dist_enc_frmt_cnt": client_features.dist_enc_frmt_cnt,
    **client_features.CLIENT_SHARES,
}
"""By name; features that need more than a session's rows are in `account_features` and `own_baseline_features`."""
ACCOUNT_FEATURES = ("night_share", "account_age_days", "is_paid_plan")
_ALL = {*FEATURES, *ACCOUNT_FEATURES, *OWN_HISTORY_FEATURES}
assert {*FEATURE_NAMES} == _ALL, "features and contracts/features.py differ"
