"""A command that begins its world anew leaves alone what is at work on that world."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from ops.errors import StackError
from ops.stack.lifecycle import supervisor_of
from ops.stack.private_broker import keep_world
from producer.replay.ledger import Ledger
from runtime.settings import Settings
from runtime.world import World
from spark_app.checks import job_lock
from tests.conftest import Playproof


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path / "demo")
    world.start_version()
    return world


@pytest.mark.parametrize(
    ("name", "work"), [("a job", job_lock.hold), ("a replay", lambda world: Ledger(world.unit.ledger))]
)
def test_a_world_that_something_works_on_is_not_begun_anew(
    world: World, name: str, work: Callable[[World], AbstractContextManager[object]]
) -> None:
    with work(world), pytest.raises(StackError, match=f"^{name} is at work on world demo, and this command begins it"):
        keep_world(world.root)
    keep_world(world.root)


def test_a_world_that_is_up_is_not_begun_anew(world: World) -> None:
    supervisor = supervisor_of(World(world.root.resolve()))
    supervisor.start(Settings(data=world.root.parent, world=world.name))
    try:
        with pytest.raises(StackError, match=r"world demo is up, .*: run  playproof down --world demo$"):
            keep_world(world.root)
    finally:
        supervisor.stop()


def test_rows_that_a_replay_sends_are_not_simulated_anew(world: World, playproof: Playproof) -> None:
    simulate = ("simulate", "--out", str(world.root), "--scenario", "small", "--users", "200", "--days", "1")
    with Ledger(world.unit.ledger):
        assert "another replay is at work on world demo" in playproof(*simulate).error
    assert not (world.root / "raw").exists()
    assert playproof(*simulate).exit_code == 0
