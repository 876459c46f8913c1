"""Two stages, set up once for all flow tests: a world played live, and one replayed as fast as it goes, faults and all.

Each has a broker of its own, so that no test waits for another; a job's JVM takes most of the time, so as few as
possible are started.
"""

import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import psutil
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from contracts.events import ACTIVITY, PLAYS
from contracts.lake import committed_files
from contracts.world import World
from producer.batches import count_rows
from producer.demo import WINDOWS_OF_A_SESSION, counted
from producer.stack import JOB_IS_UP
from tests.flow.lake import messages, rows_of
from tests.flow.stage import WITHIN_S, Stage, family_of, on_a_broker, wait_until

SCENARIO = Path(__file__).with_name("tiny.toml")
QUIET_FROM, QUIET_UNTIL = datetime(2025, 3, 3, 16), datetime(2025, 3, 3, 20)
"""Activity is silent for these hours, UTC."""
SPEED = "20000"
"""Listener-seconds a second: the day in four."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How a process of ours ended when it was asked to."""

    exit_code: int
    seconds: float
    family: list[psutil.Process]
    """It and every process that it had started."""
    said: str


@dataclass(frozen=True, slots=True)
class Live:
    """A stage after a live run: the job followed a paced replay, then was stopped."""

    stage: Stage
    job: Ending
    picture: Path


def make_world(root: Path) -> World:
    """Simulate the tiny world, with half of its activity, and none for some hours.

    So a batch makes one message of each topic, and a job that reads so many messages of each reads both in step.
    """
    world = World(root)
    Stage(world, "").finish("producer", "simulate", "--scenario", str(SCENARIO))
    for file in world.raw_files(ACTIVITY):
        table = pq.ParquetFile(file).read()
        table = table.take(np.arange(0, len(table), 2))
        hour = pc.hour(table["event_time"])
        is_quiet = pc.and_(pc.greater_equal(hour, QUIET_FROM.hour), pc.less(hour, QUIET_UNTIL.hour))
        pq.write_table(table.filter(pc.invert(is_quiet)), file)
    return world


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The tiny world, not played yet."""
    return make_world(tmp_path_factory.mktemp("source") / "tiny")


def copy_of(source: World, folder: Path) -> World:
    """Copy a world, so that it can be played."""
    return World(Path(shutil.copytree(source.root, folder / source.name)))


@pytest.fixture(scope="session")
def live(source: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Play the tiny world at speed into a running job and a running plot, wait for every report, stop both."""
    world = copy_of(source, tmp_path_factory.mktemp("live"))
    picture = world.root / "live.png"
    with on_a_broker(world) as stage:
        with (
            stage.running("consumer_viz", "record", "--out", str(picture)) as plot,
            stage.running("spark_app", "run") as job,
        ):
            job.wait_for_word(JOB_IS_UP, WITHIN_S)
            stage.finish("producer", "replay", "--speed", SPEED)
            wait_until(lambda: has_every_report(stage), "every session in every report", [job, plot])
            family = family_of(job.process.pid)
            asked_at = time.monotonic()
            job.stop()
            ending = Ending(job.process.returncode, time.monotonic() - asked_at, family, job.log.read_text())
        yield Live(stage, ending, picture)


def has_every_report(stage: Stage) -> bool:
    """Say whether all rows are in sessions and in the archive, and every report has all sessions."""
    unit = stage.world.unit
    sessions = rows_of(unit, "sessions")
    if not sessions or not rows_of(unit, "top_tracks"):
        return False
    if any(len(rows_of(unit, topic)) < count_rows(stage.world.raw_files(topic)) for topic in (PLAYS, ACTIVITY)):
        return False
    genuine = sum(not row["is_flagged"] for row in sessions)
    return (
        max((row["sessions"] for row in rows_of(unit, "genuine_totals")), default=0) == genuine
        and counted(committed_files(unit.table("fraud_counts"))) == WINDOWS_OF_A_SESSION * len(sessions)
        and len(messages(stage.address, "scores")) == len(sessions)
        and all(account["open"] == account["lost"] == 0 for account in stage.audit()["topics"].values())
    )


JOB = ("spark_app", "run", "--available-now", "--max-messages", "8", "--only", "sessions", "--only", "archive")
"""A job that takes many micro-batches to read a replayed topic, without reports."""
WITH_BAD_ROWS = ("--batches", "8", "--corrupt-share", "0.012", "--seed", "5")
WITH_LATE_ROWS = ("--batches", "24", "--late-share", "0.02", "--late-by", "600", "--seed", "5")
"""So many batches that the job is some micro-batches on when the rows come: it does not call them late before."""
WITH_COPIES = ("--duplicate-share", "0.8", "--seed", "5")


@pytest.fixture(scope="session")
def rushed(source: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Replay the tiny world as it is; then once more in three parts: with bad rows, with late rows, with copies.

    Then let a job work it all off, undisturbed.
    """
    world = copy_of(source, tmp_path_factory.mktemp("rushed"))
    with on_a_broker(world) as stage:
        for faults in ((), WITH_BAD_ROWS, WITH_LATE_ROWS, WITH_COPIES):
            stage.finish("producer", "replay", "--speed", "0", *faults)
        stage.finish(*JOB)
        yield stage
