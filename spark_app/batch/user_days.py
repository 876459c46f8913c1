"""The table `user_days` of a world, and the rows that it is computed from: those of the lake, or raw ones.

From rows of the lake it is a table of the lake, replaced in one commit; from raw rows a folder next to them.
"""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import date
from functools import partial
from pathlib import Path
from typing import Literal, get_args

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from contracts.events import ACTIVITY, PLAYS
from contracts.tables import LAKE, ddl
from contracts.user_day_features import BASELINE_QUANTITIES
from models.tables.lake_tables import lake_schema
from runtime.lake import batch_of, committed_files, listed_files
from runtime.lake.commits import DataFile, Transaction, replace
from runtime.lake.readings import reading
from runtime.world import World, WorldError
from spark_app.batch.lake_rows import READ_ROWS, TABLE, fingerprint_of_rows
from spark_app.errors import JobError
from spark_app.queries.batch_files import WRITTEN, BatchFiles
from spark_app.sources import read_static
from spark_app.stages.sessions.unmeasurable import mask_unmeasurable_columns
from spark_app.stages.user_days.compute_user_days import compute_user_days, user_days, zones_of

Source = Literal["lake", "raw"]


def source_of(text: str) -> Source:
    """Read a source from the command line. Raises JobError."""
    for source in get_args(Source):
        if text == source:
            return source
    raise JobError(f"--source {text!r}: expected lake (what the job archived) or raw (rows that no job has read)")


def folder_of(world: World, source: Source) -> Path:
    """Return the folder of a world's table: in the lake whose rows it comes from, or next to the raw tables."""
    return world.unit.table(TABLE) if source == "lake" else world.root / TABLE


def keep_files(world: World, source: Source) -> AbstractContextManager[None]:
    """Let upkeep by a job of this machine remove no file of a source until the end of the context, when all is read."""
    return reading(world.unit.root) if source == "lake" else nullcontext()


def read_rows(
    spark: SparkSession, world: World, topic: str, source: Source, days: tuple[date, date] | None = None
) -> DataFrame:
    """Read the typed rows of a topic, of UTC dates from the first to the last of `days` where given.

    Raises WorldError where there are none.
    """
    files = world.raw_files(topic) if source == "raw" else committed_files(world.unit.table(topic))
    if not files:
        raise WorldError(
            f"world {world.name} has no committed lake/{topic}: run  playproof up  and  playproof replay, "
            "or take  --source raw"
        )
    if days is not None:
        files = [file for file in files if days[0].isoformat() <= _date_of(file) <= days[1].isoformat()]
    names = [c.name for c in LAKE[topic] if c.name != "ts"]
    if not files:
        return spark.createDataFrame([], ddl(LAKE[topic])).select(*names)
    # the types in the files are the writer's: milliseconds in raw, microseconds in the lake
    return spark.read.parquet(*map(str, files)).select(*names)


def _date_of(file: Path) -> str:
    return next(part for part in file.parts[::-1] if part.startswith("date=")).removeprefix("date=")


def baseline_quantities(
    spark: SparkSession, world: World, source: Source, days: tuple[date, date] | None = None
) -> DataFrame:
    """Compute the user-days of a world's rows with the BASELINE_QUANTITIES only: see `compute_user_days`."""
    return compute_user_days(*_inputs(spark, world, source, days), names=BASELINE_QUANTITIES)


def _inputs(
    spark: SparkSession, world: World, source: Source, days: tuple[date, date] | None = None
) -> tuple[DataFrame, DataFrame, DataFrame, DataFrame, list[str]]:
    plays, activity = (read_rows(spark, world, topic, source, days) for topic in (PLAYS, ACTIVITY))
    tracks, users = (read_static(spark, world, table) for table in ("tracks", "users"))
    return plays, activity, tracks, users, zones_of(users)


def build(spark: SparkSession, world: World, source: Source, out: Path | None = None) -> Path:
    """Write the user-days of a world as a folder, partitioned by date, over those of an earlier run; return it."""
    folder = out or folder_of(world, source)
    with keep_files(world, source):
        table = _computed(spark, world, source)
        table.repartition(F.col("date")).write.mode("overwrite").partitionBy("date").parquet(str(folder))
    return folder


def build_in_lake(spark: SparkSession, world: World) -> int:
    """Replace the user-days of the lake by those of its rows, in one commit; return how many there are.

    Raises WorldError where there are no rows, LakeError where another program does so at the same time.
    """
    rows = fingerprint_of_rows(world.unit)  # before they are read: what comes meanwhile is new to the next run
    table = world.unit.table(TABLE)
    write = partial(_write, table=table, number=next_number(table))
    with keep_files(world, "lake"):
        written = _computed(spark, world, "lake").mapInArrow(write, WRITTEN).collect()
    files = [DataFile(file["path"], file["rows"], file["bytes"]) for file in written]
    replace(table, files, lake_schema(TABLE), Transaction(READ_ROWS, rows))
    return sum(file.rows for file in files)


def next_number(table: Path) -> int:
    """Return the number for the files of the next run: upkeep leaves those alone that have a newer one than all others.

    A run takes minutes, and none of its files counts before its end.
    """
    return 1 + max(map(batch_of, listed_files(table)), default=-1)


def _computed(spark: SparkSession, world: World, source: Source) -> DataFrame:
    return user_days(*_inputs(spark, world, source)).transform(mask_unmeasurable_columns, world.not_measurable)


def _write(parts: Iterable[pa.RecordBatch], table: Path, number: int) -> Iterator[pa.RecordBatch]:
    """Write the user-days of a task to one file of the table, which does not count yet; report it as WRITTEN."""
    files = BatchFiles(number)
    for part in parts:
        files.add(pa.Table.from_batches([part]).cast(lake_schema(TABLE)), table)
    yield files.report()
