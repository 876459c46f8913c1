"""Account windows day by day: a new date is read once, and the windows are those of all rows read at once."""

import os
import shutil
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from models.account_windows.trees import SHIPPED_WINDOWS, load_window_trees
from models.registry.artefact import SHIPPED_SCORER
from models.registry.champions import CHAMPIONS, WINDOW_CHAMPIONS
from models.tables.lake_tables import batch_files, read_parts
from producer.simulator.command import simulate
from producer.simulator.scenario import load_scenario
from runtime.world import World, WorldError
from spark_app.batch import raw_evidence
from spark_app.batch.account_summaries import one_run
from spark_app.batch.account_windows import build, build_windows, format_summaries
from spark_app.batch.summary_parts import FOLDER
from spark_app.local.rows import read_world_rows

DAYS = 6
SCENARIO = """
profile = "field"
prevalence = 0.2
[families]
marathon = { accounts = 2 }
[negatives]
night_shift = 0.1
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("worlds")
    (folder / "tiny.toml").write_text(SCENARIO)
    made = World(folder / "whole")
    simulate(made, load_scenario(str(folder / "tiny.toml"), users=60, days=DAYS, seed=4))
    return made


def copy(world: World, root: Path, dates: list[str]) -> World:
    """The world as it was when only some dates had been written."""
    part = World(root)
    for topic in ("plays", "activity"):
        for day in dates:
            shutil.copytree(world.raw(topic) / day, part.raw(topic) / day)
    shutil.copytree(world.root / "static", root / "static", dirs_exist_ok=True)
    return part


def test_a_second_run_reads_the_new_date_only_and_its_windows_are_those_of_all_rows(
    world: World, tmp_path: Path
) -> None:
    dates = sorted(path.name for path in world.raw("plays").iterdir())
    trees = load_window_trees()
    part = copy(world, tmp_path / "part", dates[:-2])
    _, first = build(part, trees)
    assert len(first.dates_read) == len(dates) - 2
    for day in dates[-2:]:
        table, summaries = build(copy(world, tmp_path / "part", [day]), trees)
        assert summaries.dates_read == (date.fromisoformat(day.removeprefix("date=")),)
    expected = build_windows(read_world_rows(world))
    computed = table[expected.columns]
    pd.testing.assert_frame_equal(expected, computed)
    again, nothing = build(part, trees)
    assert nothing.dates_read == () == nothing.dates_read
    assert nothing.rows_read == 0
    assert "no new date" in format_summaries(nothing)
    pd.testing.assert_frame_equal(table, again)


def tables(world: World) -> dict[str, pd.DataFrame]:
    """Sessions and user-days of the daily run, in order, without the clock of the run and the order of tracks."""
    keys = {"scored_sessions": ["session_key"], "user_days": ["user_id", "local_date"]}
    read = {name: read_parts(batch_files(world.from_raw(name))) for name in keys}
    frames = {name: frame.sort_values(keys[name], ignore_index=True) for name, frame in read.items()}
    sessions = frames["scored_sessions"].drop(columns="scored_at")
    counts = sessions["track_counts"].map(lambda tracks: {track["track_id"]: track["streams"] for track in tracks})
    return frames | {"scored_sessions": sessions.assign(track_counts=counts)}


def test_sessions_and_user_days_of_a_new_date_are_those_of_all_rows(world: World, tmp_path: Path) -> None:
    dates = sorted(path.name for path in world.raw("plays").iterdir())[:4]
    lines: list[str] = []
    whole, part = copy(world, tmp_path / "whole", dates), copy(world, tmp_path / "part", dates[:-1])
    raw_evidence.build(whole, lines.append)
    raw_evidence.build(part, lines.append)
    raw_evidence.build(copy(world, part.root, dates[-1:]), lines.append)
    assert [line.partition(" new ")[0] for line in lines if line.startswith("read")] == ["read 4", "read 3", "read 1"]
    expected = tables(whole)
    for name, frame in tables(part).items():
        pd.testing.assert_frame_equal(frame, expected[name])
    assert raw_evidence.build_user_days(whole, tmp_path / "days") == len(expected["user_days"])
    alone = read_parts(batch_files(tmp_path / "days")).sort_values(["user_id", "local_date"], ignore_index=True)
    pd.testing.assert_frame_equal(alone, expected["user_days"])
    # a table that is gone is not there to go on from
    shutil.rmtree(part.from_raw("user_days"))
    raw_evidence.build(part, lines.append)
    assert any(line.startswith("read 4") for line in lines[-3:])
    pd.testing.assert_frame_equal(tables(part)["user_days"], expected["user_days"])


def test_a_second_run_at_once_is_refused(world: World, tmp_path: Path) -> None:
    part = copy(world, tmp_path, [])
    with one_run(part), pytest.raises(WorldError, match="computed already: wait"):
        raw_evidence.build(part, lambda line: None)
    with one_run(part):
        pass


def test_tables_are_made_again_where_rows_or_models_are_others_whatever_the_time_of_the_files(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dates = sorted(path.name for path in world.raw("plays").iterdir())[:4]
    part = copy(world, tmp_path / "part", [dates[0], *dates[2:3]])
    raw_evidence.build(part, lambda line: None)
    assert raw_evidence.missing_tables(part) == []
    # a date that comes late is copied with the time that it had elsewhere, before that of the tables
    copy(world, part.root, dates[1:2])
    assert raw_evidence.missing_tables(part) == list(raw_evidence.TABLES)
    # the windows alone read all of it again; sessions and user-days are still those without the late date
    build(part, load_window_trees())
    assert raw_evidence.missing_tables(part) == list(raw_evidence.TABLES)
    raw_evidence.build(copy(world, part.root, dates[3:]), lambda line: None)
    assert raw_evidence.missing_tables(part) == []
    whole = copy(world, tmp_path / "whole", dates)
    raw_evidence.build(whole, lambda line: None)
    for name, frame in tables(part).items():
        pd.testing.assert_frame_equal(frame, tables(whole)[name])
    for champions, name in ((CHAMPIONS, SHIPPED_SCORER.name), (WINDOW_CHAMPIONS, SHIPPED_WINDOWS.name)):
        with monkeypatch.context() as other:
            other.setitem(champions, name, "0" * 64)
            assert raw_evidence.missing_tables(part) == list(raw_evidence.TABLES), "another model ships"
    for topic in ("plays", "activity"):
        shutil.rmtree(part.raw(topic) / dates[3])
    assert raw_evidence.missing_tables(part) == list(raw_evidence.TABLES), "a world that is shorter now"


def test_all_dates_are_read_again_where_a_date_that_was_read_has_changed(world: World, tmp_path: Path) -> None:
    dates = sorted(path.name for path in world.raw("plays").iterdir())[:2]
    part = copy(world, tmp_path, dates)
    build(part, load_window_trees())
    changed = next((part.raw("plays") / dates[0]).iterdir())
    os.utime(changed, (1, 1))
    assert len(build(part, load_window_trees())[1].dates_read) == 2
    assert len(list(part.from_raw(FOLDER).iterdir())) == 1
    users = next(part.static("users").glob("*.parquet"))
    table = pq.read_table(users)
    zones = pa.array(["Asia/Tokyo"] * len(table))
    pq.write_table(table.set_column(table.column_names.index("timezone"), "timezone", zones), users)
    assert len(build(part, load_window_trees())[1].dates_read) == 2, "their local days are others now"


def test_a_row_of_another_date_is_refused(world: World, tmp_path: Path) -> None:
    first, second = sorted(path.name for path in world.raw("plays").iterdir())[:2]
    part = copy(world, tmp_path, [first])
    file = next((world.raw("plays") / second).iterdir())
    shutil.copy(file, part.raw("plays") / first / "late.parquet")
    with pytest.raises(WorldError, match="an event of a later UTC date"):
        build(part, load_window_trees())


def test_rows_of_an_earlier_date_that_come_with_a_new_one_count(world: World, tmp_path: Path) -> None:
    first, second, third = sorted(path.name for path in world.raw("plays").iterdir())[:3]
    part = copy(world, tmp_path / "part", [second])
    build(part, load_window_trees())
    copy(world, part.root, [third])
    for topic in ("plays", "activity"):
        shutil.copy(next((world.raw(topic) / first).iterdir()), part.raw(topic) / third / "late.parquet")
    table, summaries = build(part, load_window_trees())
    assert len(summaries.dates_read) == 2
    expected = build_windows(read_world_rows(copy(world, tmp_path / "whole", [first, second, third])))
    pd.testing.assert_frame_equal(expected, table[expected.columns])


def test_a_session_that_ends_exactly_half_an_hour_before_midnight_goes_on_with_a_row_at_midnight(
    world: World, tmp_path: Path
) -> None:
    """Sources with times to the minute have such rows; here all times are cut to the half hour."""
    dates = sorted(path.name for path in world.raw("plays").iterdir())[:3]
    part = copy(world, tmp_path / "part", dates)
    for file in sorted(part.root.glob("raw/*/*/*.parquet")):
        rows = pq.ParquetFile(file).read()
        at = rows.column_names.index("event_time")
        half_hours = pc.floor_temporal(rows["event_time"], 30, "minute").cast(rows.schema.field(at).type)
        pq.write_table(rows.set_column(at, rows.schema.field(at), half_hours), file)
    whole = read_world_rows(part)
    expected = build_windows(whole)["sessions_scored"].sum()
    daily = World(tmp_path / "daily")
    for day in dates:
        copy(part, daily.root, [day])
        table, _ = build(daily, load_window_trees())
    assert table["sessions_scored"].sum() == expected
