"""Sessions and user-days of a world with their features and true families, in NumPy: what the leak scan looks at."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contracts.events import ACTIONS, ACTIVITY, DEVICES, NETWORKS, PLAYS, REASONS_END, REASONS_START
from producer.simulator.bots import FAMILY_NAMES
from producer.simulator.measure.groups import Groups, entropy_by_group
from producer.simulator.measure.listened import offsets_by_day
from producer.simulator.measure.unit_features import action_features, play_features
from runtime.arrays import Floats
from runtime.parquet import read_parquet
from runtime.units import DAY_MS, HOUR_MS
from runtime.world import World

GAP_MS, CUT_MS = 30 * 60_000, 3 * HOUR_MS
SHARE_POSITIVE = 0.5
DAY_POSITIVE_STREAMS = 10


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
        raw.append(read_parquet(path, columns))
        truth.append(read_parquet(world.truth(topic) / path.parent.name / path.name, ["family", "is_paid"]))
    table, known = pa.concat_tables(raw), pa.concat_tables(truth)
    return table.append_column("family", known["family"]).append_column("is_paid", known["is_paid"])


def _code(column: pa.ChunkedArray, words: tuple[str, ...]) -> NDArray[np.int64]:
    return pc.index_in(column, pa.array(words)).fill_null(-1).to_numpy().astype(np.int64)


def _number(column: pa.ChunkedArray) -> NDArray[np.int64]:
    return pc.rank(column.cast(pa.string()), tiebreaker="dense").to_numpy().astype(np.int64)


def read_plays(world: World) -> dict[str, NDArray[Any]]:
    """Read what the features need of plays, by account and time."""
    tracks = read_parquet(world.static("tracks") / "part.parquet")
    users = read_parquet(world.static("users") / "part.parquet")
    raw = _read(world, PLAYS, ["user_id", "event_time", "track_id", "listen_ms", "reason_start", "reason_end",
                               "device_id", "device_type", "ip", "country", "network"])  # fmt: skip
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
        "network": _code(raw["network"], NETWORKS), "device_type": _code(raw["device_type"], DEVICES),
        "family": _code(raw["family"], tuple(FAMILY_NAMES)),
        "is_paid": raw["is_paid"].to_numpy(),
    }  # fmt: skip
    plays["local"] = plays["time"] + offsets_by_day(users["timezone"].to_pylist(), plays["user"], plays["time"])
    return _by_account_and_time(plays)


def _by_account_and_time(rows: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    order = np.lexsort((rows["time"], rows["user"]))
    return {name: column[order] for name, column in rows.items()}


def read_rows(world: World) -> Rows:
    """Read what the features need."""
    users = read_parquet(world.static("users") / "part.parquet")
    raw = _read(world, ACTIVITY, ["user_id", "event_time", "action", "network"])
    activity = {
        "user": pc.index_in(raw["user_id"], users["user_id"]).to_numpy(),
        "time": raw["event_time"].cast(pa.int64()).to_numpy(),
        "action": _code(raw["action"], ACTIONS),
        "network": _code(raw["network"], NETWORKS),
    }
    known = {
        "signed_up": users["signed_up_on"].cast(pa.int32()).to_numpy(),
        "is_paid_plan": pc.not_equal(users["plan"], "free").to_numpy(zero_copy_only=False),
    }
    return Rows(read_plays(world), _by_account_and_time(activity), known)


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
