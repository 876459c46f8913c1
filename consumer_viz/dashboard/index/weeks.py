"""What an account's weeks add up to (`playproof days windows`): its newest windows, and the strongest that is flagged.

The table may not exist yet. A later run replaces all of it.
"""

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd

from models.tables.lake_tables import batch_files
from runtime.parquet import read_parquet
from runtime.world import World

TABLE = "account_windows"
FACTS = (
    "plays", "plays_per_day", "active_share", "days_in_a_row", "longest_rest_h", "longest_wake_h", "tracks_per_day",
    "top_track_share", "top_artist_share", "co_tracks", "co_linked",
)  # fmt: skip
"""Columns of a window that a case shows, next to the window itself and its reasons."""
_COLUMNS = ("user_id", "days", "last_day", "is_flagged", "log_odds", "reasons", *FACTS)
STRONGEST = 0
"""In the index in place of a length: the account's strongest window that is flagged."""


def add_weeks(db: sqlite3.Connection, world: World, has_changed: Callable[[Path], bool]) -> set[str] | None:
    """Read the table of account windows if it changed; return the accounts whose cases may have changed, else None."""
    folder = world.from_raw(TABLE)
    if not has_changed(folder):
        return None
    users = {str(row[0]) for row in db.execute("select distinct user_id from windows")}
    db.execute("begin")
    db.execute("delete from windows")
    for file in batch_files(folder):
        table = read_parquet(file)
        windows = table.select([name for name in _COLUMNS if name in table.column_names]).to_pandas()
        newest = windows.sort_values("last_day", ascending=False).drop_duplicates(["user_id", "days"])
        strongest = windows[windows["is_flagged"]].sort_values("log_odds", ascending=False).drop_duplicates("user_id")
        for part, length in ((newest, None), (strongest, STRONGEST)):
            for row in _rows(part):
                users.add(row["user_id"])
                values = (row["user_id"], row["days"] if length is None else length, row["is_flagged"])
                db.execute("insert or replace into windows values (?, ?, ?, ?)", (*values, orjson.dumps(row)))
    db.execute("commit")
    return users


def _rows(windows: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for row in windows.to_dict("records"):
        yield {
            str(name): value.tolist() if isinstance(value, np.ndarray) else None if pd.isna(value) else value
            for name, value in row.items()
        } | {"last_day": str(row["last_day"])}
