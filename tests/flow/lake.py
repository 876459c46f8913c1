"""What the lake and the topics of a stage hold, as plain rows that can be compared."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from runtime.checkpoint import writer_of
from runtime.lake import batch_of, committed_files, last_number
from runtime.parquet import read_parquet
from runtime.storage import storage_of
from runtime.world import Unit
from tests.read_topic import read_topic

Row = dict[str, Any]

OF_THE_RUN = ("scored_at", "ts")
"""Columns of a session that tell when it was sent and scored, not what it is."""


def rows_of(unit: Unit, table: str) -> list[Row]:
    """Read the committed rows of a table."""
    return [row for file in committed_files(unit.table(table)) for row in _rows_in(file)]


def newest(unit: Unit, table: str, column: str) -> Any:
    """Return the largest value of a column of a table's committed rows; None where there is none yet."""
    parts = (in_utc(read_parquet(file, [column])) for file in committed_files(unit.table(table)))
    values = (pc.max(part[column]).as_py() for part in parts)
    return max((value for value in values if value is not None), default=None)


def _rows_in(file: Path) -> list[Row]:
    return in_utc(pq.ParquetFile(file).read()).to_pylist()


def in_utc(table: pa.Table) -> pa.Table:
    """Say of every time that it is UTC, in µs; Spark's files leave the zone out."""
    times = [place for place, field in enumerate(table.schema) if pa.types.is_timestamp(field.type)]
    for place in times:
        values = table.column(place).cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
        table = table.set_column(place, table.schema.names[place], values)
    return table


def alerts_of(unit: Unit) -> dict[tuple[str, bool], Row]:
    """Read the alerts by session and whether they are withdrawn; one that is there twice is an AssertionError."""
    found: dict[tuple[str, bool], Row] = {}
    for row in rows_of(unit, "alerts"):
        key = row["session_key"], row["withdrawn"]
        assert key not in found, f"alert {key} is in the table twice"
        found[key] = {name: value for name, value in row.items() if name != "alerted_at"}
    return found


def newest_version(rows: Iterable[Row], key: str) -> list[Row]:
    """Of the versions of a report's row, keep the newest of each."""
    newest: dict[Any, Row] = {}
    for row in sorted(rows, key=lambda row: row["batch_id"]):
        newest[row[key]] = row
    return list(newest.values())


def sessions_by_key(rows: Iterable[Row], *without: str) -> dict[str, Row]:
    """Say what each session is, whenever it was scored; a session that is there twice is an AssertionError."""
    found: dict[str, Row] = {}
    for row in rows:
        assert row["session_key"] not in found, f"session {row['session_key']} is in the table twice"
        kept = {name: value for name, value in row.items() if name not in (*OF_THE_RUN, *without)}
        # which track of a session comes first means nothing
        found[row["session_key"]] = {**kept, "track_counts": sorted(map(str, kept["track_counts"]))}
    return found


def differences(found: dict[str, Row], expected: dict[str, Row]) -> list[str]:
    """Name every session and column in which two sets of sessions differ, with both values."""
    told = [f"{key}: only in the {'first' if key in found else 'second'}" for key in found.keys() ^ expected.keys()]
    for key in found.keys() & expected.keys():
        for column, value in expected[key].items():
            if found[key].get(column) != value:
                told.append(f"{key}: {column} is {found[key].get(column)!r}, expected {value!r}")
    return sorted(told)


def is_between_files_and_commit(unit: Unit) -> bool:
    """Say whether a storage has files of sessions of a micro-batch after the second, and its commit not yet."""
    table = unit.table("sessions")
    storage = storage_of(table)
    written = [] if storage is None else [batch_of(file) for file in storage.written_at(table, ".parquet")]
    if max(written, default=0) < 2:
        return False
    return max(written) > last_number(table, writer_of(unit, "sessions"))


def require_same_tables(unit: Unit, undisturbed: Unit) -> None:
    """Require that two jobs wrote the same sessions, alerts, and archived rows."""
    found, expected = (sessions_by_key(rows_of(of, "sessions")) for of in (unit, undisturbed))
    assert differences(found, expected) == []
    assert alerts_of(unit) == alerts_of(undisturbed)
    for table, key in (("plays", "play_id"), ("activity", "event_id"), ("rejected", "payload")):
        archived = sorted(str(row[key]) for row in rows_of(unit, table))
        assert archived == sorted(str(row[key]) for row in rows_of(undisturbed, table)), table


def messages(address: str, topic: str) -> list[tuple[int, int, Any]]:
    """Read a topic from its start to its end: (partition, offset, parsed value), the value None where it is torn."""
    return [(record.partition, record.offset, _parsed(record.value)) for record in read_topic(address, topic)]


def _parsed(value: bytes) -> Any:
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
