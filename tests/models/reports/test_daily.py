"""The daily run on a small world made by hand: tables as the contract has them, a review list, a page."""

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from contracts.tables import LAKE, USERS
from models.reports.daily import DailyRun, run_daily
from models.tables.lake_tables import lake_schema, read_table
from models.user_days.detect import detect
from models.user_days.report.study import as_markdown, study
from runtime.lake import committed_files
from runtime.world import World, WorldError
from tests.conftest import Playproof
from tests.models.campaigns.example_plays import farm, play, strangers
from tests.models.user_days.example_days import crowd, user_days
from tests.models.user_days.test_cases import ALL_DAY

TABLES = ("user_day_flags", "campaigns", "track_risk", "account_risk", "account_habits")


def static(world: World, table: str, frame: pd.DataFrame) -> None:
    folder = world.root / "static" / table / "as_of=2025-03-01"
    folder.mkdir(parents=True)
    frame.to_parquet(folder / "part.parquet")
    (folder.parent / "CURRENT").write_text("as_of=2025-03-01\n")


@pytest.fixture(scope="module")
def days() -> pd.DataFrame:
    return pd.concat(
        [user_days(ALL_DAY, history=9).assign(user_id="<b>bot</b>"), crowd(users=8, days=10)], ignore_index=True
    )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, days: pd.DataFrame) -> World:
    made = World(tmp_path_factory.mktemp("worlds") / "tiny")
    plays = pd.DataFrame(strangers(users=20) + farm(device="rack") + [play("<b>bot</b>", "x00", i) for i in range(20)])
    plays["event_time"] = pd.to_datetime(plays["event_time"], unit="ms", utc=True)
    plays.insert(0, "play_id", [f"p{i}" for i in range(len(plays))])
    (made.raw("plays") / "date=2025-03-03").mkdir(parents=True)
    plays.to_parquet(made.raw("plays") / "date=2025-03-03" / "part.parquet")
    names = sorted({*plays["user_id"], *days["user_id"]})
    users = pd.DataFrame({column.name: None for column in USERS}, index=range(len(names)))
    static(made, "users", users.assign(user_id=names, timezone="Europe/Paris", plan="premium"))
    tracks = sorted(set(plays["track_id"]))
    static(
        made,
        "tracks",
        pd.DataFrame(
            {"track_id": tracks, "artist_id": "a", "artist": "Ann", "total_track_popularity": 1 / len(tracks)}
        ),
    )
    table = made.unit.table("user_days") / "date=2025-03-03"
    table.mkdir(parents=True)
    days.assign(local_date=days["local_date"].dt.date).to_parquet(table / "part-0.parquet")
    (table.parent / "_SUCCESS").touch()
    raids = days[(days["user_id"] == "<b>bot</b>") & (days["plays"] > 300)]
    reason = {"feature": "streams", "value": 900.0, "contribution": 3.0}
    sessions = pd.DataFrame(
        {
            "user_id": raids["user_id"],
            "score": 0.999,
            "is_flagged": True,
            "started_at": raids["local_date"].dt.tz_localize("UTC"),
            "reasons": pd.Series([[reason] for _ in raids.index], index=raids.index, dtype=object),
        }
    )
    made.from_raw("scored_sessions").mkdir()
    sessions.to_parquet(made.from_raw("scored_sessions") / "part.parquet")
    (made.from_raw("scored_sessions") / "_SUCCESS").touch()
    return made


@pytest.fixture(scope="module")
def daily(world: World) -> DailyRun:
    return run_daily(world)


@pytest.mark.parametrize("table", TABLES)
def test_every_table_is_written_as_the_contract_has_it(table: str, world: World, daily: DailyRun) -> None:
    (file,) = committed_files(world.unit.table(table))
    assert pq.ParquetFile(file).schema_arrow.equals(lake_schema(table))
    assert lake_schema(table).names == [column.name for column in LAKE[table]]
    assert len(read_table(world, table, "playproof days run"))


def test_a_second_run_replaces_the_tables(world: World, daily: DailyRun) -> None:
    before = [pq.ParquetFile(*committed_files(world.unit.table(table))).read() for table in TABLES]
    run_daily(world)
    assert [pq.ParquetFile(*committed_files(world.unit.table(table))).read() for table in TABLES] == before


def test_the_review_list_is_there_for_a_spreadsheet_and_for_a_program(world: World, daily: DailyRun) -> None:
    folder = world.unit.root / "daily"
    rows = pq.read_table(folder / "review.parquet")
    assert len(pd.read_csv(folder / "review.csv")) == len(rows) > 0
    assert rows["drawn_by"].to_pylist()[0] == "flag"


def test_the_page_says_suspected_and_runs_nothing_that_a_row_says(daily: DailyRun) -> None:
    page = daily.report.read_text()
    assert "Suspected user-days" in page
    assert "Nothing was done to any account" in page
    assert "listened 23 h without a pause of 2 h" in page
    assert "a session with a score of over 0.99: 900 streams" in page
    assert "<b>bot" not in page
    assert page.count("data:image/png;base64,") == 3
    assert "http" not in page


def test_a_world_without_truth_gets_no_figures_against_it(daily: DailyRun) -> None:
    assert daily.evaluation is None
    assert not any("truth" in line or "recall" in line for line in daily.lines)


def test_the_farm_is_in_the_summary_and_in_the_queue(world: World, daily: DailyRun) -> None:
    assert any(line.startswith("campaigns") and "device 1 (6 accounts)" in line for line in daily.lines)
    queue = read_table(world, "account_risk", "")
    assert {f"farm{i}" for i in range(6)} <= set(queue["user_id"])


def test_without_rows_the_command_that_makes_them_is_named(
    tmp_path: Path, playproof: Playproof, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYPROOF_DATA", str(tmp_path))
    (tmp_path / "none").mkdir()
    code, _, err = playproof("days", "run", "--world", "none")
    assert code == 1
    assert err == "error: world none has no raw plays: run  playproof simulate --world none\n"


def test_a_wrong_source_is_one_line(playproof: Playproof) -> None:
    code, _, err = playproof("days", "run", "--source", "moon")
    assert (code, err) == (1, "error: --source moon: expected one of auto, lake, raw\n")


def test_every_cell_of_the_study_is_filled(days: pd.DataFrame) -> None:
    flags = detect(days)
    is_bot = flags["user_id"] == "<b>bot</b>"
    labelled = flags.assign(
        label=is_bot.astype(float), family=is_bot.map({True: "marathon", False: "honest"}), cohort="drifter"
    )
    table = study(days, labelled)
    assert table.index.tolist() == ["rules", "forest", "hybrid"]
    assert all(isinstance(cell, str) and cell for cell in table.to_numpy().ravel())
    assert as_markdown(table).count("\n") == 4


def test_a_world_without_truth_cannot_be_studied(world: World) -> None:
    from models.reports.daily import study_world

    with pytest.raises(WorldError, match="no truth"):
        study_world(world)
