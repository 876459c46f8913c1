"""Two stages, set up once for all flow tests: a world played live, and one replayed as fast as it goes, faults and all.

Each has a broker of its own, so that no test waits for another; a job's JVM takes most of the time, so as few as
possible are started.
"""

import json
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from kafka import KafkaProducer
from pyspark.sql import SparkSession

from consumer_viz.dashboard.index.sampling import case_id
from contracts.events import ACTIVITY, HEADER_CLOCK_MS, HEADER_ROWS, ID_FIELD, PLAYS
from contracts.topics import TOPICS
from models.reports.daily import run_daily
from ops.demo.music import WINDOWS_OF_A_SESSION, count_windowed_sessions
from ops.stack.lifecycle import JOB_IS_UP
from runtime.event_text import format_time
from runtime.lake import committed_files
from runtime.parquet import count_rows
from runtime.world import World
from spark_app.batch import user_days
from tests.browser.conftest import CHROMIUM
from tests.flow.lake import messages, newest, rows_of
from tests.flow.replays import replays_of
from tests.flow.secured import SecuredBroker, secured_broker
from tests.flow.stage import WITHIN_S, Stage, addresses_listened_on, family_of, on_a_broker, wait_until

collect_ignore_glob = [] if CHROMIUM else ["test_pages.py"]
WORLD = "raid"
SCENARIO = ("--scenario", "farm-raid", "--users", "440", "--prevalence", "0.4", "--days", "1", "--seed", "5")
"""A day with every family of the raid, in as few accounts as that takes: some 50 batches."""
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
    listened_on: set[str]
    """Addresses at which they took connections."""


@dataclass(frozen=True, slots=True)
class Live:
    """A stage after a live run: the job followed a paced replay, then was stopped."""

    stage: Stage
    job: Ending
    picture: Path


def make_world(root: Path) -> World:
    """Simulate a small farm raid, with half of its activity, and none for some hours.

    So a batch makes one message of each topic, and a job that reads so many messages of each reads both in step.
    """
    world = World(root)
    Stage(world, "127.0.0.1:1").finish("simulate", *SCENARIO)
    for file in world.raw_files(ACTIVITY):
        table = pq.ParquetFile(file).read()
        table = table.take(np.arange(0, len(table), 2))
        hour = pc.hour(table["event_time"])
        is_quiet = pc.and_(pc.greater_equal(hour, QUIET_FROM.hour), pc.less(hour, QUIET_UNTIL.hour))
        pq.write_table(table.filter(pc.invert(is_quiet)), file)
    return world


