"""Features of a user-day compared with the account's own history (see `history`). Form: see `day`.

NaN under MIN_HISTORY_DAYS active days of it. `contracts/user_day_features.py` tells which days each feature uses.
"""

import numpy as np

from contracts.user_day_features import HISTORY_DAYS, MIN_HISTORY_DAYS, MIN_SD_OF_VOLUME, WEEK_DAYS
from models.metrics.robust import MAD_TO_SD, median_and_mad
from runtime.arrays import Floats
from spark_app.stages.arrays.segments import ratio
from spark_app.stages.sessions.features import listening, repetition
from spark_app.stages.user_days.day_batch import DayBatch
from spark_app.stages.user_days.features.day import plays_day, plays_night
from spark_app.stages.user_days.history import entropy_bits, histogram, history, history_days, moments

ARTIST_GROUPS = 64


def _deviation(b: DayBatch, values: Floats, min_spread: float, *, is_robust: bool = False) -> Floats:
    """Return the deviation of each day's value from own history, in its standard deviations, or in its scaled MADs."""
    table = history(b, values)
    if is_robust:
        centre, mad = median_and_mad(table)
        spread = mad * MAD_TO_SD
    else:
        centre, spread, _ = moments(table)
    deviation = (values - centre) / np.maximum(spread, min_spread)
    return np.where((~np.isnan(table)).sum(axis=1) >= MIN_HISTORY_DAYS, deviation, np.nan)


def z_own_plays(b: DayBatch) -> Floats:
    return _deviation(b, plays_day(b), MIN_SD_OF_VOLUME["plays_day"])


def z_own_hours(b: DayBatch) -> Floats:
    return _deviation(b, listening.hours(b.as_sessions), MIN_SD_OF_VOLUME["hours"])


def rz_own_plays(b: DayBatch) -> Floats:
    return _deviation(b, plays_day(b), MIN_SD_OF_VOLUME["plays_day"], is_robust=True)


def rz_own_hours(b: DayBatch) -> Floats:
    return _deviation(b, listening.hours(b.as_sessions), MIN_SD_OF_VOLUME["hours"], is_robust=True)


def night_shift(b: DayBatch) -> Floats:
    night, plays = np.nan_to_num(plays_night(b)), b.plays
    now = ratio(b.trailing(night, WEEK_DAYS), b.trailing(plays, WEEK_DAYS))
    of_28, of_7 = (b.trailing(np.stack([night, plays, np.ones(b.n)], axis=1), d) for d in (HISTORY_DAYS, WEEK_DAYS))
    night_before, plays_before, days_before = (of_28 - of_7).T
    shift = now - ratio(night_before, plays_before)
    return np.where(b.has_zone & (days_before >= MIN_HISTORY_DAYS), shift, np.nan)


def _drift(b: DayBatch, today: Floats) -> Floats:
    """Jensen–Shannon divergence in bits between a day's histogram, shape (n, bins), and that of its account's past."""
    history = b.before(today, HISTORY_DAYS)
    shares = [_row_shares(counts) for counts in (today, history)]
    mixed = entropy_bits((shares[0] + shares[1]) / 2)
    drift = mixed - (entropy_bits(shares[0]) + entropy_bits(shares[1])) / 2
    known = (history_days(b) >= MIN_HISTORY_DAYS) & (today.sum(axis=1) > 0) & (history.sum(axis=1) > 0)
    return np.where(known, np.clip(drift, 0.0, 1.0), np.nan)


def _row_shares(counts: Floats) -> Floats:
    """Scale each row to sum 1; a row of zeros stays zero."""
    return counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)


def self_drift_hours(b: DayBatch) -> Floats:
    return np.where(b.has_zone, _drift(b, histogram(b, b.hour, 24, b.is_play)), np.nan)


def self_drift_artists(b: DayBatch) -> Floats:
    known = b.is_play & (b.artist != 0)
    return _drift(b, histogram(b, b.artist % ARTIST_GROUPS, ARTIST_GROUPS, known))


def tail_mismatch(b: DayBatch) -> Floats:
    popularity = repetition.popularity_mean(b.as_sessions)
    mean, _, n = moments(history(b, popularity))
    return np.where(n >= MIN_HISTORY_DAYS, popularity - mean, np.nan)
