"""The features of sessions and user-days, by group, in NumPy.

An independent reading of the definitions (contracts/features.py, contracts/user_day_features.py): the simulator never
sees the job's.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from contracts.events import ACTIONS, INTERACTIONS, NETWORKS, REASONS_END, REASONS_START, SKIP_REASONS
from producer.simulator.measure.groups import Groups, entropy_by_group, ratio
from runtime.arrays import Floats
from runtime.units import DAY_MS, HOUR_MS

LAGS = range(1, 13)


def play_features(plays: dict[str, NDArray[Any]], groups: Groups) -> dict[str, Floats]:
    """Compute the features that plays alone give, by group; plays are in order of account and time."""
    of, n = groups.of, groups.n
    listen, duration = plays["listen"].astype(float) / 1000, plays["duration"].astype(float) / 1000
    count = groups.count
    share = np.minimum(listen / duration, 1)
    by_hand = np.isin(plays["end_code"], [REASONS_END.index(r) for r in SKIP_REASONS])
    start = plays["time"] - plays["listen"]
    first, last = groups.min(start), groups.max(plays["time"])
    span = np.maximum((last - first) / 1000, 1)
    heard = groups.sum(listen)
    union = _union(start, plays["time"], groups)
    gap = np.diff(start, prepend=start[:1]) / 1000
    follows = np.diff(of, prepend=-1) == 0
    silence = np.where(follows, (start - np.concatenate((start[:1], plays["time"][:-1]))) / 1000, 0)
    inner = Groups(of[follows], n)
    g = np.maximum(gap[follows], 0)
    log_bin = np.floor(np.log2(np.maximum(g, 0.5)) * 2).astype(np.int64) + 4
    mean_gap, sd_gap = inner.mean(g), inner.sd(g)
    modal = inner.largest_share(np.rint(g).astype(np.int64))
    log_gap = np.log(np.maximum(g, 0.05))
    return {
        "plays": count,
        "streams": groups.sum(listen >= 30),
        "hours": heard / 3600,
        "span_h": span / 3600,
        "share_30_35": groups.mean((listen >= 30) & (listen < 35)),
        "early_skip_5": groups.mean(listen < 5),
        "skip_rate": groups.mean(by_hand & (share < 0.9)),
        "completion_mean": groups.mean(share),
        "completion_sd": groups.sd(share),
        "listen_cv": ratio(groups.sd(listen), groups.mean(listen)),
        "autoadvance_share": groups.mean(plays["start_code"] == REASONS_START.index("trackdone")),
        "duty": np.minimum(union / span, 1),
        "overlap_s": np.maximum(heard - union, 0),
        "gap_entropy": np.where(inner.count > 0, entropy_by_group(inner.of, log_bin, n), np.nan),
        "modal_gap_share": modal,
        "gap_burstiness": ratio(sd_gap - mean_gap, sd_gap + mean_gap),
        "gap_memory": _memory(log_gap, inner),
        "pause_mean_s": inner.mean(np.maximum(silence[follows], 0)),
        "artist_hhi": groups.concentration(plays["artist"]),
        "top_artist_share": groups.largest_share(plays["artist"]),
        "repeat_ratio": 1 - groups.distinct(plays["track"]) / count,
        "loop_share": _loops(plays["track"], groups),
        "popularity_mean": groups.mean(plays["popularity"]),
        "n_devices": groups.distinct(plays["device"]),
        "n_ips": groups.distinct(plays["ip"]),
        "n_countries": groups.distinct(plays["country"]),
        "hosting_share": groups.mean(np.isin(plays["network"], [NETWORKS.index("hosting"), NETWORKS.index("vpn")])),
        "night_share": groups.mean(plays["local"] % DAY_MS < 5 * HOUR_MS),
    }


def action_features(
    features: dict[str, Floats], activity: dict[str, NDArray[Any]], of: NDArray[np.int64], n: int
) -> dict[str, Floats]:
    """Compute the features of a session's activity rows (`of` is -1 for rows in no session)."""
    inside = of >= 0
    action, of = activity["action"][inside], of[inside]

    def count(*names: str) -> Floats:
        is_one = np.isin(action, [ACTIONS.index(name) for name in names]).astype(float)
        return np.bincount(of, is_one, n).astype(np.float64)

    failed = count("failed_start")
    return {
        "interaction_rate": ratio(count(*INTERACTIONS), features["hours"]),
        "actions_per_play": np.bincount(of, minlength=n) / features["plays"],
        "license_cnt": count("licence_request"),
        "error_rate": failed / (features["plays"] + failed),
    }


def _union(start: NDArray[np.int64], end: NDArray[np.int64], groups: Groups) -> Floats:
    """Seconds covered by at least one play, by group; plays come in order of their ends."""
    of = groups.of
    # walking back in time, only what lies before the earliest start seen so far is new
    reverse = slice(None, None, -1)
    far = np.int64(1) << 37  # four years in ms
    # a group's numbers are shifted apart so that one running minimum serves all
    start, end = start - start.min(), end - start.min()
    shifted = start[reverse] + of[reverse] * far
    seen = np.minimum.accumulate(np.concatenate(([np.iinfo(np.int64).max], shifted)))[:-1] - of[reverse] * far
    fresh = np.minimum(end[reverse], seen) - start[reverse]
    return np.bincount(of[reverse], np.maximum(fresh, 0), groups.n) / 1000


def _memory(log_gap: Floats, groups: Groups) -> Floats:
    """Correlation of consecutive log gaps, by group; NaN under 4 gaps."""
    pair = groups.of[1:] == groups.of[:-1]
    a, b = log_gap[:-1][pair], log_gap[1:][pair]
    pairs = Groups(groups.of[1:][pair], groups.n)
    covariance = pairs.mean(a * b) - pairs.mean(a) * pairs.mean(b)
    found = ratio(covariance, pairs.sd(a) * pairs.sd(b))
    return np.where(pairs.count >= 3, found, np.nan)


def _loops(track: NDArray[np.int64], groups: Groups) -> Floats:
    """Largest share over lags 1–12 of plays equal to the play that many back."""
    best = np.zeros(groups.n)
    for lag in LAGS:
        same = (groups.of[lag:] == groups.of[:-lag]) & (track[lag:] == track[:-lag])
        best = np.maximum(best, np.bincount(groups.of[lag:], same, groups.n))
    return ratio(best, groups.count)
