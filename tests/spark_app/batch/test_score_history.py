"""From an export to the audit of its false alarms, on Spark and in one process."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
import pandas as pd
import pytest
from pyspark.sql import SparkSession

from models.registry.artefact import SHIPPED_SCORER
from models.registry.verify import verify_artefact
from models.reports.false_alarms import RULES, SCORER
from models.reports.format_false_alarms import format_lines
from models.tables.lake_tables import batch_files, read_parts
from ops.audit.run import audit_world, score_history
from producer.importers.layout import Options
from producer.importers.run import import_history
from runtime.world import World
from spark_app.batch import raw_evidence
from spark_app.batch.score_history import build
from tests.conftest import Playproof

DAYS = 12
BEGINS = datetime(2024, 3, 1, 18, tzinfo=UTC)


def record(ended: datetime, track: int, listen_ms: int, reason: str) -> dict[str, object]:
    return {
        "ts": ended.strftime("%Y-%m-%dT%H:%M:%SZ"), "platform": "android", "ms_played": listen_ms, "conn_country": "DE",
        "ip_addr": "198.51.100.7", "master_metadata_track_name": f"Song {track}",
        "master_metadata_album_artist_name": f"Artist {track % 7}", "spotify_track_uri": f"spotify:track:{track:022d}",
        "reason_start": reason, "reason_end": reason, "shuffle": False,
    }  # fmt: skip


def history() -> list[dict[str, object]]:
    """Quiet evenings of ten songs, then a day on which one song repeats every 31 s for 20 h."""
    evenings = [
        record(
            BEGINS + timedelta(days=day, minutes=4 * song + day), 10 * day + song, 170_000 + 7_919 * song, "trackdone"
        )
        for day in range(DAYS)
        for song in range(10)
    ]
    raid = BEGINS + timedelta(days=DAYS)
    loop = [record(raid.replace(hour=1) + timedelta(seconds=31 * n), 999, 31_000, "trackdone") for n in range(2300)]
    return evenings + loop


@pytest.fixture
def world(tmp_path: Path) -> World:
    export = tmp_path / "Streaming_History_Audio_2024.json"
    export.write_bytes(orjson.dumps(history()))
    made = World(tmp_path / "data" / "me")
    import_history([export], made, None, Options(), "Europe/Berlin", now_ms=1_767_225_600_000)
    return made


def test_spark_and_one_process_give_the_same_sessions_and_user_days(spark: SparkSession, world: World) -> None:
    with TemporaryDirectory() as unpacked:
        build(spark, world, verify_artefact(SHIPPED_SCORER, Path(unpacked)))
    history = score_history(world, None, "me", lambda step: None)
    for table, key, of_process in (
        ("scored_sessions", ["session_key"], history.sessions),
        ("user_days", ["user_id", "local_date"], history.days),
    ):
        of_spark = read_parts(batch_files(world.from_raw(table)))
        numbers = of_process.select_dtypes("number").columns
        expected, actual = (
            frame.sort_values(key).set_index(key)[[name for name in numbers if name not in key]]
            for frame in (of_spark, of_process)
        )
        pd.testing.assert_frame_equal(actual, expected.astype(actual.dtypes), check_exact=False, rtol=1e-9)


def test_an_import_gets_all_that_the_daily_run_reads_from_one_reading_of_its_rows(world: World) -> None:
    assert raw_evidence.missing_tables(world) == list(raw_evidence.TABLES)
    raw_evidence.build(world, lambda step: None)
    assert raw_evidence.missing_tables(world) == []
    days, sessions, windows = (read_parts(batch_files(world.from_raw(table))) for table in raw_evidence.TABLES)
    assert len(days) == DAYS + 1
    assert sessions["plays"].sum() == days["plays"].sum() == 2420
    assert set(windows["days"]) == {7, 28}
    assert windows["sessions_scored"].max() == len(sessions)


def test_a_day_in_a_loop_among_quiet_evenings_is_an_alarm(world: World) -> None:
    report = audit_world(world).report
    assert len(report.person_days) == DAYS + 1
    assert report.alarms_of(RULES)["local_date"].tolist() == ["2024-03-13"]
    assert report.alarms_of(SCORER)["local_date"].tolist() == ["2024-03-13"]
    (verdict,) = (line for line in format_lines(report) if line.startswith("verdict: "))
    assert verdict.startswith(f"verdict: 1 of {DAYS + 1} days are flagged by a detector")
    assert "looks like a bot's" not in verdict, "one day of thirteen"
    missing = {"interaction_rate", "license_cnt", "error_rate", "completion_mean", "n_devices"}
    assert missing <= set(world.not_measurable)


def test_the_command_audits_files_in_a_folder_with_a_space_and_leaves_nothing_behind(
    tmp_path: Path, playproof: Playproof, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYPROOF_DATA", str(tmp_path / "data"))
    export = tmp_path / "my data" / "Streaming_History_Audio_2024.json"
    export.parent.mkdir()
    export.write_bytes(orjson.dumps(history()))
    (report,) = orjson.loads(playproof("audit", str(export), "--timezone", "Europe/Berlin", "--json").out)
    assert (report["people"], report["person_days"], report["import"]["imports"][0]["taken"]) == (1, DAYS + 1, 2420)
    assert not (tmp_path / "data").exists()
    assert "audit needs files" in playproof("audit").error
