"""The reports as plain batch functions: what they count, and that a replayed micro-batch replaces itself."""

import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, Row, SparkSession

from contracts.tables import FRAUD_COUNT_TABLE, GENUINE_TOTALS, TOP_TRACKS
from contracts.topics import FRAUD_COUNTS, SCORES, TOPICS
from runtime.lake import committed_files
from runtime.world import Unit
from spark_app import session
from spark_app.queries import console, fraud_counts, genuine_totals, scores, top_tracks
from spark_app.queries.sessions import write_batch
from tests.flow.lake import rows_of
from tests.spark_app.scored import SCORED_AT, scored, table_of
from tests.spark_app.typed import static

MELBOURNE = "Australia/Melbourne"


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    return Unit(tmp_path)


def test_a_replayed_batch_of_fraud_counts_leaves_one_version(
    spark: SparkSession, unit: Unit, capsys: pytest.CaptureFixture[str]
) -> None:
    windows = fraud_counts.count_windows(
        table_of(
            spark,
            scored(1, is_flagged=True, tracks={"t1": 7}),
            scored(5),
            scored(9, is_flagged=True, tracks={"t1": 4, "t2": 1}),
        )
    ).cache()  # fmt: skip
    for _ in range(2):
        versions = fraud_counts.write_version(windows, 3, unit=unit, time_zone=MELBOURNE)

    rows = rows_of(unit, "fraud_counts")
    assert list(rows[0]) == [c.name for c in FRAUD_COUNT_TABLE]
    assert len(rows) == 12, "a session lies in twelve windows of 2 minutes that begin every 10 s"
    assert {(r["sessions"], r["flagged"], r["flagged_streams"], r["batch_id"]) for r in rows} == {(3, 2, 12, 3)}
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "fraud count, last 2 minutes to 23:00:10 AEDT"
    assert lines[2].split() == ["3", "2", "12"]

    message = fraud_counts.to_messages(versions).orderBy("key").first()
    assert message is not None
    assert message["key"] == "2026-03-01T11:58:10Z"
    assert json.loads(message["value"]) == {
        "window_start": "2026-03-01T11:58:10.000Z", "window_end": "2026-03-01T12:00:10.000Z",
        "sessions": 3, "flagged": 2, "flagged_streams": 12, "batch_id": 3,
    }  # fmt: skip
    assert tuple(json.loads(message["value"])) == TOPICS[FRAUD_COUNTS].row_fields


def test_the_console_shows_the_window_that_ends_just_after_the_newest_session(
    spark: SparkSession, unit: Unit, capsys: pytest.CaptureFixture[str]
) -> None:
    windows = fraud_counts.count_windows(table_of(spark, scored(0, is_flagged=True), scored(125)))
    fraud_counts.write_version(windows, 0, unit=unit, time_zone="UTC")
    heading, _, numbers = capsys.readouterr().out.splitlines()
    assert heading.endswith("to 12:02:10 UTC")
    assert numbers.split() == ["1", "0", "0"], "the flagged session is over 2 minutes old"


@pytest.mark.parametrize("passed", [0, 3, 11])
def test_after_the_clock_was_set_back_it_shows_the_first_window_that_the_watermark_has_not_passed(passed: int) -> None:
    ends = [SCORED_AT + n * fraud_counts.SLIDE_LENGTH for n in range(1, 13)]
    windows = [Row(window_end=end) for end in reversed(ends)]
    assert fraud_counts.current_window(windows[: 12 - passed])["window_end"] == ends[passed]


def test_a_batch_without_windows_writes_no_version_and_says_nothing(
    spark: SparkSession, unit: Unit, capsys: pytest.CaptureFixture[str]
) -> None:
    fraud_counts.write_version(fraud_counts.count_windows(table_of(spark)), 0, unit=unit, time_zone="UTC")
    assert rows_of(unit, "fraud_counts") == []
    assert capsys.readouterr().out == ""


def test_genuine_totals_leave_out_what_is_flagged_and_replace_themselves(
    spark: SparkSession, unit: Unit, capsys: pytest.CaptureFixture[str]
) -> None:
    totals = genuine_totals.total(table_of(spark, scored(0), scored(60), scored(99, is_flagged=True)))
    for _ in range(2):
        genuine_totals.report_batch(totals, 8, unit=unit, time_zone=MELBOURNE)
    (row,) = rows_of(unit, "genuine_totals")
    assert list(row) == [c.name for c in GENUINE_TOTALS]
    assert row["as_of"] == SCORED_AT + timedelta(seconds=60)
    assert (row["sessions"], row["plays"], row["streams"], row["hours"], row["batch_id"]) == (2, 6, 4, 1.0, 8)
    assert len(list(unit.table("genuine_totals").glob("*.parquet"))) == 1
    assert capsys.readouterr().out.splitlines()[0] == "genuine listening in total, as of 23:01:00 AEDT"


def test_no_genuine_session_yet_is_no_version(
    spark: SparkSession, unit: Unit, capsys: pytest.CaptureFixture[str]
) -> None:
    genuine_totals.report_batch(genuine_totals.total(table_of(spark)), 0, unit=unit, time_zone="UTC")
    assert rows_of(unit, "genuine_totals") == []
    assert capsys.readouterr().out == ""


def ranked_of(unit: Unit, sessions: DataFrame, names: DataFrame) -> list[Row]:
    write_batch(sessions, 0, unit=unit)
    files = committed_files(unit.table("sessions"))
    return top_tracks.rank_tracks(top_tracks.count_streams(sessions.sparkSession, files), names).collect()


