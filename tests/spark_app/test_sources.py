"""What the job reads in addition to the topics."""

from pathlib import Path

from pyspark.sql import SparkSession

from contracts.events import ACTIVITY, PLAYS
from runtime.lake import is_table
from runtime.world import Unit, World
from spark_app import sources
from tests.spark_app.typed import users


def test_a_static_table_reads_the_same_from_parquet_and_csv(spark: SparkSession, tmp_path: Path) -> None:
    table = users(spark)
    world = World(tmp_path)
    folder = tmp_path / "static" / "users"
    table.write.parquet(str(folder / "as_of=2026-03-01"))
    table.write.option("header", "true").csv(str(folder / "as_of=2026-03-02"))
    found, on_driver = [], []
    for day in ("2026-03-01", "2026-03-02"):
        (folder / "CURRENT").write_text(f"as_of={day}\n")
        found.append(sorted(map(repr, sources.read_static(spark, world, "users").collect())))
        on_driver.append(sorted(map(repr, sources.read_on_driver(spark, folder / f"as_of={day}", "users").collect())))
    assert found[0] == found[1] == sorted(map(repr, table.collect()))
    assert on_driver == found


def test_the_lakes_sessions_are_a_stream_before_the_first_is_written(spark: SparkSession, tmp_path: Path) -> None:
    columns = ["session_key", "score"]
    sessions = sources.stream_sessions(spark, Unit(tmp_path), columns, tmp_path / "checkpoints" / "q")
    assert sessions.isStreaming
    assert sessions.columns == columns
    assert is_table(Unit(tmp_path).table("sessions"))


def test_topics_with_few_messages_take_the_typical_proportion() -> None:
    assert sources.balance({PLAYS: 4, ACTIVITY: 1000}, 3000) == {PLAYS: 1500, ACTIVITY: 3000}
    assert sources.balance({PLAYS: 10**6, ACTIVITY: 20}, 10) == {PLAYS: 10, ACTIVITY: 1}
