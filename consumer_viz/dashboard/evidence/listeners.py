"""Who streams some tracks, when, from where, and what else: read from the archive."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from contracts.events import STREAM_MS
from runtime.lake import committed_files
from runtime.parquet import read_parquet
from runtime.world import Unit

MAX_DAYS = 62
"""Days of plays that are read, up to the newest session: two months of a report."""
_COLUMNS = ["user_id", "track_id", "event_time", "listen_ms", "country"]


@dataclass(frozen=True, slots=True)
class Listeners:
    """Streams of some tracks and of their listeners.

    `streams`: one row per user_id, track_id, country and UTC day (days since 1970), with the count `streams`.
    `by_account`: one row per user_id with `ours`, its streams of these tracks, and `all`, its streams of any track.
    """

    streams: pd.DataFrame
    by_account: pd.DataFrame


def read_listeners(unit: Unit, track_ids: list[str], last_ms: int) -> Listeners:
    """Read the streams of tracks over the MAX_DAYS days up to `last_ms`, epoch milliseconds."""
    end = datetime.fromtimestamp(last_ms / 1000, UTC).date()
    days = {(end - timedelta(days=n)).isoformat() for n in range(MAX_DAYS + 1)}
    wanted = pa.array(track_ids, pa.string())
    ours, totals = [], []
    keys = ["user_id", "track_id", "country", "day"]
    for file in committed_files(unit.table("plays")):
        found = re.search(r"/date=([^/]+)/", file.as_posix())
        if found is not None and found[1] not in days:
            continue
        table = read_parquet(file, _COLUMNS)
        table = table.filter(pc.greater_equal(table["listen_ms"], STREAM_MS))
        totals.append(table.group_by("user_id").aggregate([([], "count_all")]).rename_columns(["user_id", "all"]))
        table = table.filter(pc.is_in(table["track_id"], wanted))
        day = table["event_time"].cast(pa.timestamp("ms"), safe=False).cast(pa.date32()).cast(pa.int32())
        table = table.append_column("day", day)
        ours.append(table.group_by(keys).aggregate([([], "count_all")]).rename_columns([*keys, "streams"]))
    if not ours:
        empty = pd.DataFrame(columns=[*keys, "streams"]).astype({"streams": int, "day": int})
        return Listeners(empty, pd.DataFrame(columns=["user_id", "ours", "all"]))
    streams = pa.concat_tables(ours).to_pandas()
    streams["country"] = streams["country"].fillna("")
    streams = streams.groupby(keys, as_index=False)["streams"].sum()
    by_account = streams.groupby("user_id")["streams"].sum().rename("ours").to_frame()
    by_account["all"] = pa.concat_tables(totals).to_pandas().groupby("user_id")["all"].sum()
    return Listeners(streams, by_account.reset_index())
