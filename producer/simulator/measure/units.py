"""Sessions and user-days of a world with their features and true families, in NumPy: what the leak scan looks at.

An independent reading of the definitions (contracts/features.py, DETECTION §1–2): the simulator never sees the job's.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from contracts.events import ACTIONS, ACTIVITY, INTERACTIONS, NETWORKS, PLAYS, REASONS_END, REASONS_START, SKIP_REASONS
from contracts.world import World
from producer.simulator.bots import FAMILY_NAMES
from producer.simulator.calendar import DAY_MS
from producer.simulator.measure.groups import Groups, entropy_by_group, ratio
from producer.simulator.measure.listened import HOUR_MS, offsets_by_day

GAP_MS, CUT_MS = 30 * 60_000, 3 * HOUR_MS
SHARE_POSITIVE = 0.5
DAY_POSITIVE_STREAMS = 10
LAGS = range(1, 13)
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Units:
    """Sessions or user-days: features by name, the account, and the family (code; -1 is mixed, left out)."""

    features: dict[str, Floats]
    user: NDArray[np.int64]
    family: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rows:
    """Plays and activity of a world as arrays, each sorted by account and time."""

    plays: dict[str, NDArray[Any]]
    activity: dict[str, NDArray[Any]]
    users: dict[str, NDArray[Any]]


def _read(world: World, topic: str, columns: list[str]) -> pa.Table:
    raw, truth = [], []
    for path in world.raw_files(topic):
        raw.append(pq.ParquetFile(path).read(columns))
        truth.append(pq.ParquetFile(world.truth(topic) / path.parent.name / path.name).read(["family", "is_paid"]))
    table, known = pa.concat_tables(raw), pa.concat_tables(truth)
    return table.append_column("family", known["family"]).append_column("is_paid", known["is_paid"])


def _code(column: pa.ChunkedArray, words: tuple[str, ...]) -> NDArray[np.int64]:
    return pc.index_in(column, pa.array(words)).fill_null(-1).to_numpy().astype(np.int64)


def _number(column: pa.ChunkedArray) -> NDArray[np.int64]:
    return pc.rank(column.cast(pa.string()), tiebreaker="dense").to_numpy().astype(np.int64)


def read_rows(world: World) -> Rows:
    """Read what the features need."""
    tracks = pq.ParquetFile(world.static("tracks") / "part.parquet").read()
    users = pq.ParquetFile(world.static("users") / "part.parquet").read()
    raw = _read(world, PLAYS, ["user_id", "event_time", "track_id", "listen_ms", "reason_start", "reason_end",
                               "device_id", "ip", "country", "network"])  # fmt: skip
    at_track = pc.index_in(raw["track_id"], tracks["track_id"]).to_numpy()
    plays = {
        "user": pc.index_in(raw["user_id"], users["user_id"]).to_numpy(),
        "time": raw["event_time"].cast(pa.int64()).to_numpy(),
        "track": at_track,
        "artist": _number(tracks["artist_id"])[at_track],
        "duration": tracks["duration_ms"].to_numpy()[at_track],
        "popularity": np.log10(tracks["total_track_popularity"].to_numpy()[at_track]),
        "listen": raw["listen_ms"].to_numpy(),
        "start_code": _code(raw["reason_start"], REASONS_START),
        "end_code": _code(raw["reason_end"], REASONS_END),
        "device": _number(raw["device_id"]), "ip": _number(raw["ip"]), "country": _number(raw["country"]),
        "network": _code(raw["network"], NETWORKS),
        "family": _code(raw["family"], FAMILY_NAMES),
        "is_paid": raw["is_paid"].to_numpy(),
    }  # fmt: skip
    raw = _read(world, ACTIVITY, ["user_id", "event_time", "action", "network"])
    activity = {
        "user": pc.index_in(raw["user_id"], users["user_id"]).to_numpy(),
        "time": raw["event_time"].cast(pa.int64()).to_numpy(),
        "action": _code(raw["action"], ACTIONS),
        "network": _code(raw["network"], NETWORKS),
    }
    offset = offsets_by_day(users["timezone"].to_pylist(), plays["user"], plays["time"])
    plays["local"] = plays["time"] + offset
    order = np.lexsort((plays["time"], plays["user"]))
    known = {
        "signed_up": users["signed_up_on"].cast(pa.int32()).to_numpy(),
        "is_paid_plan": pc.not_equal(users["plan"], "free").to_numpy(zero_copy_only=False),
    }
    by_time = np.lexsort((activity["time"], activity["user"]))
    return Rows({k: v[order] for k, v in plays.items()}, {k: v[by_time] for k, v in activity.items()}, known)


def sessions_of(rows: Rows) -> Units:
    """Sessionize plays and activity together (30 min gap, 3 h cut) and compute every session feature."""
    plays, activity = rows.plays, rows.activity
    n = len(plays["user"])
    user = np.concatenate((plays["user"], activity["user"]))
    time = np.concatenate((plays["time"], activity["time"]))
    order = np.lexsort((time, user))
    cut = (time + user * 7_919_317 % CUT_MS) // CUT_MS
    new = (np.diff(user[order], prepend=-1) != 0) | (np.diff(time[order], prepend=0) > GAP_MS)
    new |= np.diff(cut[order], prepend=-1) != 0
    session = np.empty(len(user), dtype=np.int64)
    session[order] = np.cumsum(new) - 1
    # sessions without plays have no play features: left out
    used, of_play = np.unique(session[:n], return_inverse=True)
    of_action = np.searchsorted(used, session[n:])
    of_action = np.where(
        (of_action < len(used)) & (used[np.minimum(of_action, len(used) - 1)] == session[n:]), of_action, -1
    )
    features = play_features(plays, Groups(of_play, len(used)))
    features |= action_features(features, activity, of_action, len(used))
    groups = Groups(of_play, len(used))
    owner = groups.first(plays["user"])
    features["account_age_days"] = groups.first(plays["time"]) / DAY_MS - rows.users["signed_up"][owner]
    features["is_paid_plan"] = rows.users["is_paid_plan"][owner].astype(float)
    is_stream = plays["listen"] >= 30_000
    paid, streams = groups.sum(plays["is_paid"] & is_stream), groups.sum(is_stream)
    family = groups.max(plays["family"]).astype(np.int64)
    family = np.where(paid == 0, np.where(family > 0, -1, 0), np.where(paid >= SHARE_POSITIVE * streams, family, -1))
    return Units(features, owner, family)


def days_of(rows: Rows) -> Units:
    """Compute the play features of user-days, and a few that only a day has."""
    plays = rows.plays
    key = plays["user"].astype(np.int64) * 100_000 + plays["local"] // DAY_MS
    _, day = np.unique(key, return_inverse=True)
    groups = Groups(day, int(day.max()) + 1)
    features = play_features(plays, groups)
    hour = plays["local"] % DAY_MS // HOUR_MS
    features["hour_entropy"] = entropy_by_group(day, hour, groups.n)
    features["share_under_35"] = groups.mean(plays["listen"] < 35_000)
    streams = groups.sum(plays["is_paid"] & (plays["listen"] >= 30_000))
    family = groups.max(plays["family"]).astype(np.int64)
    family = np.where(streams >= DAY_POSITIVE_STREAMS, family, np.where(family > 0, -1, 0))
    return Units(features, groups.first(plays["user"]), family)


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
        "licence_cnt": count("licence_request"),
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
