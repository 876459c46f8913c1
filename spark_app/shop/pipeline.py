"""The shop's job on one page: every step from two topics to predictions and reports, in order."""

from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.readwriter import DataStreamWriter

from contracts.shop import TOPICS
from runtime.kafka.connection import KafkaConnection
from runtime.world import Unit, World
from spark_app.shop import reports, tables
from spark_app.shop.features import add_features, join_static
from spark_app.shop.heartbeat import with_heartbeats
from spark_app.shop.predictions import predict
from spark_app.shop.rows import add_cart, cast_rows, parse_messages, rejected_rows
from spark_app.shop.sessions import browsing_sessions, drop_late, join_carts, session_carts
from spark_app.shop.sources import read_raw, read_static
from spark_app.sources import stream_topic
from spark_app.stages.scoring.pipeline_model import PipelineScorer

REPORTS = tuple(reports.WRITERS)
"""Queries that read the predictions that query `predictions` has committed."""
STATIC = ("customers", "products", "categories")


def build_features(browsing: DataFrame, transactions: DataFrame, static: dict[str, DataFrame]) -> DataFrame:
    """Turn typed rows of both topics, streamed or in batch, into the features of sessions."""
    sessions = browsing.transform(drop_late).transform(browsing_sessions)
    # one row per session with browsing rows
    carts = transactions.transform(drop_late).transform(add_cart).transform(session_carts)
    # one row per session with transactions
    return sessions.transform(join_carts, carts).transform(join_static, **static).transform(add_features)


def stream_predictions(
    spark: SparkSession, parsed: dict[str, DataFrame], unit: Unit, static: dict[str, DataFrame], scorer: PipelineScorer
) -> DataFrame:
    """Turn the parsed rows of both topics into predictions, one per session."""
    browsing, transactions = (
        parsed[topic].transform(cast_rows, topic).transform(with_heartbeats, spark, heartbeats(unit, topic))
        for topic in TOPICS
    )
    return build_features(browsing, transactions, static).transform(predict, scorer)


def build_queries(
    spark: SparkSession, world: World, kafka: KafkaConnection, scorer: PipelineScorer, max_messages: int
) -> dict[str, DataStreamWriter]:
    """Return every query of the job by name, unstarted: predictions, rejected rows, three reports."""
    unit, static = world.unit, read_tables(spark, world)
    parsed = {
        topic: stream_topic(spark, topic, kafka, max_messages).transform(parse_messages, topic) for topic in TOPICS
    }
    bad_browsing, bad_transactions = (rows.transform(rejected_rows) for rows in parsed.values())
    scored = stream_predictions(spark, parsed, unit, static, scorer)
    scored.printSchema()
    return {
        tables.PREDICTIONS: tables.append(scored, tables.PREDICTIONS, unit),
        tables.REJECTED: tables.append(bad_browsing.unionByName(bad_transactions), tables.REJECTED, unit),
        **reports.build_reports(spark, unit, static["products"]),
    }


def heartbeats(unit: Unit, topic: str) -> Path:
    """Return the folder of a topic's heartbeats (spark_app/shop/heartbeat.py)."""
    return unit.root / "heartbeats" / topic


def read_tables(spark: SparkSession, world: World) -> dict[str, DataFrame]:
    """Read the static tables by name."""
    return {name: read_static(spark, world, name) for name in STATIC}


def batch_features(spark: SparkSession, world: World) -> DataFrame:
    """Compute the features of a world's sessions in batch, by the steps of the stream: what a model is trained on."""
    browsing, transactions = (read_raw(spark, world, topic).transform(cast_rows, topic) for topic in TOPICS)
    return build_features(browsing, transactions, read_tables(spark, world))
