"""The training table: the live stages, in batch, over a world's raw tables, with labels from truth.

Training and serving cannot drift apart: the features come from the functions that the stream runs, and each session is
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
from models.training.table import write_training_table
from runtime.world import World, WorldError
from spark_app.batch.user_days import baseline_quantities
from spark_app.local.rows import read_world_rows
from spark_app.local.sessions import build_sessions as local_sessions
from spark_app.local.user_days import own_histories
from spark_app.pipeline import build_sessions, score_sessions
from spark_app.sources import read_static
from spark_app.stages.scoring.pipeline_model import describe_batch, describe_sessions
from spark_app.stages.session_step.operator import broadcast_tracks, pack_rows
from spark_app.stages.sessions.account_baselines import AccountBaselines
from spark_app.stages.user_days.baselines import user_baselines_by_date


def read_raw(spark: SparkSession, world: World, topic: str, since: date | None = None) -> DataFrame:
    """Read a raw table, from a UTC date on, as typed rows like the parser's; `ts` is 0, since nothing was sent.

    Raises WorldError where there is no row.
    """
    files = [str(path) for path in world.raw_files(topic) if since is None or path.parent.name >= f"date={since}"]
    if not files:
        raise WorldError(f"world {world.name} has no {topic} since {since}")
    return spark.read.parquet(*files).withColumn("ts", F.lit(0).cast("bigint"))


def raw_sessions(spark: SparkSession, world: World, since: date | None = None) -> DataFrame:
    """Build the sessions of a world's raw rows in batch, from a UTC date on: SESSION_INPUT.

    The days before `since` still count as own history.
    """
    tracks, users = (read_static(spark, world, table) for table in ("tracks", "users"))
    lookup = broadcast_tracks(tracks)
    plays, activity = (pack_rows(read_raw(spark, world, topic, since), topic, lookup) for topic in (PLAYS, ACTIVITY))
    return build_sessions(plays, activity, users, raw_baselines(spark, world))


def session_features(spark: SparkSession, world: World, since: date | None = None) -> DataFrame:
    """Compute the features of a world's sessions in batch, from a UTC date on: FEATURE_COLUMNS."""
    return raw_sessions(spark, world, since).transform(score_sessions, world.not_measurable, scorer=None)


def raw_baselines(spark: SparkSession, world: World) -> AccountBaselines:
    """Build the tables of own histories of every date of a world's raw rows, as the daily command would have."""
    table = user_baselines_by_date(baseline_quantities(spark, world, "raw")).persist(StorageLevel.DISK_ONLY)
    # computed now: a broadcast that had to compute it first would time out after five minutes
    table.count()
    return AccountBaselines(table)


def build(spark: SparkSession, world: World, out: Path, since: date | None = None) -> pd.DataFrame:
    """Write the training table of a world to `out`/part.parquet and return it: one labelled row per session."""
    described = describe_sessions(raw_sessions(spark, world, since), world.not_measurable)
    table = label_sessions(described.drop("track_counts", "client_session_ids", "scored_at").toPandas(), world)
    write_training_table(table, out, world.name)
    return table


def build_in_process(world: World, out: Path, since: date | None = None) -> pd.DataFrame:
    """Do what `build` does without Spark."""
    rows = read_world_rows(world)
    histories = own_histories(rows)
    sessions = local_sessions(rows.since(since) if since else rows, histories)
    described = describe_batch(sessions, world.not_measurable).to_pandas()
    table = label_sessions(described.drop(columns=["track_counts", "client_session_ids", "scored_at"]), world)
    write_training_table(table, out, world.name)
    return table
