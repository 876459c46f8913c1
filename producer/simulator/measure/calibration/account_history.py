"""Each account as a personal export would show it: features of its sessions and user-days, from plays alone.

An independent reading of the definitions in `contracts/features.py` and `contracts/user_day_features.py`, without what
no export has (activity, popularity, networks) and what is not the person's (accounts behind an address).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contracts.events import DEVICES
from contracts.features import LETTERS
from contracts.user_day_features import HISTORY_DAYS, MIN_HISTORY_DAYS, MIN_SD_OF_VOLUME, WEEK_DAYS
from producer.simulator.measure.groups import Groups, ratio
from producer.simulator.measure.unit_features import LAGS, play_features
from runtime.arrays import Floats, Ints
from runtime.units import DAY_MS, HOUR_MS, MINUTE_MS

Plays = dict[str, NDArray[Any]]
SESSION_GAP_MS, SESSION_CUT_MS = 30 * MINUTE_MS, 3 * HOUR_MS
RUN_GAP_MS, WAKE_GAP_MS = 20 * MINUTE_MS, 2 * HOUR_MS
DAY_STEP = 1 << 20
"""Room for a local day's number next to an account in one sortable integer."""
LEAST_GAPS, LEAST_GAP_PAIRS = 4, 8
LEAST_PLAYS_OF_CLOCK, LEAST_BEGINS, LEAST_DAYS_OF_CLOCK = 80, 8, 3
PERIODS_MIN = (5, 10, 15, 20, 30, 60)
HALF_HOURS, ARTIST_GROUPS = 48, 64
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


class Days:
    """User-days of accounts, numbered in order of account and local day. `plays` are in order of account and time."""

    def __init__(self, plays: Plays) -> None:
        self.plays = plays
        key = plays["user"].astype(np.int64) * DAY_STEP + plays["local"] // DAY_MS
        self.key, self.of = np.unique(key, return_inverse=True)
        self.n = len(self.key)
        self.user, self.date = self.key // DAY_STEP, self.key % DAY_STEP
        self.groups = Groups(self.of, self.n)

    def first_within(self, days: int) -> Ints:
        """Return for each user-day the first of its account at most `days` days before it."""
        return np.searchsorted(self.key, np.maximum(self.key - days, self.user * DAY_STEP)).astype(np.int64)

    def trailing(self, values: Floats, days: int) -> Floats:
        """Sum values by day over the `days` local days up to and with each."""
        running = np.concatenate((np.zeros((1, *values.shape[1:])), np.cumsum(values, axis=0)))
        return np.asarray(running[1:] - running[self.first_within(days - 1)])

    def histogram(self, bins: Ints, n_bins: int) -> Floats:
        """Count plays by user-day and bin: shape (n, n_bins)."""
        return np.bincount(self.of * n_bins + bins, minlength=self.n * n_bins).reshape(self.n, n_bins).astype(float)

    @cached_property
    def rows_before(self) -> Ints:
        """Own history of each user-day: shape (n, HISTORY_DAYS) of user-days, -1 where there is none."""
        rows = np.arange(self.n)[:, None] - np.arange(1, HISTORY_DAYS + 1)
        return np.where(rows >= self.first_within(HISTORY_DAYS)[:, None], rows, -1)

    def before(self, values: Floats) -> Floats:
        """Gather the values of own history; NaN where there is none."""
        return np.where(self.rows_before >= 0, values[self.rows_before], np.nan)

    @cached_property
    def has_history(self) -> NDArray[np.bool_]:
        return (self.rows_before >= 0).sum(axis=1) >= MIN_HISTORY_DAYS


