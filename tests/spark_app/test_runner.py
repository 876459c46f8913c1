"""Starting, watching and stopping queries."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming.readwriter import DataStreamWriter

from spark_app import runner
from spark_app.errors import JobError
from tests.flow.stage import WITHIN_S


@pytest.fixture(autouse=True)
def quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "CHECK_EVERY_S", 0.01)


@pytest.fixture
def lines(spark: SparkSession, tmp_path: Path) -> DataFrame:
    """A stream of one line of text."""
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("one\n")
    return spark.readStream.text(str(tmp_path / "in"))


def named(frame: DataFrame, name: str) -> DataStreamWriter:
    return frame.writeStream.format("noop").queryName(name)


def stop(is_set: bool) -> runner.StopRequest:
    """A request that no signal makes, so that pytest keeps its own handlers."""
    return cast(runner.StopRequest, SimpleNamespace(is_set=is_set))


def test_what_foreach_batch_raises_is_told_once_without_its_traceback(
    spark: SparkSession, lines: DataFrame, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(rows: DataFrame, batch_id: int) -> None:
        raise OSError("the topic is gone")

    writers = {"doomed": lines.writeStream.queryName("doomed").foreachBatch(fail)}
    with pytest.raises(JobError, match=r"^query doomed stopped: OSError: the topic is gone$"):
        runner.run(spark, writers, stop(False), available_now=True)
    assert (caplog.records, capfd.readouterr().err) == ([], "")


def test_queries_that_are_done_end_the_run(spark: SparkSession, lines: DataFrame) -> None:
    runner.run(spark, {"fine": named(lines, "fine")}, stop(False), available_now=True)
    assert spark.streams.active == []


def test_each_query_has_a_pool_of_its_name_and_a_free_core_goes_to_sessions_first(
    spark: SparkSession, lines: DataFrame
) -> None:
    pools: list[str | None] = []

    def note(rows: DataFrame, batch_id: int) -> None:
        pools.append(spark.sparkContext.getLocalProperty(runner.POOL))
        rows.collect()

    writers = {name: lines.writeStream.queryName(name).foreachBatch(note) for name in ("sessions", "report")}
    runner.run(spark, writers, stop(False), available_now=True)
    assert sorted(map(str, pools)) == ["report", "sessions"]
    context = spark.sparkContext._jsc.sc()
    shares = {name: context.getPoolForName(name).get().minShare() for name in ("sessions", "report")}
    assert shares["report"] == 0
    assert shares["sessions"] > context.defaultParallelism()


def test_a_query_that_dies_ends_the_run_with_its_name_and_cause_in_one_line(
    spark: SparkSession, lines: DataFrame
) -> None:
    writers = {
        "healthy": named(lines, "healthy").trigger(processingTime="1 hour"),
        "doomed": named(lines.select(F.raise_error(F.lit("the disk is full"))), "doomed"),
    }
    with pytest.raises(JobError, match=r"^query doomed stopped: .*the disk is full") as caught:
        runner.run(spark, writers, stop(False), available_now=False)
    assert "\n" not in str(caught.value)
    assert spark.streams.active == [], "the healthy one does not live on unseen"


class EndsAQuery:
    """Ends a query behind the runner's back when it is asked, and asks for a stop only long after that."""

    def __init__(self, spark: SparkSession, name: str) -> None:
        self._spark, self._name, self._asked = spark, name, 0

    @property
    def is_set(self) -> bool:
        self._asked += 1
        for query in self._spark.streams.active:
            if query.name == self._name:
                query.stop()
        return self._asked > 6


def test_a_query_that_ends_without_a_cause_ends_the_run_too(spark: SparkSession, lines: DataFrame) -> None:
    writers = {name: named(lines, name).trigger(processingTime="1 hour") for name in ("silent", "healthy")}
    with pytest.raises(JobError, match=r"^query silent stopped: it ended without a cause"):
        runner.run(spark, writers, EndsAQuery(spark, "silent"), available_now=False)
    assert spark.streams.active == []


