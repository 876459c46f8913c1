"""What the accounts of a ring did together: streams by account, track and hour, read from the archive."""

import re
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from contracts.events import STREAM_MS
from runtime.lake import committed_files
from runtime.parquet import read_parquet
from runtime.units import DAY_MS, HOUR_MS
from runtime.world import Unit

MAX_DAYS = 28
"""Days of plays that are read, up to the ring's newest session."""
MAX_KEPT = 4
"""Rings whose listening is kept in memory."""
_COLUMNS = ["user_id", "track_id", "event_time", "listen_ms"]


@dataclass(frozen=True, slots=True)
class SharedListening:
    """Streams of a ring's accounts. `counts`: one row per user_id, track_id and hour since 1970, with `streams`."""

    counts: pd.DataFrame

    @property
    def streams(self) -> int:
        return int(self.counts["streams"].sum())

    def in_company(self) -> float:
        """Return the share of streams of a track that another account of the ring streamed in the same hour."""
        if not self.streams:
            return 0.0
        accounts = self.counts.groupby(["track_id", "hour"])["user_id"].transform("nunique")
        return float(self.counts.loc[accounts > 1, "streams"].sum()) / self.streams

    def by_track(self) -> pd.DataFrame:
        """Return one row per track_id, the most streamed first: streams, accounts."""
        tracks = self.counts.groupby("track_id").agg(streams=("streams", "sum"), accounts=("user_id", "nunique"))
        return tracks.reset_index().sort_values(["streams", "track_id"], ascending=[False, True], ignore_index=True)

    def over_time(self) -> tuple[pd.DataFrame, int]:
        """Return streams and accounts from first to last, and the hours (UTC) of a row: 24, or 1 within two days.

        Columns: `at` (timestamp of the begin), streams, accounts (that streamed).
        """
        first, last = int(self.counts["hour"].min()), int(self.counts["hour"].max())
        hours = 1 if last - first < 2 * 24 else 24
        bins = self.counts.assign(bin=self.counts["hour"] // hours)
        table = bins.groupby("bin").agg(streams=("streams", "sum"), accounts=("user_id", "nunique"))
        every = list(range(first // hours, last // hours + 1))
        table = table.reindex(every, fill_value=0)
        table["at"] = [datetime.fromtimestamp(n * hours * 3600, UTC) for n in every]
        return table.reset_index(drop=True), hours

    def by_account(self, tracks: list[str]) -> pd.DataFrame:
        """Return streams as (accounts, tracks): a row per account, a column per track of the list."""
        wanted = self.counts[self.counts["track_id"].isin(tracks)]
        table = wanted.pivot_table(index="user_id", columns="track_id", values="streams", aggfunc="sum", fill_value=0)
        return table.reindex(columns=tracks, fill_value=0)


class SharedReader:
    """Reads what accounts did together, and keeps the newest answers: a page is shown again after each decision."""

    def __init__(self) -> None:
        self._read: dict[object, SharedListening] = {}
        self._lock = threading.Lock()

    def read(self, unit: Unit, users: list[str], last_ms: int, stamp: int) -> SharedListening:
        """Return `read_shared` of the index's stamp."""
        key = (unit, tuple(users), last_ms, stamp)
        with self._lock:
            known = self._read.get(key)
        shared = known or read_shared(unit, users, last_ms)
        with self._lock:
            self._read[key] = shared
            while len(self._read) > MAX_KEPT:
                del self._read[next(iter(self._read))]
        return shared


def read_shared(unit: Unit, users: list[str], last_ms: int) -> SharedListening:
    """Read the streams of accounts over the MAX_DAYS days up to `last_ms`, epoch milliseconds."""
    end = datetime.fromtimestamp(last_ms / 1000, UTC).date()
    days = {(end - timedelta(days=n)).isoformat() for n in range(MAX_DAYS + 1)}
    wanted, first_ms = pa.array(users, pa.string()), last_ms - MAX_DAYS * DAY_MS
    parts = []
    for file in committed_files(unit.table("plays")):
        day = re.search(r"/date=([^/]+)/", file.as_posix())
        if day is not None and day[1] not in days:
            continue
        table = read_parquet(file, _COLUMNS)
        is_wanted = pc.and_(pc.is_in(table["user_id"], wanted), pc.greater_equal(table["listen_ms"], STREAM_MS))
        table = table.filter(is_wanted)
        at = table["event_time"].cast(pa.timestamp("ms"), safe=False).cast(pa.int64())
        table = table.append_column("hour", pc.divide(at, HOUR_MS)).filter(pc.greater_equal(at, first_ms))
        counts = table.group_by(["user_id", "track_id", "hour"]).aggregate([([], "count_all")])
        parts.append(counts.rename_columns(["user_id", "track_id", "hour", "streams"]))
    if not parts:
        return SharedListening(
            pd.DataFrame(columns=["user_id", "track_id", "hour", "streams"]).astype({"streams": int})
        )
    counts = pa.concat_tables(parts).to_pandas()
    return SharedListening(counts.groupby(["user_id", "track_id", "hour"], as_index=False)["streams"].sum())