def test_top_tracks_rank_genuine_streams_of_the_last_60_minutes(spark: SparkSession, unit: Unit) -> None:
    sessions = table_of(
        spark,
        scored(0, tracks={"too old": 99}),
        scored(0.001, tracks={"b": 2, "a": 2}),
        scored(60, tracks={"c": 1}),
        scored(3600, tracks={"c": 2}),
        scored(3599, is_flagged=True, tracks={"bought": 500}),
    )
    names = static(spark, "tracks", {"track_id": "a", "title": "A", "artist": "Ann"})
    ranked = ranked_of(unit, sessions, names)
    assert [(r["rank"], r["track_id"], r["streams"]) for r in ranked] == [(1, "c", 3), (2, "a", 2), (3, "b", 2)]
    assert (ranked[1]["title"], ranked[1]["artist"], ranked[2]["title"]) == ("A", "Ann", None)
    assert {r["as_of"].timestamp() for r in ranked} == {SCORED_AT.timestamp() + 3600}


def test_top_tracks_are_20_and_ties_go_to_the_smaller_id(spark: SparkSession, unit: Unit) -> None:
    sessions = table_of(spark, scored(0, tracks={f"t{i:02d}": 1 for i in reversed(range(30))}))
    ranked = ranked_of(unit, sessions, static(spark, "tracks"))
    assert [(r["rank"], r["track_id"]) for r in ranked] == [(i + 1, f"t{i:02d}") for i in range(20)]


def test_a_replayed_batch_of_top_tracks_leaves_one_version(
    spark: SparkSession, unit: Unit, capsys: pytest.CaptureFixture[str]
) -> None:
    old = table_of(spark, scored(0, tracks={"t1": 5}))
    sessions = table_of(spark, scored(3600, tracks={"t1": 2}), scored(3599, is_flagged=True, tracks={"t1": 50}))
    for batch_id, rows in enumerate((old, sessions)):
        write_batch(rows, batch_id, unit=unit)
    names = static(spark, "tracks", {"track_id": "t1", "title": "One", "artist": "Ann"})
    for _ in range(2):
        top_tracks.report_batch(sessions, 5, unit=unit, tracks=names, time_zone=MELBOURNE)
    top_tracks.report_batch(sessions.limit(0), 6, unit=unit, tracks=names, time_zone=MELBOURNE)
    written = rows_of(unit, "top_tracks")
    assert list(written[0]) == [c.name for c in TOP_TRACKS]
    assert [(r["track_id"], r["streams"], r["batch_id"]) for r in written] == [("t1", 2, 5), ("t1", 2, 6)]
    assert written[0]["as_of"] == written[1]["as_of"] == SCORED_AT + timedelta(hours=1)
    assert "1  t1     One    Ann" in capsys.readouterr().out


def test_a_scored_session_is_one_message_with_the_topics_fields(spark: SparkSession) -> None:
    session = scored(0, session_key="u1:5", score=0.75, reasons=[("plays", 3.0, 0.5)], started_at=SCORED_AT, ts=9)
    (message,) = scores.to_messages(table_of(spark, session)).collect()
    value = json.loads(message["value"])
    assert message["key"] == "u1:5"
    assert set(value) <= set(TOPICS[SCORES].row_fields)
    assert value["scored_at"] == value["started_at"] == "2026-03-01T12:00:00.000Z"
    assert value["reasons"] == [{"feature": "plays", "value": 3.0, "contribution": 0.5}]


@pytest.fixture
def machine_in_kolkata(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = os.environ.get("TZ")
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    yield
    monkeypatch.undo()
    assert os.environ.get("TZ") == before
    time.tzset()


@pytest.mark.usefixtures("machine_in_kolkata")
def test_the_console_says_the_display_zones_time_whatever_the_zone_of_the_machine(spark: SparkSession) -> None:
    row = table_of(spark, scored(0)).select("scored_at").first()
    assert row is not None
    assert console.local_time(row["scored_at"], MELBOURNE) == "23:00:00 AEDT"
    assert console.local_time(datetime(2026, 3, 1, 12, 0, tzinfo=UTC), "UTC") == "12:00:00 UTC"


@pytest.mark.usefixtures("machine_in_kolkata")
def test_a_process_in_utc_keeps_the_hour_that_the_end_of_summer_time_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    # 02:30 by the clock of Berlin, for the first and for the second time that night
    both = [datetime(2025, 10, 26, hour, 30, tzinfo=UTC).timestamp() for hour in (0, 1)]

    def there_and_back(at: float) -> float:
        """What Spark does to a time that is collected and put into a table again."""
        return time.mktime(datetime.fromtimestamp(at).timetuple())

    assert [there_and_back(at) for at in both] != both
    session.run_in_utc()
    assert [there_and_back(at) for at in both] == both


def test_a_console_table_lines_numbers_up_right_and_words_left_and_stops_at_20_rows() -> None:
    text = console.table("tracks", ["n", "name"], [[i, "x" * (i % 3)] for i in range(998, 1030)])
    lines = text.splitlines()
    assert len(lines) == 22
    assert lines[1:4] == ["      n  name", "    998  xx", "    999"]
    assert lines[4] == "  1,000  x"


def test_a_console_table_without_rows_is_its_heading_and_names() -> None:
    assert console.table("nothing", ["a", "b"], []).splitlines() == ["nothing", "  a  b"]
