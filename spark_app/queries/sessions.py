"""Query `sessions`: scored sessions to lake/sessions, exactly once, and the alerts of the same micro-batch.

Tasks write the files, the driver adds them in one commit with the number of the micro-batch (`runtime.lake`).
"""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql.streaming.readwriter import DataStreamWriter

from contracts.features import FEATURE_NAMES
from runtime.lake.commits import create_table
from runtime.lake.schemas import PARTITION
from runtime.storage import spark_path
from runtime.world import Unit
from spark_app.queries import alerts
from spark_app.queries.batch_files import WRITTEN, BatchFiles, commit
from spark_app.stages.arrow_pass import ArrowPass, BeforeLastPass

NAME = "sessions"
EVERY = "1 second"
ROW_GROUP_ROWS = 50_000
"""Sessions that a task collects before it writes them."""


def write(scored: BeforeLastPass, unit: Unit) -> DataStreamWriter:
    """Append scored sessions by date, in their last pass; each session counts once, also after a crash."""
    create_table(unit.table(NAME))
    return (
        scored.rows.writeStream.queryName(NAME)
        .foreachBatch(partial(write_batch, unit=unit, last_pass=scored.last_pass))
        .option("checkpointLocation", spark_path(unit.checkpoints / NAME))
        .trigger(processingTime=EVERY)
    )


def write_batch(rows: DataFrame, batch_id: int, *, unit: Unit, last_pass: ArrowPass = iter) -> None:
    """Write a micro-batch in one pass, and add its alerts and then its sessions to their tables.

    `last_pass` makes scored sessions of the rows.
    """
    files = partial(_write_files, last_pass=last_pass, table=unit.table(NAME).absolute(), batch_id=batch_id)
    written = rows.mapInArrow(files, WRITTEN).collect()
    alerts.commit(unit, NAME, batch_id)
    commit(written, unit, NAME, batch_id)


def _write_files(
    batches: Iterable[pa.RecordBatch], last_pass: ArrowPass, table: Path, batch_id: int
) -> Iterator[pa.RecordBatch]:
    files, waiting = BatchFiles(batch_id), list[pa.RecordBatch]()
    for batch in last_pass(batches):
        waiting.append(batch)
        if sum(b.num_rows for b in waiting) >= ROW_GROUP_ROWS:
            _add(files, waiting, table)
            waiting.clear()
    if waiting:
        _add(files, waiting, table)
    yield files.report()


def _add(files: BatchFiles, batches: list[pa.RecordBatch], table: Path) -> None:
    rows = pa.Table.from_batches(batches)
    dates, rows = rows[PARTITION], rows.drop_columns([PARTITION])
    for day in pc.unique(dates).to_pylist():
        # features hardly repeat: a dictionary of them would cost time and save nothing
        files.add(rows.filter(pc.equal(dates, pa.scalar(day))), table, f"{PARTITION}={day}", FEATURE_NAMES)
