"""The tables that Spark's file sink writes, and the guard of them: what Spark itself leaves passes, and goes on."""

import json
import os
import shutil
from datetime import datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from contracts.shop import BROWSING
from runtime.lake import committed_files
from runtime.lake.sink_tables import SINK_LOG, numbered_files
from runtime.parquet import count_rows
from runtime.world import Unit
from spark_app.checks.file_sinks import check_sinks
from spark_app.errors import StateError
from spark_app.shop import tables
from spark_app.shop.rows import parse_messages, rejected_rows
from tests.spark_app.shop.visits import MESSAGES, browsed, message


def write_messages(folder: Path, *numbers: int) -> None:
    """Write messages, a file each; every other one has a row that is rejected."""
    folder.mkdir(exist_ok=True)
    for number in numbers:
        row = browsed("JUMP" if number % 2 else "HP")
        file = folder / f"{number}.json"
        file.write_text(json.dumps(message([row], BROWSING, number), default=datetime.isoformat))
        os.utime(file, (number, number))


def reject(spark: SparkSession, folder: Path, unit: Unit) -> None:
    """Write the rejected rows of all messages that were not read yet, a file of messages in a micro-batch."""
    messages = spark.readStream.schema(MESSAGES).option("maxFilesPerTrigger", 1).json(str(folder))
    rejected = messages.transform(parse_messages, BROWSING).transform(rejected_rows)
    query = tables.append(rejected, tables.REJECTED, unit).trigger(availableNow=True).start()
    query.awaitTermination()


def test_a_micro_batch_without_a_row_is_in_the_log_of_its_table_and_only_a_crash_may_part_it_from_the_checkpoint(
    spark: SparkSession, tmp_path: Path
) -> None:
    unit, folder = Unit(tmp_path / "v1"), tmp_path / "messages"
    log, checkpoint = unit.table(tables.REJECTED) / SINK_LOG, unit.checkpoints / tables.REJECTED
    write_messages(folder, 0, 1, 2)
    reject(spark, folder, unit)
    assert {*numbered_files(log)} == {*numbered_files(checkpoint / "commits")} == {0, 1, 2}
    check_sinks(unit, tables.APPENDED)
    (checkpoint / "commits" / "2").unlink()
    (checkpoint / "commits" / ".2.crc").unlink(missing_ok=True)
    check_sinks(unit, tables.APPENDED)
    write_messages(folder, 3)
    reject(spark, folder, unit)
    check_sinks(unit, tables.APPENDED)
    assert {*numbered_files(log)} == {0, 1, 2, 3}
    assert count_rows(committed_files(unit.table(tables.REJECTED))) == 2
    shutil.rmtree(checkpoint)
    with pytest.raises(StateError, match=r"^lake/rejected has micro-batch 3, and checkpoints/rejected has none"):
        check_sinks(unit, tables.APPENDED)
