"""The contenders of the bench: what the minimal job does, how steps are read, when a contender has drained."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pyspark.sql import DataFrame, SparkSession

from contracts.events import ACTIVITY, FIELDS, HEADER_HEARTBEAT, HEADER_ROWS, PLAYS
from ops.stack.broker import Broker
from runtime.kafka.connection import KafkaConnection
from runtime.settings import Settings
from runtime.world import World
from spark_app import sources
from spark_app.bench import command, contenders, raw_consumer, steps
from spark_app.errors import JobError
from spark_app.pipeline import Job
from tests.producer.empty_topics import empty_topics
from tests.spark_app.messages import MESSAGE_SCHEMA, arrived, list_of, message, sent


def test_the_minimal_job_reads_every_field_and_casts_the_obvious_ones(spark: SparkSession) -> None:
    messages = arrived(spark, [message(list_of([sent(listen_ms="41000"), sent(listen_ms="x")]))])
    rows = contenders.minimal_rows(messages, PLAYS)
    assert rows.columns == [field.name for field in FIELDS[PLAYS]]
    assert dict(rows.dtypes)["event_time"] == "timestamp"
    assert dict(rows.dtypes)["listen_ms"] == "int"


def test_the_minimal_job_keeps_every_row_of_both_topics(spark: SparkSession) -> None:
    rows = [sent(ACTIVITY, event_id=f"e{n}") for n in range(3)]
    found = contenders.minimal_rows(arrived(spark, [message(list_of(rows), topic=ACTIVITY)]), ACTIVITY).collect()
    assert [row["event_id"] for row in found] == ["e0", "e1", "e2"]


def messages_in(spark: SparkSession, folder: Path) -> DataFrame:
    return spark.readStream.schema(MESSAGE_SCHEMA).parquet(str(folder))


@pytest.fixture
def job(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    """A job whose topics are a folder each, with one message."""
    for topic in (PLAYS, ACTIVITY):
        arrived(spark, [message(list_of([sent(topic)]), topic=topic)]).write.parquet(str(tmp_path / topic))
    monkeypatch.setattr(sources, "read_topic", lambda s, topic, *_: messages_in(s, tmp_path / topic))
    return Job(World(tmp_path / "world"), KafkaConnection("127.0.0.1:1"), cast(Any, None), "UTC")


def never() -> Any:
    """A signal that does not come."""
    return SimpleNamespace(is_set=False)


def test_the_minimal_job_drains_both_topics_into_tables(spark: SparkSession, job: Job) -> None:
    contenders.run(spark, contenders.minimal_spark(spark, job), never())
    assert spark.streams.active == []
    unit = job.world.unit
    assert {topic: spark.read.parquet(str(unit.table(topic))).count() for topic in (PLAYS, ACTIVITY)} == {
        PLAYS: 1, ACTIVITY: 1,
    }  # fmt: skip


def test_what_runs_beside_ends_with_the_timed_queries(spark: SparkSession, job: Job, tmp_path: Path) -> None:
    contest = contenders.minimal_spark(spark, job)
    endless = messages_in(spark, tmp_path / PLAYS).writeStream.queryName("report").format("noop")
    contenders.run(spark, contenders.Contest(contest.timed, {"report": endless}), never())
    assert spark.streams.active == []


def test_a_signal_ends_a_contender_before_it_starts_a_query(spark: SparkSession, job: Job) -> None:
    contenders.run(spark, contenders.minimal_spark(spark, job), cast(Any, SimpleNamespace(is_set=True)))
    assert not job.world.unit.checkpoints.exists()


def progress(at: str, took_ms: int, start: Any, end: Any) -> str:
    """What Spark says of a micro-batch of the query `sessions`."""
    source = {"startOffset": start, "endOffset": end}
    words = {"name": "sessions", "timestamp": at, "durationMs": {"triggerExecution": took_ms}, "sources": [source]}
    return json.dumps(words)


def test_steps_count_messages_by_offsets_and_end_when_the_trigger_does(tmp_path: Path) -> None:
    first = progress("2026-03-01T00:00:01.000Z", 1500, None, {PLAYS: {"0": 5, "1": 6}})
    second = progress("2026-03-01T00:00:03.000Z", 500, {PLAYS: {"0": 5, "1": 6}}, {PLAYS: {"0": 5, "1": 9}})
    (tmp_path / "sessions.jsonl").write_text(f"{first}\n{second}\n")
    found = steps.steps_of(tmp_path, ["sessions"])
    began_at = found["began_at"]
    assert found["steps"] == [
        {"ended_at": began_at + 1.5, "query": "sessions", "messages": {PLAYS: 11}},
        {"ended_at": began_at + 2.5, "query": "sessions", "messages": {PLAYS: 3}},
    ]


def test_a_query_without_progress_is_named(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="query archive ended without any progress"):
        steps.steps_of(tmp_path, ["archive"])


def test_a_contender_that_does_not_exist_is_refused_with_those_that_do(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"no contender 'flink': expected one of raw_consume, minimal_spark, "):
        command.bench_one(Settings(), "flink", tmp_path / "out.json", None, "1g", 10)


def test_the_bare_consumer_counts_rows_by_header_and_heartbeats_apart(broker: Broker) -> None:
    empty_topics(broker.kafka)
    from kafka import KafkaProducer

    with KafkaProducer(**broker.kafka.python()) as producer:
        for topic, rows, heartbeat in ((PLAYS, b"200", b"0"), (PLAYS, b"7", b"0"), (ACTIVITY, b"1", b"1")):
            producer.send(topic, b"[]", headers=[(HEADER_ROWS, rows), (HEADER_HEARTBEAT, heartbeat)])
    found = raw_consumer.consume(broker.kafka)
    assert found["topics"] == {
        PLAYS: {"messages": 2, "rows": 207, "heartbeats": 0},
        ACTIVITY: {"messages": 1, "rows": 0, "heartbeats": 1},
    }
    read = [step["messages"] for step in found["steps"]]
    assert {topic: sum(messages.get(topic, 0) for messages in read) for topic in (PLAYS, ACTIVITY)} == {
        PLAYS: 2, ACTIVITY: 1,
    }  # fmt: skip
