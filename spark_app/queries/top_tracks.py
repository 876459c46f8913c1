"""Query `top_tracks`: the 20 tracks with most streams in sessions not flagged, last 60 minutes, every 60 s.

The 60 minutes end with the newest session, so in silence the list stays as it is, and is written again.
"""

from functools import partial

from pyspark.sql import DataFrame, Row
from pyspark.sql import Window as W
from pyspark.sql import functions as F
from pyspark.sql.streaming.readwriter import DataStreamWriter

from contracts.tables import SESSIONS, TOP_TRACKS, ddl
from runtime.lake import committed_files
from runtime.storage import spark_path
from runtime.world import Unit
from spark_app.queries import report_table
from spark_app.queries.console import local_time, table
from spark_app.sources import with_ticks

NAME = "top_tracks"
EVERY = "60 seconds"
COLUMNS = ("session_key", "scored_at")
"""Of a session: what is read."""
MINUTES = 60
N = 20


def rank_tracks(scored: DataFrame, tracks: DataFrame) -> DataFrame:
    """Rank tracks by streams of genuine sessions scored within MINUTES of the newest: TOP_TRACKS without batch_id.

    Ties go to the smaller track_id, so the same sessions give the same list.
    """
    newest = scored.agg(F.max("scored_at").alias("as_of"))
    recent = scored.join(F.broadcast(newest), how="cross").where(
        ~F.col("is_flagged") & (F.col("scored_at") > F.col("as_of") - F.expr(f"interval {MINUTES} minutes"))
    )
    counted = (
        recent.select("as_of", F.inline("track_counts"))
        # one row per (session, track)
        .groupBy("as_of", "track_id")
        .agg(F.sum("streams").alias("streams"))
        # one row per track
        .orderBy(F.desc("streams"), "track_id")
        .limit(N)
    )
    named = counted.join(tracks.select("track_id", "title", "artist"), on="track_id", how="left")
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
        files = [spark_path(file) for file in committed_files(unit.table("sessions"))]
        scored = spark.read.schema(ddl(SESSIONS)).parquet(*files) if files else spark.createDataFrame([], ddl(SESSIONS))
        rows = rank_tracks(scored.select("scored_at", "is_flagged", "track_counts"), tracks).collect()
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
