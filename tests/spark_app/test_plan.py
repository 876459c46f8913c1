"""What Spark makes of the steps: a watermark per topic, one stateful operator, and few passes through Python."""

import re
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from contracts.events import ACTIVITY, PLAYS
from spark_app.pipeline import build_sessions, score_sessions
from spark_app.stages.session_step.operator import broadcast_tracks, pack_messages
from spark_app.stages.sessions.session_rows import WATERMARK_DELAY
from tests.spark_app.messages import MESSAGE_SCHEMA
from tests.spark_app.typed import tracks, users


def plan_of(spark: SparkSession, folder: Path) -> list[str]:
    """Return the optimized plan of the job up to the features: its operators, last step first."""
    lookup = broadcast_tracks(tracks(spark))
    plays, activity = (
        spark.readStream.schema(MESSAGE_SCHEMA)
        .parquet(str(folder))
        .transform(pack_messages, topic, lookup)
        .withWatermark("event_time", WATERMARK_DELAY)
        for topic in (PLAYS, ACTIVITY)
    )
    frame: DataFrame = build_sessions(plays, activity, users(spark)).transform(score_sessions, (), scorer=None)
    # Spark refuses to plan a stream that is not started; its optimizer does not
    optimizer = frame.sparkSession._jsparkSession.sessionState().optimizer()
    return optimizer.execute(frame._jdf.queryExecution().analyzed()).toString().splitlines()


def lines_with(plan: list[str], pattern: str) -> list[int]:
    return [i for i, line in enumerate(plan) if re.search(pattern, line)]


def test_each_topic_has_its_watermark_below_the_one_stateful_operator_and_no_row_is_filtered_before(
    spark: SparkSession, tmp_path: Path
) -> None:
    plan = plan_of(spark, tmp_path)
    (step,) = lines_with(plan, "FlatMapGroupsInPandasWithState")
    watermarks = lines_with(plan, "EventTimeWatermark")
    assert len(watermarks) == 2
    assert step < min(watermarks)
    # rows that only count are dropped after the counts were observed; nothing is dropped before the step
    (observed,) = lines_with(plan, "CollectMetrics")
    assert all(line < observed < step for line in lines_with(plan, "~Filter"))


def test_a_message_a_packed_row_and_a_session_go_through_python_once_each_and_a_packed_row_moves_once(
    spark: SparkSession, tmp_path: Path
) -> None:
    """A pass through Python per step was measured: 375 CPU-seconds instead of 308."""
    plan = plan_of(spark, tmp_path)
    parse_of_topics, features = 2, 1
    assert len(lines_with(plan, "MapInArrow")) == parse_of_topics + features
    assert not lines_with(plan, "RepartitionByExpression"), "the step itself asks for its buckets"
