"""Reports in silence: a tick in every micro-batch, in a real stream."""

from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.readwriter import DataStreamWriter

from contracts.tables import SESSIONS
from runtime.world import Unit
from spark_app import sources
from spark_app.queries import fraud_counts, genuine_totals, top_tracks
from spark_app.queries.sessions import write_batch
from tests.flow.lake import Row, rows_of
from tests.spark_app.scored import SCORED_AT, scored, table_of
from tests.spark_app.typed import static


def reports(spark: SparkSession, unit: Unit) -> dict[str, DataStreamWriter]:
    """The three reports as the job runs them, without their topic."""

    def committed(query: str) -> DataFrame:
        return sources.stream_sessions(spark, unit, [c.name for c in SESSIONS], unit.checkpoints / query)

    def count(windows: DataFrame, batch_id: int) -> None:
        fraud_counts.write_version(windows, batch_id, unit=unit, time_zone="UTC")

    counts = (
        fraud_counts.count_windows(committed("fraud_counts")).writeStream.queryName("fraud_counts").outputMode("update")
    )
    return {
        "fraud_counts": counts.outputMode("update")
        .foreachBatch(count)
        .option("checkpointLocation", str(unit.checkpoints / "fraud_counts")),
        "genuine_totals": genuine_totals.write(committed("genuine_totals"), unit, "UTC"),
        "top_tracks": top_tracks.write(committed("top_tracks"), unit, static(spark, "tracks"), "UTC"),
    }


def run_once(spark: SparkSession, unit: Unit) -> dict[str, list[Row]]:
    """Let every report have the micro-batches that are due; return the rows of its newest version."""
    queries = [writer.trigger(availableNow=True).start() for writer in reports(spark, unit).values()]
    for query in queries:
        query.awaitTermination()
    newest = {}
    for query in queries:
        rows = rows_of(unit, query.name)
        last = max(row["batch_id"] for row in rows)
        newest[query.name] = [{**row, "batch_id": None} for row in rows if row["batch_id"] == last]
    return newest


def test_every_report_comes_in_silence_and_a_repeated_micro_batch_has_the_time_it_had(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unit = Unit(tmp_path)
    sessions = table_of(spark, scored(0, is_flagged=True), scored(5))
    write_batch(sessions, 0, unit=unit)
    first = run_once(spark, unit)
    assert sum(row["sessions"] for row in first["fraud_counts"]) == 2 * 12, "the ticks count for nothing"
    (total,) = first["genuine_totals"]
    assert (total["sessions"], total["as_of"].timestamp()) == (1, SCORED_AT.timestamp() + 5)
    capsys.readouterr()

    silent = run_once(spark, unit)
    assert [(row["sessions"], row["flagged"]) for row in silent["fraud_counts"]] == [(0, 0)] * 12
    assert min(row["window_end"] for row in silent["fraud_counts"]) > min(
        r["window_end"] for r in first["fraud_counts"]
    )
    assert {name: silent[name] for name in ("genuine_totals", "top_tracks")} == {
        name: first[name] for name in ("genuine_totals", "top_tracks")
    }
    printed = capsys.readouterr().out
    assert all(report in printed for report in ("fraud count, last 2 minutes", "genuine listening", "top 20 tracks"))
    assert "no row has been read yet: send some with  playproof replay" in printed

    newest = max((unit.checkpoints / "fraud_counts" / "commits").glob("[0-9]*"), key=lambda file: int(file.name))
    newest.unlink()
    newest.with_name(f".{newest.name}.crc").unlink()
    before = rows_of(unit, "fraud_counts")
    run_once(spark, unit)
    assert [row for row in rows_of(unit, "fraud_counts") if row["batch_id"] <= int(newest.name)] == before
