"""The false-alarm audit of an imported history: alarms per person-day, and what is missing said in a line."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
import pytest
from typer.testing import CliRunner

from contracts.world import World, WorldError
from models.__main__ import app
from models.audit import DETECTORS, audit, lines, the_world
from models.errors import ModelError
from models.registry import CHAMPION, verify
from producer.importers.layout import Options
from producer.importers.run import import_history
from spark_app.audit_tables import build

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


@pytest.fixture(scope="module")
def world(spark, tmp_path_factory) -> World:
    folder = tmp_path_factory.mktemp("audit")
    export = folder / "Streaming_History_Audio_2024.json"
    export.write_bytes(orjson.dumps(history()))
    made = World(folder / "data" / "me")
    import_history([export], made, None, Options(), "Europe/Berlin", now_ms=1_767_225_600_000)
    with TemporaryDirectory() as unpacked:
        sessions, days = build(spark, made, verify(CHAMPION, Path(unpacked)))
    assert days == DAYS + 1
    assert sessions >= days
    return made


def test_every_detector_reports_its_alarms_per_person_day_with_what_is_behind(world):
    found = audit(world)
    assert (found.person_days, found.people, found.last) == (DAYS + 1, 1, "2024-03-13")
    rules = found.of("user-day rules")
    assert rules["local_date"].tolist() == ["2024-03-13"]
    assert {"hours", "plays"} <= set(rules["behind"].iloc[0])
    assert "usually" in rules["words"].iloc[0]
    said = "\n".join(lines(found, shown=10))
    assert all(name in said for name in DETECTORS)
    assert "1 alarms, 7.69 per 100 person-days" in said


def test_what_the_export_cannot_tell_is_named_and_blamed_for_nothing(world):
    found = audit(world)
    assert {"interaction_rate", "license_cnt", "error_rate"} <= set(found.not_measurable)
    behind = {name for names in found.alarms["behind"] for name in names}
    assert not behind & set(found.not_measurable)


def test_the_command_prints_json_with_every_alarm(world):
    done = CliRunner().invoke(app, ["audit", str(world.root), "--json"], catch_exceptions=False)
    (one,) = orjson.loads(done.stdout)
    assert one["person_days"] == DAYS + 1
    assert sum(detector["alarms"] for detector in one["detectors"].values()) == len(one["alarms"])


def test_a_world_without_tables_names_the_command_that_makes_them(tmp_path):
    with pytest.raises(WorldError, match="run  python -m spark_app audit-tables --world me"):
        audit(World(tmp_path / "me"))


def test_an_export_is_no_world_and_the_commands_in_between_are_named(tmp_path):
    with pytest.raises(ModelError, match="python -m producer import"):
        the_world(tmp_path / "my_spotify_data.zip")
    with pytest.raises(ModelError, match="no such world"):
        the_world(tmp_path / "nobody")