def session_history(plays: Plays) -> History:
    """Compute the features of sessions (30 minutes of silence, cut every 3 hours), own history among them."""
    user, time = plays["user"].astype(np.int64), plays["time"]
    cut = (time + user * 7_919_317 % SESSION_CUT_MS) // SESSION_CUT_MS
    begins = _changes(user) | (np.diff(time, prepend=time[:1]) > SESSION_GAP_MS) | _changes(cut)
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
    begins = _changes(plays["user"]) | (np.diff(time, prepend=time[:1]) > SESSION_GAP_MS)
    night = days.groups.sum(hour < 5)
    features |= {
        "plays_day": features["plays"],
        "streams_day": features["streams"],
        "sessions_day": days.groups.sum(begins | _changes(days.of)),
        "longest_run_h": _longest_stretch_h(days, start, RUN_GAP_MS),
        "longest_wake_h": _longest_stretch_h(days, start, WAKE_GAP_MS),
        "duty_24h": np.minimum((features["hours"] - features["overlap_s"] / 3600) / 24, 1),
        "plays_night": night,
        "dist_title_cnt": days.groups.distinct(plays["track"]),
        "periodicity": _periodicity(days, start, begins),
        "quiet_window_h": _quiet_window_h(days),
        "night_shift": _night_shift(days, night),
        "self_drift_hours": _drift(days, days.histogram(hour, 24)),
        "self_drift_artists": _drift(days, days.histogram(plays["artist"] % ARTIST_GROUPS, ARTIST_GROUPS)),
    }
    local_start = plays["local"] - plays["listen"]
    for name, unit_ms, bins in (("minute_entropy", MINUTE_MS, 60), ("hour_entropy", HOUR_MS, 24)):
        counts = days.trailing(days.histogram(local_start // unit_ms % bins, bins), WEEK_DAYS)
        features[name] = np.where(counts.sum(axis=1) >= LEAST_PLAYS_OF_CLOCK, _entropy(counts), np.nan)
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


def _changes(values: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell where a value differs from the one before; the first does."""
    return np.concatenate(([True], values[1:] != values[:-1]))


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


def _longest_stretch_h(days: Days, start: Ints, gap_ms: int) -> Floats:
    """Return the longest stretch of plays with less than `gap_ms` of silence up to each day's end."""
    user, end = days.plays["user"].astype(np.int64), days.plays["time"]
    order = np.lexsort((end, start, user))
    apart = user[order] * (end.max() - start.min() + 1)
    until = np.maximum.accumulate(end[order] + apart) - apart
    begins = _changes(user[order])
    begins[1:] |= start[order][1:] - until[:-1] >= gap_ms
    began = start[order][np.flatnonzero(begins)[np.cumsum(begins) - 1]]
    longest = np.zeros(days.n)
    np.maximum.at(longest, days.of[order], (until - began) / HOUR_MS)
    return longest


def _periodicity(days: Days, start: Ints, begins: NDArray[np.bool_]) -> Floats:
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


def _quiet_window_h(days: Days) -> Floats:
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


def _night_shift(days: Days, night: Floats) -> Floats:
    counts = np.stack((night, days.groups.count, np.ones(days.n)), axis=1)
    week, month = days.trailing(counts, WEEK_DAYS), days.trailing(counts, HISTORY_DAYS)
    before = month - week
    shift = ratio(week[:, 0], week[:, 1]) - ratio(before[:, 0], before[:, 1])
    return np.where(before[:, 2] >= MIN_HISTORY_DAYS, shift, np.nan)


def _drift(days: Days, today: Floats) -> Floats:
    """Return the Jensen–Shannon divergence in bits of a day's histogram from that of own history."""
    history = days.trailing(today, HISTORY_DAYS + 1) - today
    a, b = (counts / np.maximum(counts.sum(axis=1, keepdims=True), 1) for counts in (today, history))
    drift = _entropy((a + b) / 2) - (_entropy(a) + _entropy(b)) / 2
    return np.where(days.has_history, np.clip(drift, 0, 1), np.nan)


def _entropy(counts: Floats) -> Floats:
    """Return the entropy in bits of each row of counts."""
    total = counts.sum(axis=1, keepdims=True)
    share = counts / np.where(total > 0, total, 1)
    return np.asarray(-(share * np.log2(np.where(share > 0, share, 1))).sum(axis=1))


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
