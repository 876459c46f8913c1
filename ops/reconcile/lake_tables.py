"""Read what the lake holds: the sessions and the rejected rows that were committed."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.events import ID_FIELD
from ops.errors import ReconciliationError
from ops.reconcile.expected_sessions import TOPIC_CODES, Sessions
from ops.reconcile.message_rows import RowSum, wrapped_sum
from ops.reconcile.row_rules import hash_all
from ops.reconcile.workers import ALONE, Workers
from runtime.arrays import Ints
from runtime.checkpoint import OffsetLog, last_committed, read_offset_log
from runtime.lake import batch_of, committed_files
from runtime.lake.readings import reading
from runtime.parquet import read_parquet
from runtime.world import Unit

Table = TypeVar("Table")
MAX_READS = 20
"""How often a table that a running job writes to is read, until checkpoint and table are of one moment."""
_COUNTS = tuple(f"{topic}_{part}" for topic in TOPIC_CODES for part in ("rows", "hash"))


def read_at_one_moment(
    unit: Unit, query: str, read: Callable[[], Table], only_last: bool = False
) -> tuple[OffsetLog, Table]:
    """Read a query's checkpoint and its table as of one moment, although a job may be at work.

    The checkpoint's log has every micro-batch since the version began, or the last one where `only_last` is asked for.
    Raises ReconciliationError where the job commits faster than the table can be read.
    """
    for _ in range(MAX_READS):
        last = last_committed(unit, query)
        with reading(unit.root):
            table = read()
        if last_committed(unit, query) == last:
            return read_offset_log(unit, query, last, first=max(last, 0) if only_last else 0), table
    raise ReconciliationError(
        f"the job committed a micro-batch during each of {MAX_READS} reads of its {query}: try again when it has less "
        f"to do, or stop it with  make down"
    )


def read_sessions(files: Sequence[Path]) -> Sessions:
    """Read the sessions in parquet files, in the form that they are compared in."""
    columns = ["user_id", "started_at", "ended_at", *_COUNTS]
    tables = [read_parquet(path, columns) for path in files]
    if not tables:
        return Sessions(*(np.empty(0, np.int64) for _ in Sessions.__slots__))
    table = pa.concat_tables(tables)
    return Sessions(
        hash_all(table.column("user_id").combine_chunks().cast(pa.string())),
        _epoch_ms(table.column("started_at")),
        _epoch_ms(table.column("ended_at")),
        **{name: table.column(name).to_numpy() for name in _COUNTS},
    )


def _epoch_ms(times: pa.ChunkedArray) -> Ints:
    return times.cast(pa.timestamp("ms", "UTC"), safe=False).cast(pa.int64()).to_numpy()


def archived_files(unit: Unit, topic: str, last: int) -> list[Path]:
    """List the archived files of a topic up to micro-batch `last`: a crash may come before the next one's commit."""
    return [file for file in committed_files(unit.table(topic)) if batch_of(file) <= last]


def add_up_archived(topic: str, files: Sequence[Path], workers: Workers = ALONE) -> RowSum:
    """Add up the archived rows of a topic in parquet files."""
    of_files = list(workers.map(f"lake/{topic}", partial(_add_up_file, ID_FIELD[topic]), files, len(files)))
    return RowSum(sum(of.rows for of in of_files), wrapped_sum(of.id_hash for of in of_files))


def _add_up_file(id_field: str, file: Path) -> RowSum:
    ids = read_parquet(file, [id_field]).column(0)
    return RowSum(len(ids), int(hash_all(ids.combine_chunks().cast(pa.string())).sum()))


def count_rejected(files: Sequence[Path], progress: OffsetLog) -> dict[str, int]:
    """Count the rejected rows in parquet files by topic, up to the offsets that `progress` has reached."""
    counts = dict.fromkeys(TOPIC_CODES, 0)
    for path in files:
        table = read_parquet(path, ["topic", "partition", "offset", "rows"])
        for group in table.group_by(["topic", "partition"]).aggregate([]).to_pylist():
            topic, partition = group["topic"], group["partition"]
            is_counted = pc.and_(
                pc.and_(pc.equal(table["topic"], topic), pc.equal(table["partition"], partition)),
                pc.less(table["offset"], progress.end(topic, partition)),
            )
            counts[topic] += pc.sum(table.filter(is_counted)["rows"]).as_py() or 0
    return counts
