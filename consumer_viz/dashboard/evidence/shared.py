"""What the accounts of a ring did together: streams by account, track and hour, read from the archive."""

import re
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

    def by_day(self) -> pd.DataFrame:
        """Return one row per UTC day from the first to the last: streams, accounts (that streamed), new ones."""
        days = self.counts.assign(day=self.counts["hour"] // 24)
        by_day = days.groupby("day").agg(streams=("streams", "sum"), accounts=("user_id", "nunique"))
        by_day["new"] = days.groupby("user_id")["day"].min().value_counts()
        every = range(int(by_day.index.min()), int(by_day.index.max()) + 1) if len(by_day) else []
        by_day = by_day.reindex(pd.Index(every, name="day")).fillna(0).astype(int).reset_index()
        by_day["date"] = pd.to_datetime(by_day["day"], unit="D").dt.date
        return by_day

    def by_account(self, tracks: list[str]) -> pd.DataFrame:
        """Return streams as (accounts, tracks): a row per account, a column per track of the list."""
        wanted = self.counts[self.counts["track_id"].isin(tracks)]
        table = wanted.pivot_table(index="user_id", columns="track_id", values="streams", aggfunc="sum", fill_value=0)
        return table.reindex(columns=tracks, fill_value=0)


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
