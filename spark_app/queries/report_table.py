"""Tables of reports: each micro-batch adds one version of a few rows, which the driver writes."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Row

from contracts.tables import LAKE
from runtime.checkpoint import writer_of
from runtime.lake import batch_of, committed_files
from runtime.lake.commits import Transaction, append_rows
from runtime.lake.schemas import arrow_schema
from runtime.parquet import read_parquet
from runtime.world import Unit


def write_version(unit: Unit, name: str, batch_id: int, rows: Sequence[Row]) -> None:
    """Add rows as the version of a micro-batch to a report's table; one that is repeated adds nothing."""
    lines = [{key: _in_utc(value) for key, value in row.asDict().items()} | {"batch_id": batch_id} for row in rows]
    table = pa.Table.from_pylist(lines, schema=arrow_schema(LAKE[name]))
    append_rows(unit.table(name), table, Transaction(writer_of(unit, name), batch_id))


def newest_version(unit: Unit, name: str) -> list[Mapping[str, Any]]:
    """Read the newest version of a report; empty before the first."""
    files = committed_files(unit.table(name))
    if not files:
        return []
    rows = read_parquet(max(files, key=batch_of))
    return rows.filter(pc.equal(rows["batch_id"], pc.max(rows["batch_id"]))).to_pylist()


def _in_utc(value: Any) -> Any:
    """Say of a time that Spark has collected, in the zone of this process, which time it is in UTC."""
    return value.astimezone(UTC) if isinstance(value, datetime) else value