def test_the_only_query_of_a_run_may_not_end_without_a_cause_either(spark: SparkSession, lines: DataFrame) -> None:
    writers = {"silent": named(lines, "silent").trigger(processingTime="1 hour")}
    with pytest.raises(JobError, match=r"^query silent stopped: it ended without a cause"):
        runner.run(spark, writers, EndsAQuery(spark, "silent"), available_now=False)


def test_a_query_whose_trigger_lets_it_end_may_end_before_the_others(spark: SparkSession, lines: DataFrame) -> None:
    writers = {"once": named(lines, "once").trigger(availableNow=True), "endless": named(lines, "endless")}
    runner.run(spark, writers, EndsAQuery(spark, "none"), available_now=False, may_end=["once"])
    assert spark.streams.active == []


def test_a_run_that_ends_has_reported_what_it_wrote(spark: SparkSession, lines: DataFrame, tmp_path: Path) -> None:
    table = tmp_path / "table"
    table.mkdir()
    write = lines.writeStream.queryName("write").format("parquet").option("path", str(table))
    report = spark.readStream.schema("value string").parquet(str(table)).writeStream.format("memory")
    writers = {
        "report": report.queryName("report"),
        "write": write.option("checkpointLocation", str(tmp_path / "checkpoint")),
    }
    runner.run_in_turn(spark, writers, ("report",), stop(False))
    assert [row["value"] for row in spark.table("report").collect()] == ["one"]
    spark.catalog.dropTempView("report")


def test_an_optional_query_that_dies_or_cannot_start_is_reported_and_the_others_finish(
    spark: SparkSession, lines: DataFrame
) -> None:
    reported: list[str] = []
    writers = {
        "unbounded": named(lines.groupBy("value").count(), "unbounded"),
        "doomed": named(lines.select(F.raise_error(F.lit("the trees are rotten"))), "doomed"),
        "fine": named(lines, "fine"),
    }
    runner.run(
        spark,
        writers,
        stop(False),
        available_now=True,
        optional={"unbounded": reported.append, "doomed": reported.append},
    )
    assert reported[0].startswith("query unbounded could not start: ")
    assert reported[1].startswith("query doomed stopped: ")
    assert "the trees are rotten" in reported[1]
    assert len(reported) == 2


def test_a_query_that_cannot_start_is_named(spark: SparkSession, lines: DataFrame) -> None:
    counted = lines.groupBy("value").count()
    with pytest.raises(JobError, match=r"^query unbounded could not start: ") as caught:
        runner.run(spark, {"unbounded": named(counted, "unbounded")}, stop(False), available_now=True)
    assert "\n" not in str(caught.value)


def test_a_stop_request_ends_the_run_cleanly(spark: SparkSession, lines: DataFrame) -> None:
    runner.run(spark, {"endless": named(lines, "endless")}, stop(True), available_now=False)
    assert spark.streams.active == []


def test_a_stop_request_that_came_while_spark_started_starts_no_query() -> None:
    started: list[str] = []

    class Writer:
        def start(self) -> None:
            started.append("a query")

    runner.run(cast(SparkSession, None), {"late": cast(DataStreamWriter, Writer())}, stop(True), available_now=False)
    assert started == []


@pytest.fixture
def own_handlers() -> Iterator[None]:
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


STARTING = """
import os, signal, subprocess, sys
from spark_app import runner
runner.end_at_once_on_sigterm()
child = subprocess.Popen(["sleep", "600"])
print("started", flush=True)
os.kill(os.getpid(), signal.SIGTERM)
"""
"""A process of its own: the signal ends all children, and pytest has a JVM."""


def test_while_spark_starts_a_sigterm_ends_the_process_and_what_it_had_started() -> None:
    # it returns when nobody has the pipe any more: not the child either
    done = subprocess.run([sys.executable, "-c", STARTING], stdout=subprocess.PIPE, check=False, timeout=WITHIN_S)
    assert (done.returncode, done.stdout) == (128 + signal.SIGTERM, b"started\n")


@pytest.mark.usefixtures("own_handlers")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_only_sets_the_flag(number: signal.Signals) -> None:
    request = runner.StopRequest()
    assert not request.is_set
    os.kill(os.getpid(), number)
    assert request.is_set
