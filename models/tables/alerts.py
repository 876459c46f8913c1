"""Alerts of a version: how many were raised, and how many withdrawn since."""

from dataclasses import dataclass
from pathlib import Path

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
