"""Each account as a personal export would show it: features of its sessions and user-days, from plays alone.

An independent reading of the definitions in `contracts/features.py` and `contracts/user_day_features.py`, without what
no export has (activity, popularity, networks) and what is not the person's (accounts behind an address).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.events import DEVICES
from contracts.features import LETTERS
from contracts.user_day_features import MIN_SD_OF_VOLUME, WEEK_DAYS
from producer.simulator.measure.calibration.day_clock import (
    entropy,
    longest_stretch_h,
    night_shift,
    periodicity,
    quiet_window_h,
    self_drift,
)
from producer.simulator.measure.calibration.days import Days, Plays, changes
from producer.simulator.measure.groups import Groups, ratio
from producer.simulator.measure.unit_features import LAGS, play_features
from runtime.arrays import Floats, Ints
from runtime.units import DAY_MS, HOUR_MS, MINUTE_MS

SESSION_GAP_MS, SESSION_CUT_MS = 30 * MINUTE_MS, 3 * HOUR_MS
RUN_GAP_MS, WAKE_GAP_MS = 20 * MINUTE_MS, 2 * HOUR_MS
LEAST_GAPS, LEAST_GAP_PAIRS = 4, 8
LEAST_PLAYS_OF_CLOCK = 80
ARTIST_GROUPS = 64
MAD_TO_SD = 1.4826
VS_MEAN = ("share_under_35", "skip_rate", "night_share", "repeat_ratio", "top_artist_share", "gap_entropy")
"""Features of a session compared with the mean of own days; plays and hours are compared in standard deviations."""
LEAST_SD = {"gap_entropy": 0.5}
LEAST_SD_OF_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class History:
    """Features by name of units of one kind, and the account of each unit."""

    features: dict[str, Floats]
    user: Ints


def session_history(plays: Plays) -> History:
    """Compute the features of sessions (30 minutes of silence, cut every 3 hours), own history among them."""
    user, time = plays["user"].astype(np.int64), plays["time"]
    cut = (time + user * 7_919_317 % SESSION_CUT_MS) // SESSION_CUT_MS
    begins = changes(user) | (np.diff(time, prepend=time[:1]) > SESSION_GAP_MS) | changes(cut)
    groups = Groups(np.cumsum(begins) - 1, int(begins.sum()))
    features = _features(plays, groups)
    owner = user[begins]
    days = Days(plays)
    by_day = _features(plays, days.groups)
    # the user-day on which a session begins: what was before it is the session's own history
    at = days.of[begins]
    known = days.has_history[at]
    deviations = []
    for name in ("plays", "hours"):
        centre, spread = _moments(days.before(by_day[name]))
        least = MIN_SD_OF_VOLUME["plays_day" if name == "plays" else name]
        deviation = (features[name] - centre[at]) / np.maximum(spread[at], least)
        features[f"{name}_vs_own"] = np.where(known, deviation, np.nan)
        deviations.append(features[f"{name}_vs_own"])
    for name in VS_MEAN:
        centre, spread = _moments(days.before(by_day[name]))
        features[f"{name}_vs_own"] = np.where(known, features[name] - centre[at], np.nan)
        least = LEAST_SD.get(name, LEAST_SD_OF_SHARE)
        deviations.append(features[f"{name}_vs_own"] / np.maximum(spread[at], least))
    table = np.stack(deviations)
    count = (~np.isnan(table)).sum(axis=0)
    drift = np.sqrt(ratio(np.nansum(table**2, axis=0), count.astype(float)))
    features["self_drift"] = np.where(count >= 3, drift, np.nan)
    return History(features, owner)


def day_history(plays: Plays) -> History:
    """Compute the features of user-days: of the day itself, of the clock over 7 and 28 days, and of own history."""
    days = Days(plays)
    features = _features(plays, days.groups)
    time, start = plays["time"], plays["time"] - plays["listen"]
    hour = plays["local"] % DAY_MS // HOUR_MS
    begins = changes(plays["user"]) | (np.diff(time, prepend=time[:1]) > SESSION_GAP_MS)
    night = days.groups.sum(hour < 5)
    features |= {
        "plays_day": features["plays"],
        "streams_day": features["streams"],
        "sessions_day": days.groups.sum(begins | changes(days.of)),
        "longest_run_h": longest_stretch_h(days, start, RUN_GAP_MS),
        "longest_wake_h": longest_stretch_h(days, start, WAKE_GAP_MS),
        "duty_24h": np.minimum((features["hours"] - features["overlap_s"] / 3600) / 24, 1),
        "plays_night": night,
        "dist_title_cnt": days.groups.distinct(plays["track"]),
        "periodicity": periodicity(days, start, begins),
        "quiet_window_h": quiet_window_h(days),
        "night_shift": night_shift(days, night),
        "self_drift_hours": self_drift(days, days.histogram(hour, 24)),
        "self_drift_artists": self_drift(days, days.histogram(plays["artist"] % ARTIST_GROUPS, ARTIST_GROUPS)),
    }
    local_start = plays["local"] - plays["listen"]
    for name, unit_ms, bins in (("minute_entropy", MINUTE_MS, 60), ("hour_entropy", HOUR_MS, 24)):
        counts = days.trailing(days.histogram(local_start // unit_ms % bins, bins), WEEK_DAYS)
        features[name] = np.where(counts.sum(axis=1) >= LEAST_PLAYS_OF_CLOCK, entropy(counts), np.nan)
    for name, quantity in (("plays", "plays_day"), ("hours", "hours")):
        table = days.before(features[quantity])
        least = MIN_SD_OF_VOLUME[quantity]
        centre, spread = _moments(table)
        features[f"z_own_{name}"] = (features[quantity] - centre) / np.maximum(spread, least)
        centre, spread = _robust(table)
        features[f"rz_own_{name}"] = (features[quantity] - centre) / np.maximum(spread, least)
        for kind in ("z_own", "rz_own"):
            features[f"{kind}_{name}"][~days.has_history] = np.nan
    return History(features, days.user)


def _features(plays: Plays, groups: Groups) -> dict[str, Floats]:
    """Compute what sessions and user-days have in common; NaN under the number of gaps that a distribution needs."""
    features = play_features(plays, groups)
    gaps = groups.count - 1
    for name, least in (("gap_entropy", LEAST_GAPS), ("modal_gap_share", LEAST_GAPS), ("gap_burstiness", LEAST_GAPS),
                        ("gap_memory", LEAST_GAP_PAIRS + 1)):  # fmt: skip
        features[name] = np.where(gaps >= least, features[name], np.nan)
    features["share_under_35"] = groups.mean(plays["listen"] < 35_000)
    features["loop_lag"] = _loop_lag(plays["track"], groups)
    shares = {f"dev_type_{letter}_pct": groups.mean(plays["device_type"] == code)
              for code, letter in zip(range(len(DEVICES)), LETTERS, strict=False)}  # fmt: skip
    return features | shares


def _loop_lag(track: NDArray[np.int64], groups: Groups) -> Floats:
    """Return the lag of 1–12 plays at which most plays equal the one that many back; NaN where none does."""
    best, lag_of = np.zeros(groups.n), np.full(groups.n, np.nan)
    for lag in LAGS:
        same = (groups.of[lag:] == groups.of[:-lag]) & (track[lag:] == track[:-lag])
        count = np.bincount(groups.of[lag:], same, groups.n)
        lag_of = np.where(count > best, lag, lag_of)
        best = np.maximum(best, count)
    return lag_of


def _moments(table: Floats) -> tuple[Floats, Floats]:
    """Return mean and standard deviation (n − 1) of the known values of each row."""
    n = (~np.isnan(table)).sum(axis=1).astype(float)
    mean = ratio(np.nansum(table, axis=1), n)
    squares = np.nansum((table - mean[:, None]) ** 2, axis=1)
    return mean, np.sqrt(ratio(squares, n - 1))


def _robust(table: Floats) -> tuple[Floats, Floats]:
    """Return the median and the spread by the median deviation of the known values of each row; NaN where none is."""
    centre = _row_median(table)
    return centre, MAD_TO_SD * _row_median(np.abs(table - centre[:, None]))


def _row_median(table: Floats) -> Floats:
    ordered = np.sort(table, axis=1)
    n = (~np.isnan(table)).sum(axis=1)
    row = np.arange(len(table))
    low, high = ordered[row, np.maximum((n - 1) // 2, 0)], ordered[row, np.minimum(n // 2, table.shape[1] - 1)]
    return np.where(n > 0, (low + high) / 2, np.nan)
