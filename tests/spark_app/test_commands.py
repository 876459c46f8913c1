"""The command line: what is missing is named in one line on stderr, with exit code 1 and no traceback."""

from pathlib import Path

import pytest

from contracts.domain import SHOP
from ops.stack.ports import free_port
from runtime.checkpoint import STATE_FILE
from runtime.world import World
from spark_app.checks import preflight
from tests.conftest import Playproof


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world with both static tables, and a broker's address where nobody listens."""
    monkeypatch.setenv("PLAYPROOF_DATA", str(tmp_path))
    monkeypatch.setenv("PLAYPROOF_BROKER", f"127.0.0.1:{free_port()}")
    for table in ("tracks", "users"):
        folder = tmp_path / "w" / "static" / table / "as_of=2026-03-01"
        folder.mkdir(parents=True)
        (folder / "part.csv").write_text("")
        (folder.parent / "CURRENT").write_text(folder.name)
    return World(tmp_path / "w")


def test_a_world_without_static_tables_is_named_with_the_command_that_makes_them(
    world: World, playproof: Playproof
) -> None:
    (world.root.parent / "elsewhere").mkdir()
    line = playproof("job", "run", "--world", "elsewhere").error
    assert "static table tracks is missing in world elsewhere" in line
    assert "playproof simulate --world elsewhere" in line


def test_an_empty_static_table_is_named(world: World, playproof: Playproof) -> None:
    for file in world.static("users").iterdir():
        file.unlink()
    assert "static table users of world w is empty" in playproof("job", "run", "--world", "w").error


@pytest.mark.usefixtures("world")
def test_a_broker_that_does_not_answer_is_named_with_its_address(
    playproof: Playproof, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "ANSWERS_WITHIN_S", 0.2)
    line = playproof("job", "run", "--world", "w").error
    assert "no broker answers at 127.0.0.1:" in line
    assert "playproof up" in line


def test_a_unit_that_does_not_fit_is_refused_before_anything_starts(world: World, playproof: Playproof) -> None:
    world.unit.checkpoints.mkdir(parents=True)
    (world.unit.checkpoints / STATE_FILE).write_text("{")
    assert "STATE.json is unreadable" in playproof("job", "run", "--world", "w").error


def test_the_job_of_a_shop_names_what_it_lacks_and_options_that_it_does_not_have(
    world: World, playproof: Playproof
) -> None:
    world.set_domain(SHOP)
    assert "static table customers is missing" in playproof("job", "run", "--world", "w").error
    line = playproof("job", "run", "--world", "w", "--only", "sessions").error
    assert line == "error: the job of a shop has no --only: leave it out"


@pytest.mark.usefixtures("world")
def test_only_the_job_of_a_shop_ends_by_itself_in_silence(playproof: Playproof) -> None:
    line = playproof("job", "run", "--world", "w", "--idle-after", "5").error
    assert "--idle-after: stop this one with Ctrl-C" in line


@pytest.mark.usefixtures("world")
def test_user_days_without_spark_are_of_raw_rows_only(playproof: Playproof) -> None:
    assert "add  --source raw" in playproof("days", "build", "--world", "w", "--no-spark").error


def test_thresholds_of_alerts_are_not_chosen_on_a_world_that_the_trees_learned_from(playproof: Playproof) -> None:
    given = ("--world", "a", "--world", "b", "--calibrate", "c", "--calibrate", "b")
    assert "--calibrate b: the trees are trained on that world" in playproof("model", "train-alerts", *given).error


@pytest.mark.usefixtures("world")
def test_worlds_for_thresholds_are_there_before_the_trees_are_trained(playproof: Playproof) -> None:
    given = ("--world", "w", "--calibrate", "elsewhere")
    assert "elsewhere" in playproof("model", "train-alerts", *given).error
