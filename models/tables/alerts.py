"""Alerts of a version: one row per session that had one, whether it was withdrawn since."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from runtime.lake import committed_files
from runtime.parquet import read_parquet
from runtime.world import Unit

TABLE = "alerts"


@dataclass(frozen=True, slots=True)
class AlertCounts:
    """How many alerts were raised, and how many were withdrawn."""

    raised: int = 0
    withdrawn: int = 0

    def __str__(self) -> str:
        return f"{self.raised:,} raised, {self.withdrawn:,} withdrawn"


def read_alerts(unit: Unit) -> pd.DataFrame:
    """Read the alerts of a version: the columns of the table, one row per session, sorted by alerted_at.

    `withdrawn` is true where the session has closed and is not flagged; the other columns are those of the alert.
    """
    files = committed_files(unit.table(TABLE))
    if not files:
        return pd.DataFrame()
    rows = pa.concat_tables([read_parquet(file) for file in files]).to_pandas()
    raised = rows[~rows["withdrawn"]].drop_duplicates("session_key")
    withdrawn = raised["session_key"].isin(rows.loc[rows["withdrawn"], "session_key"])
    return raised.assign(withdrawn=withdrawn).sort_values("alerted_at", kind="stable", ignore_index=True)


def count_alerts(unit: Unit, since: float = 0.0) -> AlertCounts:
    """Count the alerts of a version that were written at or after `since`, epoch seconds."""
    files = [file for file in committed_files(unit.table(TABLE)) if file.stat().st_mtime >= since]
    withdrawn = [_since(file, since) for file in files]
    total = sum(len(column) for column in withdrawn)
    taken_back = sum(pc.sum(column.cast(pa.int64())).as_py() or 0 for column in withdrawn)
    return AlertCounts(total - taken_back, taken_back)


def _since(file: Path, since: float) -> pa.ChunkedArray:
    rows = read_parquet(file, ["withdrawn", "alerted_at"])
    first = pa.scalar(round(since * 1e6), pa.timestamp("us", "UTC"))
    return rows.filter(pc.greater_equal(rows["alerted_at"], first))["withdrawn"]
