"""The Spark contenders of `playproof bench`: each reads both topics from the start until they are drained.

A contender runs in a separate process. It writes facts to a file: when each micro-batch ended, and how many messages of
each topic it took. The caller computes the rates, since it also sees the contender's processes.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.readwriter import DataStreamWriter

from contracts.events import ACTIVITY, FIELDS, PLAYS
from runtime.world import Unit
from spark_app import pipeline, runner
from spark_app.pipeline import Job
from spark_app.queries import archive, sessions
from spark_app.stages.arrow_pass import ArrowPass


@dataclass(frozen=True, slots=True)
class Contest:
    """The queries of a contender: the timed ones, each of which ends when it has drained its topics, and the others."""

    timed: dict[str, DataStreamWriter]
    untimed: dict[str, DataStreamWriter] = field(default_factory=dict)


def minimal_rows(messages: DataFrame, topic: str) -> DataFrame:
    """Parse as a newcomer would: all fields of the topic as strings, one row per element, the obvious casts, no rules.

    Rows of a message that is not as expected are null, without any report.
    """
    row = "struct<" + ",".join(f"{f.name}:string" for f in FIELDS[topic]) + ">"
    casts = {"event_time": "timestamp", "listen_ms": "int"}
    parsed = messages.select(F.explode(F.from_json(F.col("value").cast("string"), f"array<{row}>")).alias("row"))
    names = [f.name for f in FIELDS[topic]]
    return parsed.select(*(F.col(f"row.{name}").cast(casts.get(name, "string")).alias(name) for name in names))


def _to_parquet(rows: DataFrame, unit: Unit, name: str) -> DataStreamWriter:
    return (
        rows.writeStream.queryName(name)
        .format("parquet")
        .option("path", str(unit.table(name)))
        .option("checkpointLocation", str(unit.checkpoints / name))
    )


def minimal_spark(spark: SparkSession, job: Job) -> Contest:
    """A newcomer's job: a query per topic, from message to parquet."""
    messages = {topic: pipeline.read_messages(spark, job, topic) for topic in (PLAYS, ACTIVITY)}
    unit = job.world.unit
    return Contest({topic: _to_parquet(minimal_rows(m, topic), unit, topic) for topic, m in messages.items()})


def scoring_without_model(spark: SparkSession, job: Job) -> Contest:
    """Our query up to the features, without the model, its contributions and the reasons."""
    features = pipeline.streamed_sessions(spark, job, scorer=None)
    dated = replace(features, last_pass=partial(_with_dates, last_pass=features.last_pass))
    return Contest({sessions.NAME: sessions.write(dated, job.world.unit)})


def _with_dates(batches: Iterable[pa.RecordBatch], last_pass: ArrowPass) -> Iterator[pa.RecordBatch]:
    """Add the date of the table's folders, which is a column of the model's pass."""
    for batch in last_pass(batches):
        yield batch.append_column("date", batch["ended_at"].cast(pa.date32()))


def scoring(spark: SparkSession, job: Job) -> Contest:
    """Our query as it ships."""
    scored = pipeline.scored_sessions(spark, job)
    return Contest({sessions.NAME: sessions.write(scored, job.world.unit)})


def whole_job(spark: SparkSession, job: Job) -> Contest:
    """Every query of the job; the reports run at their own intervals, next to the two that read topics.

    Reports cannot drain: the sessions that they read are written while they run.
    """
    writers = pipeline.build_queries(spark, job, pipeline.scored_sessions(spark, job))
    timed = {name: writers.pop(name) for name in (sessions.NAME, archive.NAME)}
    return Contest(timed, writers)


MINIMAL = "minimal_spark"
CONTENDERS: dict[str, Callable[[SparkSession, Job], Contest]] = {
    MINIMAL: minimal_spark,
    "scoring_without_model": scoring_without_model,
    "scoring": scoring,
    "job": whole_job,
}


def run(spark: SparkSession, contest: Contest, signal: runner.Stop) -> None:
    """Run a contender until its timed queries have drained the topics. Raises JobError where a query fails."""
    timed = {name: writer.trigger(availableNow=True) for name, writer in contest.timed.items()}

    def is_drained() -> bool:
        return timed.keys().isdisjoint(query.name for query in spark.streams.active)

    runner.run(spark, timed | contest.untimed, signal, available_now=False, is_done=is_drained, may_end=timed)
