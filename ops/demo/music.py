"""`playproof demo`: a day of 2,000 listeners with bots among them, replayed in two minutes through broker and job."""

import json
import os
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from ops.demo.music_summary import DemoSummary, summarise
from ops.demo.parts import (
    ACCOUNTED_WITHIN_S,
    JOB_WITHIN_S,
    POLL_EVERY_S,
    has_display,
    replay,
    require_alive,
    wait_for_reconciliation,
    with_seconds,
)
from ops.errors import StackError
from ops.stack import child_process
from ops.stack.broker import running as running_broker
from ops.stack.child_process import ChildProcess, run_to_end
from ops.stack.lifecycle import JOB_IS_UP
from ops.stack.private_broker import command_environment, start_only_version, with_private_broker
from producer.kafka import topics
from runtime.command_line import playproof
from runtime.lake import committed_files
from runtime.settings import Settings
from runtime.terminal import ReportProgress
from runtime.world import Unit

WORLD = "demo"
SIMULATION = ("--scenario", "demo", "--users", "2000", "--days", "1", "--seed", "7")
SPEED = 720
"""Listener-seconds per second: a day in two minutes."""
WINDOWS_OF_A_SESSION = 12
"""A session counts in every window of 2 minutes, begun every 10 s, that holds its scored_at."""


def run(settings: Settings, report_progress: ReportProgress) -> DemoSummary:
    """Run the demo in world `demo`, write `live.png` and `summary.json` there, and return the summary.

    Raises StackError, in one line, where a part fails or the result is not what a demo must show.
    """
    began_at = time.monotonic()
    settings = with_private_broker(settings, WORLD)
    world = settings.the_world()
    environment = command_environment(settings)
    run_to_end(playproof("simulate", "--world", WORLD, *SIMULATION), environment)
    unit = start_only_version(world)
    report_stage = with_seconds(report_progress)
    with ExitStack() as running:
        running.enter_context(running_broker(unit.broker, settings.broker))
        topics.create(settings.kafka())
        report_stage("broker up, topics made")
        logs = world.root / "run"
        job = running.enter_context(
            child_process.running("the Spark job", playproof("job", "run"), environment, logs / "job.log")
        )
        picture = world.root / "live.png"
        record = playproof("plot", "record", "--out", str(picture))
        plot = running.enter_context(child_process.running("the live plot", record, environment, logs / "plot.log"))
        if has_display(os.environ):
            running.enter_context(
                child_process.running("the window", playproof("plot", "live"), environment, logs / "window.log")
            )
        job.wait_for_message(JOB_IS_UP, JOB_WITHIN_S)
        report_stage("Spark job up")
        replay_began_at = time.monotonic()
        replay(environment, [job, plot], "--speed", str(SPEED))
        report_stage("replay done, every session can close")
        reconciliation = wait_for_reconciliation(environment, [job, plot])
        replay_s = time.monotonic() - replay_began_at
        report_stage("every row accounted for")
        wait_for_counts(unit, [job, plot])
        report_stage("last fraud count reported")
    report_stage("everything stopped")
    evaluation = json.loads(run_to_end(playproof("model", "evaluate", "--json", "--world", WORLD), environment))
    summary = summarise(reconciliation, evaluation, replay_s, time.monotonic() - began_at)
    (world.root / "summary.json").write_text(json.dumps(summary.as_dict(), indent=2) + "\n")
    return summary


def wait_for_counts(unit: Unit, alive: list[ChildProcess]) -> None:
    """Return once the fraud counts hold every session. Raises StackError when time is up."""
    until = time.monotonic() + ACCOUNTED_WITHIN_S
    sessions = sum(pq.read_metadata(file).num_rows for file in committed_files(unit.table("sessions")))
    while count_windowed_sessions(committed_files(unit.table("fraud_counts"))) < sessions * WINDOWS_OF_A_SESSION:
        require_alive(alive)
        if time.monotonic() > until:
            raise StackError(f"the fraud counts do not hold all {sessions} sessions: see the Spark job's log")
        time.sleep(POLL_EVERY_S)


def count_windowed_sessions(files: list[Path]) -> int:
    """Add up the sessions of all windows, each in its newest version (`batch_id=N` is the folder's name)."""
    newest: dict[Any, tuple[int, int]] = {}
    for file in files:
        batch_id = int(file.parent.name.removeprefix("batch_id="))
        for row in pq.ParquetFile(file).read(columns=["window_start", "sessions"]).to_pylist():
            newest[row["window_start"]] = max(newest.get(row["window_start"], (-1, 0)), (batch_id, row["sessions"]))
    return sum(sessions for _, sessions in newest.values())
