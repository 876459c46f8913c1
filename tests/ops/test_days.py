"""The user-day pipeline in one command: what a world lacks is made first, what it has is left alone."""

from pathlib import Path

import pytest

from ops.commands import days
from ops.stack import child_process
from runtime.world import WorldError


def rows(world: Path) -> None:
    """Make a world with a file of raw plays."""
    file = world / "raw" / "plays" / "date=2025-03-03" / "part.parquet"
    file.parent.mkdir(parents=True)
    file.touch()


@pytest.fixture
def commands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """Return the list of commands that are run, without running them; `simulate` makes the world's folder."""
    run: list[list[str]] = []

    def run_to_end(command: list[str], environment: dict[str, str]) -> str:
        run.append(command[command.index("ops") + 1 :])
        if "simulate" in command:
            rows(tmp_path / command[command.index("--world") + 1])
        return "done\n"

    monkeypatch.setenv("PLAYPROOF_DATA", str(tmp_path))
    monkeypatch.setattr(child_process, "run_to_end", run_to_end)
    return run


def test_a_world_that_is_not_there_is_simulated_and_described(commands: list[list[str]]) -> None:
    world = days.prepare_world("new", "user-days")
    assert world.name == "new"
    assert commands == [
        ["simulate", "--world", "new", "--scenario", "user-days"],
        ["days", "build", "--world", "new", "--source", "raw"],
    ]


def test_a_world_that_is_there_is_not_simulated_again(commands: list[list[str]], tmp_path: Path) -> None:
    rows(tmp_path / "mine")
    days.prepare_world("mine", "user-days")
    assert commands == [["days", "build", "--world", "mine", "--source", "raw"]]


def test_user_days_that_are_there_are_kept(commands: list[list[str]], tmp_path: Path) -> None:
    folder = tmp_path / "mine" / "user_days"
    folder.mkdir(parents=True)
    (folder / "part.parquet").touch()
    (folder / "_SUCCESS").touch()
    days.prepare_world("mine", None)
    assert commands == []


def test_a_name_that_was_mistyped_is_no_reason_to_simulate(commands: list[list[str]], tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with pytest.raises(WorldError, match="mnie"):
        days.prepare_world("mnie", None)
    assert commands == []
