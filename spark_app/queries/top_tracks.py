"""Query `top_tracks`: the 20 tracks with most streams in sessions not flagged, last 60 minutes, every 60 s.

The 60 minutes end with the newest session, so in silence the list stays as it is, and is written again.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import Window as W
from pyspark.sql import functions as F
from pyspark.sql.streaming.readwriter import DataStreamWriter

from contracts.tables import TOP_TRACKS
from runtime.lake import committed_files
from runtime.lake.readings import reading
from runtime.parquet import read_parquet
from runtime.storage import readable, spark_path
from runtime.world import Unit
from spark_app.queries import report_table
from spark_app.queries.console import local_time, table
from spark_app.sources import with_ticks
from spark_app.stages.arrays.timestamps import UTC_TIMESTAMP

NAME = "top_tracks"
EVERY = "60 seconds"
COLUMNS = ("session_key", "scored_at")
"""Of a session: what is read."""
MINUTES = 60
N = 20
COUNTED = "track_id string, streams bigint, as_of timestamp"
NO_STREAMS = pa.table({"track_id": pa.array([], pa.string()), "streams": pa.array([], pa.int64())})


def count_streams(spark: SparkSession, files: Sequence[Path]) -> DataFrame:
    """Count by track the streams of genuine sessions scored within MINUTES of the newest: COUNTED, some rows per track.

    Each file of the 60 minutes is read once, in Python: Spark's own reader took 10 s for the small files of some
    minutes (docs/latency.md), on cores that query `sessions` waited for. Of older files only the times are read.
    """
    if not files:
        return spark.createDataFrame([], COUNTED)
    newest = {file: pc.max(read_parquet(file, ["scored_at"])["scored_at"]).as_py() for file in files}
    as_of = max(newest.values())
    recent = [(str(file),) for file, at in newest.items() if at > as_of - timedelta(minutes=MINUTES)]
    paths = spark.createDataFrame(recent, "path string")
    return paths.mapInArrow(partial(_count, as_of=as_of), COUNTED)


def _count(batches: Iterable[pa.RecordBatch], as_of: datetime) -> Iterator[pa.RecordBatch]:
    since, parts = as_of - timedelta(minutes=MINUTES), [NO_STREAMS]
    for batch in batches:
        for path in batch["path"].to_pylist():
            rows = read_parquet(readable(Path(path)), ["scored_at", "is_flagged", "track_counts"])
            is_recent = pc.greater(rows["scored_at"], pa.scalar(since, rows["scored_at"].type))
            counts = pc.list_flatten(rows["track_counts"].filter(pc.and_not(is_recent, rows["is_flagged"])))
            columns = {name: pc.struct_field(counts, name) for name in NO_STREAMS.column_names}
            parts.append(pa.table(columns).cast(NO_STREAMS.schema))
    by_track = pa.concat_tables(parts).group_by("track_id").aggregate([("streams", "sum")])
    counted = by_track.rename_columns({"streams_sum": "streams"}).select(NO_STREAMS.column_names)
    yield from counted.append_column("as_of", pa.repeat(pa.scalar(as_of, UTC_TIMESTAMP), len(counted))).to_batches()


def rank_tracks(counted: DataFrame, tracks: DataFrame) -> DataFrame:
    """Rank tracks by their streams: TOP_TRACKS without batch_id.

    Ties go to the smaller track_id, so the same sessions give the same list.
    """
    first = (
        counted.groupBy("as_of", "track_id")
        .agg(F.sum("streams").alias("streams"))
        .orderBy(F.desc("streams"), "track_id")
        .limit(N)
    )
    named = first.join(tracks.select("track_id", "title", "artist"), on="track_id", how="left")
    rank = F.row_number().over(W.orderBy(F.desc("streams"), "track_id"))
    return named.withColumn("rank", rank).select(*(c.name for c in TOP_TRACKS if c.name != "batch_id")).orderBy("rank")


def write(scored: DataFrame, unit: Unit, tracks: DataFrame, time_zone: str) -> DataStreamWriter:
    """Report at every trigger; the list is computed from the committed table, so it needs no state."""
    return (
        scored.select(*COLUMNS)
        .transform(with_ticks)
        .writeStream.queryName(NAME)
        .foreachBatch(partial(report_batch, unit=unit, tracks=tracks, time_zone=time_zone))
        .option("checkpointLocation", spark_path(unit.checkpoints / NAME))
        .trigger(processingTime=EVERY)
    )


def report_batch(new: DataFrame, batch_id: int, *, unit: Unit, tracks: DataFrame, time_zone: str) -> None:
    """Write one version of the list: computed where the micro-batch has sessions, else the version before it."""
    spark = new.sparkSession
    before = report_table.newest_version(unit, NAME)
    if before and new.where("session_key is not null").isEmpty():
        # reading the whole lake again would cost more with every hour of silence
        rows = [Row(**{name: row[name] for name in row if name != "batch_id"}) for row in before]
    else:
        with reading(unit.root):  # on a busy machine, minutes pass between the list of the files and their reading
            rows = rank_tracks(count_streams(spark, committed_files(unit.table("sessions"))), tracks).collect()
    rows = sorted(rows, key=lambda row: int(row["rank"]))
    report_table.write_version(unit, NAME, batch_id, rows)
    if rows:
        until = local_time(rows[0]["as_of"], time_zone)
        print(
            table(
                f"top {N} tracks by genuine streams, last {MINUTES} minutes to {until}",
                ["#", "track", "title", "artist", "streams"],
                [[r["rank"], r["track_id"], r["title"], r["artist"], r["streams"]] for r in rows],
            ),
            flush=True,
        )