@pytest.fixture(scope="package")
def source(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The small raid, not played yet."""
    return make_world(tmp_path_factory.mktemp("source") / WORLD)


def copy_of(source: World, folder: Path) -> World:
    """Copy a world, so that it can be played."""
    return World(Path(shutil.copytree(source.root, folder / source.name)))


@pytest.fixture(scope="package")
def live(source: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Play the raid at speed into a running job and a running plot, wait for every report, stop both."""
    world = copy_of(source, tmp_path_factory.mktemp("live"))
    picture = world.root / "live.png"
    with on_a_broker(world) as stage:
        with (
            stage.running("plot", "record", "--out", str(picture)) as plot,
            stage.running("job", "run") as job,
        ):
            job.wait_for_message(JOB_IS_UP, WITHIN_S)
            stage.finish("replay", "--speed", SPEED)
            wait_until(lambda: has_every_report(stage), "every session in every report", [job, plot])
            family = family_of(job.process.pid)
            listened_on = addresses_listened_on(family)
            asked_at = time.monotonic()
            job.stop()
            seconds = time.monotonic() - asked_at
            ending = Ending(job.process.returncode, seconds, family, job.log.read_text(), listened_on)
        yield Live(stage, ending, picture)


def has_every_report(stage: Stage) -> bool:
    """Say whether all rows are in sessions and in the archive, and every report has all sessions."""
    unit = stage.world.unit
    # of what is asked often only a column is read: others test meanwhile, on the same cores
    scored_at, as_of = newest(unit, "sessions", "scored_at"), newest(unit, "top_tracks", "as_of")
    # reported once a minute: a list from before the last session is a true one, and not the last
    if scored_at is None or as_of is None or as_of < scored_at:
        return False
    archived = {topic: count_rows(committed_files(unit.table(topic))) for topic in (PLAYS, ACTIVITY)}
    if any(rows < count_rows(stage.world.raw_files(topic)) for topic, rows in archived.items()):
        return False
    sessions = rows_of(unit, "sessions")
    genuine = sum(not row["is_flagged"] for row in sessions)
    return (
        newest(unit, "genuine_totals", "sessions") == genuine
        and count_windowed_sessions(committed_files(unit.table("fraud_counts"))) == WINDOWS_OF_A_SESSION * len(sessions)
        and len(messages(stage.address, "scores")) == len(sessions)
        and all(account["open"] == account["lost"] == 0 for account in stage.audit()["topics"].values())
    )


@dataclass(frozen=True, slots=True)
class Raid:
    """The analyst's pages of the live run, served, with what the daily batch found of it."""

    live: Live
    address: str
    """As it was printed, with the token."""
    campaign_user: str
    """An account of a suspected campaign."""

    @property
    def base(self) -> str:
        return self.address.split("/?")[0]

    @property
    def campaign_case(self) -> str:
        return f"/cases/{case_id(self.campaign_user)}"


@pytest.fixture(scope="package")
def raid(live: Live, spark: SparkSession) -> Iterator[Raid]:
    """Judge the live run's days and campaigns, and serve its pages."""
    world = live.stage.world
    user_days.build_in_lake(spark, world)
    run_daily(world)
    campaign = next(row for row in rows_of(world.unit, "campaigns") if row["is_flagged"])
    with live.stage.running("desk", "--port", "0") as pages:
        pages.wait_for_message("open  http://", WITHIN_S)
        printed = re.search(r"http://\S+", pages.log.read_text())
        assert printed is not None
        yield Raid(live, printed[0], campaign["user_ids"][0])


JOB = ("job", "run", "--available-now", "--max-messages", "8", "--only", "sessions", "--only", "archive")
"""A job that takes many micro-batches to read a replayed topic, without reports."""
WITH_BAD_ROWS = ("--batches", "8", "--corrupt-share", "0.012", "--seed", "5")
WITH_LATE_ROWS = ("--batches", "24", "--late-share", "0.02", "--late-by", "600", "--seed", "5")
"""So many batches that the job is some micro-batches on when the rows come: it does not call them late before."""
WITH_COPIES = ("--duplicate-share", "0.8", "--seed", "5")


OF_A_ROW = {PLAYS: {"track_id": "t1", "listen_ms": "40000"}, ACTIVITY: {"action": "search"}}
"""What a row has to have, besides its id, account and time."""


def good_row(topic: str, name: str, clock_ms: int) -> dict[str, Any]:
    """Return value and headers of a message with one good row, whose id and account are `name`."""
    row = {ID_FIELD[topic]: name, "user_id": name, "event_time": format_time(clock_ms), **OF_A_ROW[topic]}
    headers = [(HEADER_CLOCK_MS, str(clock_ms).encode()), (HEADER_ROWS, b"1")]
    return {"value": json.dumps([row]).encode(), "headers": headers}


TAKEN_BACK = "taken-back"


def send_and_take_back(stage: Stage) -> None:
    """Send a good row to each topic in a transaction, as late as the last replay's end, and abort it."""
    clock_ms = replays_of(stage.world.unit)[-1].clocks_ms[-1]
    with KafkaProducer(bootstrap_servers=stage.address, transactional_id="another-producer") as producer:
        producer.init_transactions()
        producer.begin_transaction()
        for topic in (PLAYS, ACTIVITY):
            producer.send(topic, **good_row(topic, TAKEN_BACK, clock_ms), partition=0)
        producer.flush()
        producer.abort_transaction()


AHEAD_MS = 4_083_000_000_000
"""A clock in the year 2099."""


def send_ahead(address: str) -> None:
    """Send a good row to each partition of both topics, as a producer does whose clock is in the year 2099.

    To each one: a partition with a message more than the others would be read a batch behind them.
    """
    with KafkaProducer(bootstrap_servers=address) as producer:
        for topic in (PLAYS, ACTIVITY):
            for partition in range(TOPICS[topic].partitions):
                producer.send(topic, **good_row(topic, "ahead", AHEAD_MS), partition=partition)


@pytest.fixture(scope="package")
def rushed(source: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Replay the raid as it is; then once more in three parts: with bad rows, with late rows, with copies.

    Meanwhile another producer's clock is far ahead, and one sends something and takes it back. Then a job works it all
    off, undisturbed.
    """
    world = copy_of(source, tmp_path_factory.mktemp("rushed"))
    with on_a_broker(world) as stage:
        for faults in ((), WITH_BAD_ROWS, WITH_LATE_ROWS, WITH_COPIES):
            stage.finish("replay", "--speed", "0", *faults)
            if not faults:
                send_ahead(stage.address)
        send_and_take_back(stage)
        stage.finish(*JOB)
        yield stage


@pytest.fixture(scope="package")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredBroker]:
    """A broker with TLS, users and rights, for the programs of world `raid`."""
    with secured_broker(tmp_path_factory.mktemp("secured"), WORLD) as broker:
        yield broker
