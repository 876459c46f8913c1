"""Where Spark puts our filters: one on user_id below the watermark would undo the heartbeats."""

import re
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from contracts.events import ACTIVITY, HEARTBEAT_USER, PLAYS
from spark_app.stages.parsing.parse import parse_good_rows
from spark_app.stages.sessions.session_rows import USED_FIELDS
from spark_app.stages.sessions.sessionize import WATERMARK_DELAY, drop_heartbeats
from tests.spark_app.messages import MESSAGE_SCHEMA
from tests.spark_app.typed import (
    sessions_with_features,
    tracks,
    users,
)


def typed_streams(spark: SparkSession, folder: Path) -> tuple[DataFrame, DataFrame]:
    """Both topics parsed and watermarked as the pipeline does it."""
    plays, activity = (
        spark.readStream.schema(MESSAGE_SCHEMA)
        .parquet(str(folder))
        .transform(parse_good_rows, topic, USED_FIELDS[topic])
        .withWatermark("event_time", WATERMARK_DELAY)
        for topic in (PLAYS, ACTIVITY)
    )
    return plays, activity


def optimized(frame: DataFrame) -> list[str]:
    """Return the optimized plan's operators, last step first."""
    # Spark refuses to plan a stream that is not started; its optimizer does not
    optimizer = frame.sparkSession._jsparkSession.sessionState().optimizer()
    return optimizer.execute(frame._jdf.queryExecution().analyzed()).toString().splitlines()


def lines_with(plan: list[str], pattern: str) -> list[int]:
    return [i for i, line in enumerate(plan) if re.search(pattern, line)]


def test_heartbeats_are_dropped_after_the_watermark_and_the_deduplication(spark: SparkSession, tmp_path: Path) -> None:
    plan = optimized(sessions_with_features(*typed_streams(spark, tmp_path), tracks(spark), users(spark)))
    # steps of the stream have a ~; the same filter on the static users is welcome
    filters = lines_with(plan, f"~Filter .*{HEARTBEAT_USER}")
    (deduplication,) = lines_with(plan, "DeduplicateWithinWatermark")
    watermarks = lines_with(plan, "EventTimeWatermark")
    assert len(filters) == 1
    assert len(watermarks) == 2
    assert filters[0] < deduplication < min(watermarks)


def test_the_same_filter_right_after_the_watermark_would_be_pushed_before_it(
    spark: SparkSession, tmp_path: Path
) -> None:
    """What the test above guards against; should Spark stop doing it, the order of the stages is free."""
    plays, _ = typed_streams(spark, tmp_path)
    plan = optimized(drop_heartbeats(plays))
    (watermark,) = lines_with(plan, "EventTimeWatermark")
    assert min(lines_with(plan, HEARTBEAT_USER)) > watermark


def test_a_message_goes_through_python_once_and_a_session_once(spark: SparkSession, tmp_path: Path) -> None:
    """A pass through Python per step was measured: 375 CPU-seconds instead of 308."""
    plan = optimized(sessions_with_features(*typed_streams(spark, tmp_path), tracks(spark), users(spark)))
    assert len(lines_with(plan, "MapInArrow")) == len([PLAYS, ACTIVITY]) + 1
