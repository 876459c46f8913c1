"""The parts of the demo; the whole is run by `playproof demo`."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ops.demo import music
from ops.errors import StackError
from ops.stack import child_process
from ops.stack.private_broker import start_only_version, with_private_broker
from runtime.settings import Settings
from runtime.world import World
from tests.flow.stage import WITHIN_S


def python(script: str) -> list[str]:
    return [sys.executable, "-u", "-c", script]


WAITS = python("import signal; print('now up'); signal.pause()")
FAILS = python("import sys; print('why it failed'); sys.exit(3)")


def test_a_child_is_waited_for_and_gone_after_the_block(tmp_path: Path) -> None:
    with child_process.running("the waiter", WAITS, os.environ, tmp_path / "run" / "waits.log") as waiter:
        waiter.wait_for_message("now up", within_s=WITHIN_S)
        waiter.require_alive()
        pid = waiter.process.pid
        assert psutil.pid_exists(pid)
    assert not psutil.pid_exists(pid)


def test_a_child_that_ended_is_named_with_its_last_words(tmp_path: Path) -> None:
    with child_process.running("the failer", FAILS, os.environ, tmp_path / "fails.log") as failer:
        failer.process.wait()
        with pytest.raises(StackError, match="the failer ended too early: why it failed"):
            failer.wait_for_message("up", within_s=WITHIN_S)


def test_a_child_that_is_not_up_in_time_is_named(tmp_path: Path) -> None:
    with (
        child_process.running("the waiter", WAITS, os.environ, tmp_path / "waits.log") as waiter,
        pytest.raises(StackError, match="the waiter is not up after 0 s"),
    ):
        waiter.wait_for_message("never said", within_s=0)


def test_a_fresh_version_leaves_one_run_behind(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.start_version().broker.mkdir(parents=True)
    unit = start_only_version(world)
    unit.broker.mkdir(parents=True)
    assert unit.root.name == "v2"
    assert [path.name for path in tmp_path.glob("v*")] == ["v2"]


HOLDS = """
import sys, signal
from ops.stack.private_broker import with_private_broker
from runtime.settings import Settings
with_private_broker(Settings(data=sys.argv[1]), "demo")
print("now up", flush=True)
signal.pause()
"""


def test_a_second_command_leaves_the_world_of_the_first_alone_until_that_ends(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    command = [*python(HOLDS), str(settings.data)]
    with child_process.running("the first", command, os.environ, tmp_path / "first.log") as first:
        first.wait_for_message("now up", within_s=WITHIN_S)
        with pytest.raises(StackError, match="world demo is in use by a command that still runs: wait"):
            with_private_broker(settings, "demo")
        with_private_broker(settings, "bench")
    assert [with_private_broker(settings, "demo").world for _ in range(2)] == ["demo", "demo"]
    assert [path for path in settings.data.iterdir() if path.is_dir()] == [], "no world is made by that"


def test_a_window_counts_once_in_its_newest_version(tmp_path: Path) -> None:
    def version(batch_id: int, counts: dict[int, int]) -> Path:
        file = tmp_path / f"{batch_id}.parquet"
        starts = [datetime(2025, 3, 3, 12, minute, tzinfo=UTC) for minute in counts]
        table = pa.table(
            {"window_start": starts, "sessions": list(counts.values()), "batch_id": [batch_id] * len(counts)}
        )
        pq.write_table(table, file)
        return file

    files = [version(10, {0: 5, 1: 7}), version(9, {0: 2, 1: 3, 2: 4})]
    assert music.count_windowed_sessions(files) == 5 + 7 + 4
