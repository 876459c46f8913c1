"""Which action follows which: counts by account-day, from a world's raw activity."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from contracts.events import ACTIONS, ACTIVITY
from models.tables.user_day_index import UserDayIndex
from runtime.parquet import read_parquet
from runtime.units import DAY_MS
from runtime.world import World

PAIRS = len(ACTIONS) ** 2


def read_activity(world: World) -> Iterable[pd.DataFrame]:
    """Yield user_id, session_id, event_ms, action (its place in ACTIONS) of each raw file."""
    for file in world.raw_files(ACTIVITY):
        table = read_parquet(file, ["user_id", "session_id", "event_time", "action"])
        times = table["event_time"].cast(pa.timestamp("ms", "UTC")).cast(pa.int64()).to_numpy()
        frame = table.drop_columns(["event_time"]).to_pandas()
        frame["event_ms"] = times
        frame["action"] = pd.Categorical(frame["action"], categories=list(ACTIONS)).codes
        yield frame


def count_pairs(blocks: Iterable[pd.DataFrame], index: UserDayIndex, rows: int) -> NDArray[np.float32]:
    """Return (rows, PAIRS): how often action i is followed by j within one client session, column i × actions + j.

    Blocks come in order of time; a pair across two blocks is counted, in the day of its second action.
    """
    counts = np.zeros((rows, PAIRS), dtype=np.float32)
    open_ends = pd.DataFrame(columns=["user_id", "session_id", "event_ms", "action"])
    for block in blocks:
        known = block[block["action"] >= 0]
        joined = pd.concat([open_ends, known], ignore_index=True) if len(open_ends) else known
        joined = joined.sort_values(["user_id", "session_id", "event_ms"], kind="stable", ignore_index=True)
        same = joined["session_id"].eq(joined["session_id"].shift()) & joined["user_id"].eq(joined["user_id"].shift())
        second = np.flatnonzero(same.to_numpy())
        row = index.rows(joined["user_id"].iloc[second], joined["event_ms"].to_numpy(np.int64)[second])
        action = joined["action"].to_numpy(np.int64)
        pair = action[second - 1] * len(ACTIONS) + action[second]
        np.add.at(counts, (row[row >= 0], pair[row >= 0]), 1)
        open_ends = joined.drop_duplicates(["user_id", "session_id"], keep="last")
        newest = int(joined["event_ms"].max()) if len(joined) else 0
        open_ends = open_ends[open_ends["event_ms"] > newest - DAY_MS // 4]  # no client session pauses for 6 h
    return counts
