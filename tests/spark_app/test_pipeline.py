"""The queries of the job, by name, and the tables that they write."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from contracts.events import ACTIVITY, PLAYS
from contracts.features import FEATURE_NAMES
from contracts.tables import SESSIONS, ddl
from models.registry.artefact import Artefact
from models.registry.source_patterns import SourcePattern
from runtime.kafka.connection import KafkaConnection
from runtime.world import World
from spark_app import pipeline, sources
from spark_app.queries import shadow
from spark_app.stages.alerts.account_lookup import no_accounts
from spark_app.stages.scoring.score import SessionScorer
from spark_app.stages.sessions.compute_features import FEATURE_COLUMNS
from tests.spark_app.messages import MESSAGE_SCHEMA, arrived, list_of, message, sent
from tests.spark_app.typed import tracks, users

REPORTS = ["scores", "fraud_counts", "genuine_totals", "top_tracks", "rule_hits"]
SCORER = SessionScorer(b"", FEATURE_NAMES, 0.5, 0.9, "tiny@1")


@pytest.fixture
def job(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pipeline.Job:
    """A job whose topics are a folder each, with one message; its model is never loaded."""
    for topic in (PLAYS, ACTIVITY):
        arrived(spark, [message(list_of([sent(topic)]), topic=topic)]).write.parquet(str(tmp_path / topic))
    statics = {"tracks": tracks(spark), "users": users(spark)}

    def read_topic(spark: SparkSession, topic: str, *_: object) -> DataFrame:
        return spark.readStream.schema(MESSAGE_SCHEMA).parquet(str(tmp_path / topic))

    monkeypatch.setattr(sources, "read_topic", read_topic)
    monkeypatch.setattr(sources, "read_static", lambda spark, world, table: statics[table])
    monkeypatch.setattr(sources, "send_accounts_of", lambda spark, world: no_accounts)
    monkeypatch.setattr(pipeline, "load_scorer", lambda artefact: SCORER)
    kafka = KafkaConnection("127.0.0.1:1")
    return pipeline.Job(World(tmp_path / "w"), kafka, cast(Artefact, SimpleNamespace()), "UTC")


def test_sessions_start_first_then_the_archive_and_the_reports(spark: SparkSession, job: pipeline.Job) -> None:
    assert list(pipeline.build_queries(spark, job, pipeline.scored_sessions(spark, job))) == [
        "sessions",
        "archive",
        *REPORTS,
    ]


def test_a_challenger_adds_its_query_at_the_end(
    spark: SparkSession, job: pipeline.Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shadow, "write", lambda *_: cast(Any, "an unstarted writer"))
    challenger = cast(Artefact, SimpleNamespace(version="other@00000000"))
    with_challenger = pipeline.Job(job.world, job.kafka, job.champion, "UTC", challenger=challenger)
    scored = pipeline.scored_sessions(spark, job)
    assert list(pipeline.build_queries(spark, with_challenger, scored)) == ["sessions", "archive", *REPORTS, "shadow"]


def test_streamed_sessions_have_the_contracts_columns_with_and_without_a_scorer(
    spark: SparkSession, job: pipeline.Job
) -> None:
    scored, features = (pipeline.streamed_sessions(spark, job, scorer).run() for scorer in (SCORER, None))
    assert scored.isStreaming
    assert scored.schema == StructType.fromDDL(ddl(SESSIONS))
    assert features.schema == StructType.fromDDL(ddl(FEATURE_COLUMNS))


def test_with_an_alerts_model_the_sessions_are_the_same_and_a_model_that_only_spark_runs_has_no_alerts(
    spark: SparkSession, job: pipeline.Job
) -> None:
    looking = replace(job, alerts=SCORER)
    assert pipeline.streamed_sessions(spark, looking, SCORER).run().schema == StructType.fromDDL(ddl(SESSIONS))
    assert "alert" not in pipeline.streamed_sessions(spark, looking, None).run().columns


def test_a_source_that_tells_too_little_has_no_alerts(job: pipeline.Job) -> None:
    too_little = SourcePattern("plays_only", frozenset({"n_ips"}), None, None)
    knows_less = replace(SCORER, patterns=(too_little,))
    job.world.root.mkdir()
    assert pipeline.alert_steps(replace(job, alerts=knows_less), no_accounts) != (None, None)
    job.world.import_report.write_text('{"not_measurable": ["n_ips"]}')
    assert pipeline.alert_steps(replace(job, alerts=knows_less), no_accounts) == (None, None)
    assert pipeline.alert_steps(job, no_accounts) == (None, None)
