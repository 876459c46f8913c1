"""Features of a user-day compared with the account's own history (see `history`): volume, night, hours, artists.

NaN under HISTORY_DAYS_LEAST active days of it. What each sees is said in `contracts/user_day_features.py`.
"""

import numpy as np

from contracts.user_day_features import HISTORY_DAYS, HISTORY_DAYS_LEAST, MIN_SD_OF_VOLUME, WEEK_DAYS
from models.metrics.robust import MAD_TO_SD, median_and_mad
from runtime.arrays import Floats
from spark_app.stages.arrays.segments import ratio
from spark_app.stages.sessions.features import FEATURES
from spark_app.stages.user_days.day_batch import DayBatch, DayFunction, by_name
from spark_app.stages.user_days.day_features import OF_THE_DAY, plays_night
from spark_app.stages.user_days.history import entropy_bits, histogram, history, history_days, moments

ARTIST_GROUPS = 64


def _z(b: DayBatch, name: str, *, is_robust: bool) -> Floats:
    """Compare a feature with its own history; NaN under 7 days of it."""
    values = OF_THE_DAY[name](b)
    table = history(b, values)
    if is_robust:
        centre, mad = median_and_mad(table)
        spread = mad * MAD_TO_SD
    else:
        centre, spread, _ = moments(table)
    z = (values - centre) / np.maximum(spread, MIN_SD_OF_VOLUME[name])
    return np.where((~np.isnan(table)).sum(axis=1) >= HISTORY_DAYS_LEAST, z, np.nan)


def z_own_plays(b: DayBatch) -> Floats:
    return _z(b, "plays_day", is_robust=False)


def z_own_hours(b: DayBatch) -> Floats:
    return _z(b, "hours", is_robust=False)


def rz_own_plays(b: DayBatch) -> Floats:
    return _z(b, "plays_day", is_robust=True)


def rz_own_hours(b: DayBatch) -> Floats:
    return _z(b, "hours", is_robust=True)


def night_shift(b: DayBatch) -> Floats:
    night, plays = np.nan_to_num(plays_night(b)), b.plays
    now = ratio(b.trailing(night, WEEK_DAYS), b.trailing(plays, WEEK_DAYS))
    of_28, of_7 = (b.trailing(np.stack([night, plays, np.ones(b.n)], axis=1), d) for d in (HISTORY_DAYS, WEEK_DAYS))
    night_before, plays_before, days_before = (of_28 - of_7).T
    shift = now - ratio(night_before, plays_before)
    return np.where(b.has_zone & (days_before >= HISTORY_DAYS_LEAST), shift, np.nan)


def _drift(b: DayBatch, today: Floats) -> Floats:
    """Jensen–Shannon divergence in bits between a day's histogram, shape (n, bins), and that of its own history."""
    history = b.before(today, HISTORY_DAYS)
    shares = [ratio_rows(counts) for counts in (today, history)]
    mixed = entropy_bits((shares[0] + shares[1]) / 2)
    drift = mixed - (entropy_bits(shares[0]) + entropy_bits(shares[1])) / 2
    known = (history_days(b) >= HISTORY_DAYS_LEAST) & (today.sum(axis=1) > 0) & (history.sum(axis=1) > 0)
    return np.where(known, np.clip(drift, 0.0, 1.0), np.nan)


def ratio_rows(counts: Floats) -> Floats:
    """Scale each row to sum 1; a row of zeros stays."""
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


def self_drift_hours(b: DayBatch) -> Floats:
    return np.where(b.has_zone, _drift(b, histogram(b, b.hour, 24, b.is_play)), np.nan)


def self_drift_artists(b: DayBatch) -> Floats:
    known = b.is_play & (b.artist != 0)
    return _drift(b, histogram(b, b.artist % ARTIST_GROUPS, ARTIST_GROUPS, known))


def tail_mismatch(b: DayBatch) -> Floats:
    popularity = FEATURES["popularity_mean"](b.as_sessions)
    mean, _, n = moments(history(b, popularity))
    return np.where(n >= HISTORY_DAYS_LEAST, popularity - mean, np.nan)


OWN_HISTORY: dict[str, DayFunction] = by_name(
    z_own_plays,
    z_own_hours,
    rz_own_plays,
    rz_own_hours,
    night_shift,
    self_drift_hours,
    self_drift_artists,
    tail_mismatch,
)
