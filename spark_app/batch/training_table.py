"""The training table: the live stages, in batch, over a world's raw tables, labelled from truth.

Training and serving cannot drift: the features come from the very functions that the stream runs, and each session is
compared with the table of own histories that the job would have joined on its day.
"""

from datetime import date
from pathlib import Path

import pandas as pd
from pyspark import StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from contracts.events import ACTIVITY, PLAYS
from models.labels.truth import label_sessions
from runtime.world import World, WorldError
from spark_app.batch.user_days import describe_world
from spark_app.pipeline import gathered_sessions
from spark_app.sources import read_static
from spark_app.stages.sessions.account_baselines import OwnBaselines
from spark_app.stages.sessions.compute_features import with_features
from spark_app.stages.user_days.baselines import user_baselines_by_date


def read_raw(spark: SparkSession, world: World, topic: str, since: date | None = None) -> DataFrame:
    """Read a raw table, from a UTC date on, as the parser would hand it on: typed rows, `ts` unknown before sending."""
    files = [str(path) for path in world.raw_files(topic) if since is None or path.parent.name >= f"date={since}"]
    if not files:
        raise WorldError(f"world {world.name} has no {topic} since {since}")
    return spark.read.parquet(*files).withColumn("ts", F.lit(0).cast("bigint"))


def sessions_of(spark: SparkSession, world: World, since: date | None = None) -> DataFrame:
    """Describe every session of a world in batch; of days before `since` none, but what was usual on them."""
    return gathered_of(spark, world, since).transform(with_features, world.not_measurable)


def gathered_of(spark: SparkSession, world: World, since: date | None = None) -> DataFrame:
    """Gather every session of a world in batch, to be described."""
    tracks, users = (read_static(spark, world, table) for table in ("tracks", "users"))
    plays, activity = (read_raw(spark, world, topic, since) for topic in (PLAYS, ACTIVITY))
    return gathered_sessions(plays, activity, tracks, users, own_baselines(spark, world))


def own_baselines(spark: SparkSession, world: World) -> OwnBaselines:
    """Make the tables of own histories of every date of a world's raw rows, as the daily command would have."""
    table = user_baselines_by_date(describe_world(spark, world, "raw")).persist(StorageLevel.DISK_ONLY)
    # made now: a broadcast that had to make it first would give up after five minutes
    table.count()
    return OwnBaselines(table)


def build(spark: SparkSession, world: World, out: Path, since: date | None = None) -> pd.DataFrame:
    """Write the training table of a world to `out`/part.parquet and return it: one row per session (`sessions_of`)."""
    described = sessions_of(spark, world, since).drop("track_counts", "client_session_ids").toPandas()
    table = label_sessions(described, world)
    out.mkdir(parents=True, exist_ok=True)
    table.to_parquet(out / "part.parquet", index=False)
    return table
