"""The user-day pipeline in one command: what a world lacks is made first, what it has is left alone."""

import os
from pathlib import Path

import pyarrow as pa
import pytest

from ops.commands import days
from ops.stack import child_process
from runtime.lake.commits import Transaction, replace, write_files
from runtime.terminal import ReportProgress
from runtime.world import World, WorldError
from spark_app.batch import raw_evidence
from spark_app.batch.lake_rows import READ_ROWS, fingerprint_of_rows
from tests.lake_rows import commit


def rows(world: Path) -> None:
    """Make a world with a file of raw plays."""
    file = world / "raw" / "plays" / "date=2025-03-03" / "part.parquet"
    file.parent.mkdir(parents=True)
    file.touch()


def made(folder: Path) -> None:
    """Make a complete table of one empty file."""
    folder.mkdir(parents=True)
    (folder / "part.parquet").touch()
    (folder / "_SUCCESS").touch()


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """Return the list of commands that are run, without running them; `simulate` makes the world's folder."""
    run: list[list[str]] = []

    def run_to_end(command: list[str], environment: dict[str, str]) -> str:
        run.append(command[command.index("ops") + 1 :])
        if "simulate" in command:
            rows(tmp_path / command[command.index("--world") + 1])
        return "done\n"

    def build(world: World, report: ReportProgress) -> None:
        run.append(["build in this process", world.name])

    monkeypatch.setenv("PLAYPROOF_DATA", str(tmp_path))
    monkeypatch.setattr(raw_evidence, "build", build)
    monkeypatch.setattr(raw_evidence, "fits_in_memory", lambda world: world.name != "large")
    monkeypatch.setattr(child_process, "run_to_end", run_to_end)
    return run


def test_a_world_that_is_not_there_is_simulated_and_described(commands: list[list[str]]) -> None:
    world = days.prepare_world("new", "user-days")
    assert world.name == "new"
    assert commands == [
        ["simulate", "--world", "new", "--scenario", "user-days"],
        ["build in this process", "new"],
    ]


def test_rows_that_do_not_fit_in_memory_are_left_to_spark(commands: list[list[str]], tmp_path: Path) -> None:
    rows(tmp_path / "large")
    days.prepare_world("large", None)
    assert commands == [["days", "build", "--world", "large", "--source", "raw"]]


def test_tables_that_are_newer_than_the_rows_are_kept(commands: list[list[str]], tmp_path: Path) -> None:
    rows(tmp_path / "mine")
    for table in raw_evidence.TABLES:
        made(tmp_path / "mine" / table)
    days.prepare_world("mine", None)
    assert commands == []


def test_a_table_that_is_older_than_the_rows_is_made_again(commands: list[list[str]], tmp_path: Path) -> None:
    for table in raw_evidence.TABLES:
        made(tmp_path / "mine" / table)
        os.utime(tmp_path / "mine" / table / "part.parquet", (1.0, 1.0))
    rows(tmp_path / "mine")
    days.prepare_world("mine", None)
    assert commands == [["build in this process", "mine"]]


def test_a_world_that_is_there_is_not_simulated_again(commands: list[list[str]], tmp_path: Path) -> None:
    rows(tmp_path / "mine")
    days.prepare_world("mine", "user-days")
    assert commands == [["build in this process", "mine"]]


def test_user_days_whose_rows_are_gone_are_kept(commands: list[list[str]], tmp_path: Path) -> None:
    made(tmp_path / "mine" / "user_days")
    days.prepare_world("mine", None)
    assert commands == []


def test_user_days_of_the_lake_are_computed_again_once_it_has_new_rows(
    commands: list[list[str]], tmp_path: Path
) -> None:
    unit = World(tmp_path / "mine").unit
    build = ["days", "build", "--world", "mine", "--source", "lake"]
    commit(unit.table("plays"), pa.table({"play_id": ["p1"]}))
    days.prepare_world("mine", None)
    assert commands == [build]
    content = pa.table({"user_id": ["u1"]})
    files = write_files(unit.table("user_days"), content)
    replace(unit.table("user_days"), files, content.schema, Transaction(READ_ROWS, fingerprint_of_rows(unit)))
    days.prepare_world("mine", None)
    assert commands == [build]
    commit(unit.table("plays"), pa.table({"play_id": ["p2"]}))
    days.prepare_world("mine", None)
    assert commands == [build, build]


def test_a_name_that_was_mistyped_is_no_reason_to_simulate(commands: list[list[str]], tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(WorldError, match="mnie"):
        days.prepare_world("mnie", None)
    assert commands == []
