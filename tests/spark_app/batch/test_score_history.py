"""From an export to the false-alarm audit, with the very functions that the commands run."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
from pyspark.sql import SparkSession

from models.registry.artefact import SHIPPED_SCORER
from models.registry.verify import verify_artefact
from models.reports.false_alarms import find_false_alarms
from producer.importers.layout import Options
from producer.importers.run import import_history
from runtime.world import World
from spark_app.batch.score_history import build

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


def test_a_day_in_a_loop_among_quiet_evenings_is_an_alarm_and_null_features_are_blamed_for_none(
    spark: SparkSession, tmp_path: Path
) -> None:
    export = tmp_path / "Streaming_History_Audio_2024.json"
    export.write_bytes(orjson.dumps(history()))
    world = World(tmp_path / "data" / "me")
    import_history([export], world, None, Options(), "Europe/Berlin", now_ms=1_767_225_600_000)
    with TemporaryDirectory() as unpacked:
        sessions, days = build(spark, world, verify_artefact(SHIPPED_SCORER, Path(unpacked)))
    assert days == DAYS + 1
    assert sessions >= days
    report = find_false_alarms(world)
    assert report.person_days == DAYS + 1
    assert report.alarms_of("user-day rules")["local_date"].tolist() == ["2024-03-13"]
    assert {"interaction_rate", "license_cnt", "error_rate"} <= set(report.not_measurable)
    assert not {name for names in report.alarms["behind"] for name in names} & set(report.not_measurable)
