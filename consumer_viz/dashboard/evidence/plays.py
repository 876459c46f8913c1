"""Plays of an account from the archive, and their pattern: gaps between starts, hours of the day.

The archive (`lake/plays`) is read only when a case is opened, and only the days of its sessions.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from runtime.arrays import Floats, Ints
from runtime.lake import committed_files
from runtime.local_time import find_zone
from runtime.parquet import read_parquet
from runtime.world import Unit

COLUMNS = ["play_id", "user_id", "event_time", "track_id", "listen_ms", "reason_start", "reason_end", "context_type",
           "context_id", "device_id", "device_type", "country", "network"]  # fmt: skip
GAP_EDGES_S = np.array([0, 5, 15, 30, 33, 36, 45, 60, 90, 120, 180, 240, 300, 600, 1800, 10800], dtype=np.float64)
"""Edges of the gap histogram: narrow around 30 s, where a play begins to earn, wide elsewhere."""
MAX_PLAYS = 20_000
"""Plays read per account; a bot plays about 2,500 per day."""


@dataclass(frozen=True, slots=True)
class PlayPattern:
    """Shares of gaps and of plays by bin; each array sums to 1, or to 0 where there is nothing."""

    gaps: Floats
    """By bin of GAP_EDGES_S."""
    hours: Floats
    """By hour of the listener's day, 24 values."""


def read_plays(unit: Unit, users: list[str], from_ms: int, to_ms: int) -> pd.DataFrame:
    """Read the plays of accounts on the UTC days of [from_ms, to_ms], epoch milliseconds.

    One row per play, in order of its start, with the columns COLUMNS, `start_ms` and `end_ms`.
    """
    first, last = (datetime.fromtimestamp(ms / 1000, UTC).date() for ms in (from_ms, to_ms))
    days = {(first + timedelta(days=n)).isoformat() for n in range((last - first).days + 1)}
    wanted = pa.array(users, pa.string())
    parts = []
    for file in committed_files(unit.table("plays")):
        day = re.search(r"/date=([^/]+)/", file.as_posix())
        if day is None or day[1] in days:
            table = read_parquet(file, COLUMNS)
            parts.append(table.filter(pc.is_in(table["user_id"], wanted)))
    if not parts:
        return pd.DataFrame(columns=[*COLUMNS, "start_ms", "end_ms"])
    plays = pa.concat_tables(parts).slice(0, MAX_PLAYS * max(1, len(users))).to_pandas()
    plays["end_ms"] = plays["event_time"].to_numpy("datetime64[ms]").astype("int64")
    plays["start_ms"] = plays["end_ms"] - plays["listen_ms"].fillna(0).astype("int64")
    return plays.drop_duplicates("play_id").sort_values(["start_ms", "play_id"], ignore_index=True)


def listener_zone(timezone: str | None) -> ZoneInfo:
    """Return the listener's time zone, UTC where it is not known."""
    return find_zone(timezone) or ZoneInfo("UTC")


def _local_hours(start_ms: Ints, zone: ZoneInfo) -> Floats:
    """Return the hour of the listener's day at which each play began, in [0, 24)."""
    local = pd.to_datetime(start_ms, unit="ms", utc=True).tz_convert(zone)
    return np.asarray(local.hour + local.minute / 60, dtype=np.float64)


def play_pattern(plays: pd.DataFrame, zones: dict[str, str | None]) -> PlayPattern:
    """Count gaps and hours of the plays of one or many accounts; `zones` has the time zone of each account."""
    gaps, hours = np.zeros(len(GAP_EDGES_S) - 1), np.zeros(24)
    for user, of_user in plays.groupby("user_id", sort=False):
        starts = of_user["start_ms"].to_numpy("int64")
        gaps += np.histogram(np.diff(starts) / 1000, GAP_EDGES_S)[0]
        hours += np.histogram(_local_hours(starts, listener_zone(zones.get(str(user)))), np.arange(25))[0]
    return PlayPattern(gaps / max(gaps.sum(), 1), hours / max(hours.sum(), 1))
