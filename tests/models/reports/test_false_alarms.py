"""False alarms of an imported history: alarms per person-day, and a line about what is missing."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import orjson
import pandas as pd
import pytest

from contracts.user_day_features import USER_DAY_FEATURE_NAMES
from models.reports.false_alarms import FOREST, RULES, SESSION_SCORER, TREES, find_false_alarms, format_lines
from runtime.world import World, WorldError
from tests.conftest import Playproof

DAYS = 12
RAID = date(2024, 3, 13)


def write(world: World, table: str, rows: pd.DataFrame) -> None:
    """Write a table as Spark does."""
    folder = world.from_raw(table)
    folder.mkdir(parents=True)
    rows.to_parquet(folder / "part-0.parquet", index=False)
    (folder / "_SUCCESS").touch()


def day(local_date: date, hours: float, plays: int) -> dict[str, object]:
    unknown = dict.fromkeys(USER_DAY_FEATURE_NAMES, float("nan"))
    known = {"plays": plays, "streams": plays, "plays_day": plays, "hours": hours, "repeat_ratio": plays / 3000}
    return {"user_id": "me", "local_date": local_date, "plan": None, "country": None, **unknown, **known}


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Quiet evenings, then a day of 20 h, whose flagged session ended just after the listener's midnight."""
    made = World(tmp_path / "data" / "me")
    quiet = [day(RAID - timedelta(DAYS - n), 0.5 + 0.05 * (n % 3), 9 + n % 4) for n in range(DAYS)]
    write(made, "user_days", pd.DataFrame([*quiet, day(RAID, 20.0, 2300)]))
    flagged = {
        "user_id": "me", "ended_at": datetime(2024, 3, 12, 23, 30, tzinfo=UTC), "score": 0.9, "is_flagged": True,
        "reasons": [{"feature": "loop_share", "value": 0.99, "contribution": 3.0},
                    {"feature": "gap_memory", "value": None, "contribution": 0.1}], "model_version": "m@1",
    }  # fmt: skip
    honest = flagged | {
        "ended_at": datetime(2024, 3, 5, 19, tzinfo=UTC),
        "score": 0.1,
        "is_flagged": False,
        "reasons": [],
    }
    weaker = flagged | {"ended_at": datetime(2024, 3, 13, 9, tzinfo=UTC), "score": 0.8}
    write(made, "scored_sessions", pd.DataFrame([honest, weaker, flagged]))
    users = made.root / "static" / "users" / "as_of=2024-03-13"
    users.mkdir(parents=True)
    pd.DataFrame({"user_id": ["me"], "timezone": ["Europe/Berlin"]}).to_parquet(users / "part.parquet")
    (users.parent / "CURRENT").write_text(users.name)
    made.import_report.write_bytes(orjson.dumps({"not_measurable": ["error_rate"]}))
    return made


def test_every_detector_reports_its_alarms_per_person_day_with_the_causes(world: World) -> None:
    report = find_false_alarms(world)
    assert (report.person_days, report.people, report.last) == (DAYS + 1, 1, "2024-03-13")
    rules = report.alarms_of("user-day rules")
    assert rules["local_date"].tolist() == ["2024-03-13"]
    assert set(rules["behind"].iloc[0]) == {"hours", "plays", "few_tracks"}
    assert "usually" in rules["words"].iloc[0]
    text = "\n".join(format_lines(report, max_alarms=10))
    assert all(name in text for name in (SESSION_SCORER, RULES, FOREST))
    assert "not measurable from this source: error_rate; so the user-day trees did not run" in text


def test_the_trees_run_only_where_every_feature_is_measurable(world: World) -> None:
    world.import_report.write_bytes(orjson.dumps({"not_measurable": []}))
    report = find_false_alarms(world)
    assert set(report.alarms_of(TREES)["local_date"]) <= {str(RAID)}
    assert f"{TREES}   {len(report.alarms_of(TREES))} alarms" in "\n".join(format_lines(report, max_alarms=0))


def test_a_session_is_an_alarm_of_the_listeners_own_day_once_with_the_feature_that_pushed_most(world: World) -> None:
    (alarm,) = find_false_alarms(world).alarms_of("session scorer").itertuples()
    assert alarm.local_date == "2024-03-13"
    assert alarm.behind == ["loop_share"]
    assert alarm.words == "loop_share 0.99, gap_memory unknown"
    assert "session scorer   1 alarms, 7.69 per 100 person-days" in "\n".join(
        format_lines(find_false_alarms(world), max_alarms=0)
    )


def test_the_command_prints_json_with_every_alarm(
    world: World, playproof: Playproof, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYPROOF_DATA", str(world.root.parent))
    (one,) = orjson.loads(playproof("false-alarms", "me", "--json").out)
    assert one["person_days"] == DAYS + 1
    assert sum(detector["alarms"] for detector in one["detectors"].values()) == len(one["alarms"])


def test_a_world_without_tables_names_the_command_that_makes_them(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="run  playproof job score-history --world me"):
        find_false_alarms(World(tmp_path / "me"))
