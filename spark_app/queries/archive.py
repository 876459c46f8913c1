"""Query `archive`: every row of both topics to lake/plays and lake/activity, every bad one to lake/rejected."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql.streaming.readwriter import DataStreamWriter

from contracts.events import ACTIVITY, HEARTBEAT_USER, ID_FIELD, PLAYS
from contracts.tables import LAKE, REJECTED
from runtime.lake.commits import create_table
from runtime.storage import spark_path
from runtime.world import Unit
from spark_app.queries.batch_files import WRITTEN, BatchFiles, commit
from spark_app.stages.parsing.parse import all_rows, in_few_tasks, with_headers

NAME = "archive"
EVERY = "20 seconds"
"""Long, because every micro-batch adds files."""
TABLES = (PLAYS, ACTIVITY, "rejected")
HASH_CHARS = 16
ROW_GROUP_ROWS = 100_000
"""Rows that a worker collects before it writes them."""


def write(messages: DataFrame, unit: Unit, hash_key: str) -> DataStreamWriter:
    """Archive messages (topic, partition, offset, value, headers), exactly once."""
    for name in TABLES:
        create_table(unit.table(name))
    return (
        messages.writeStream.queryName(NAME)
        .foreachBatch(partial(archive_batch, unit=unit, hash_key=hash_key))
        .option("checkpointLocation", spark_path(unit.checkpoints / NAME))
        .trigger(processingTime=EVERY)
    )


def archive_batch(messages: DataFrame, batch_id: int, *, unit: Unit, hash_key: str) -> None:
    """Write one micro-batch in one pass: good rows by topic and date, and the rejected ones where there are any."""
    tables = {name: unit.table(name).resolve() for name in TABLES}
    archive = Archive(tables, batch_id, hash_key, datetime.now(UTC).date())
    read = with_headers(in_few_tasks(messages, topics=2))  # each task writes a file per date
    commit(read.mapInArrow(partial(_archived, archive=archive), WRITTEN).collect(), unit, NAME, batch_id)


@dataclass(frozen=True, slots=True)
class Archive:
    """What a worker needs to know of a micro-batch."""

    tables: dict[str, Path]
    batch_id: int
    hash_key: str
    today: date


def _archived(messages: Iterable[pa.RecordBatch], archive: Archive) -> Iterator[pa.RecordBatch]:
    files = BatchFiles(archive.batch_id)
    waiting: dict[str, list[pa.RecordBatch]] = {PLAYS: [], ACTIVITY: []}
    for batch in messages:
        for topic, good in waiting.items():
            of_topic = batch.filter(pc.equal(batch.column("topic"), topic))
            for lines in all_rows([of_topic] if of_topic.num_rows else [], topic):
                if lines.column("reason").null_count == lines.num_rows:
                    good.append(lines.filter(pc.not_equal(lines.column("user_id"), HEARTBEAT_USER)))
                else:
                    _write_rejected(files, lines, archive)
            if sum(lines.num_rows for lines in good) >= ROW_GROUP_ROWS:
                _write_good(files, topic, good, archive)
                good.clear()
    for topic, good in waiting.items():
        if good:
            _write_good(files, topic, good, archive)
    yield files.report()


def _write_good(files: BatchFiles, topic: str, good: Sequence[pa.RecordBatch], archive: Archive) -> None:
    """Write good rows of a topic by UTC date; `ip` as a keyed hash, since it is personal data."""
    table = pa.Table.from_batches(good).select([c.name for c in LAKE[topic]])
    table = table.set_column(table.column_names.index("ip"), "ip", _hash_addresses(table["ip"], archive.hash_key))
    dates = table["event_time"].cast(pa.date32())
    for day in pc.unique(dates).to_pylist():
        of_day = table.filter(pc.equal(dates, pa.scalar(day, pa.date32())))
        unique = (ID_FIELD[topic], "event_time")
        files.add(of_day, archive.tables[topic], f"date={day}", unique)


def _hash_addresses(addresses: pa.ChunkedArray, key: str) -> pa.ChunkedArray:
    """Hash each address with the key before it; an unknown one stays null."""
    known = addresses.combine_chunks().dictionary_encode()
    hashed = [hashlib.sha256(f"{key}{ip}".encode()).hexdigest()[:HASH_CHARS] for ip in known.dictionary.to_pylist()]
    return pa.chunked_array([pa.array(hashed, pa.string()).take(known.indices)])


def _write_rejected(files: BatchFiles, lines: pa.RecordBatch, archive: Archive) -> None:
    table = pa.Table.from_batches([lines]).append_column("date", pa.repeat(pa.scalar(archive.today), lines.num_rows))
    files.add(table.select([c.name for c in REJECTED]), archive.tables["rejected"])
