"""The training table: the live stages, in batch, over a world's raw tables, labelled from truth.

Training and serving cannot drift: the features come from the very functions that the stream runs.
"""

from pathlib import Path

import pandas as pd
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from contracts.events import ACTIVITY, PLAYS
from contracts.world import World
from models.truth import label_sessions
from spark_app.ingest import read_static
from spark_app.pipeline import described_sessions
from spark_app.stages.unknown import without


def read_raw(spark: SparkSession, world: World, topic: str) -> DataFrame:
    """Read a raw table as the parser would hand it on: typed rows, `ts` unknown before sending."""
    files = [str(path) for path in world.raw_files(topic)]
    return spark.read.parquet(*files).withColumn("ts", F.lit(0).cast("bigint"))


def sessions_of(spark: SparkSession, world: World) -> DataFrame:
    """Describe every session of a world in batch."""
    tracks, users = (read_static(spark, world, table) for table in ("tracks", "users"))
    plays, activity = (read_raw(spark, world, topic) for topic in (PLAYS, ACTIVITY))
    return described_sessions(plays, activity, tracks, users).transform(without, world.not_measurable)


def build(spark: SparkSession, world: World, out: Path) -> pd.DataFrame:
    """Write the training table of a world to `out`/part.parquet and return it: one row per session."""
    described = sessions_of(spark, world).drop("track_counts", "client_session_ids").toPandas()
    table = label_sessions(described, world)
    out.mkdir(parents=True, exist_ok=True)
    table.to_parquet(out / "part.parquet", index=False)
    return table
