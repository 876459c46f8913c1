"""`playproof demo`: a day of 2,000 listeners with bots among them, replayed in two minutes through broker and job."""

import json
import time
from pathlib import Path
from typing import Any

from ops.demo.music_summary import DemoSummary, summarise
from ops.demo.parts import (
    ACCOUNTED_WITHIN_S,
    POLL_EVERY_S,
    replay,
    require_alive,
    running_pipeline,
    simulate_world,
    wait_for_reconciliation,
    with_seconds,
)
from ops.errors import StackError
from ops.stack.child_process import ChildProcess, run_to_end
from ops.stack.private_broker import command_environment
from runtime.command_line import playproof
from runtime.lake import committed_files
from runtime.parquet import count_rows, read_parquet
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
    settings, world, unit = simulate_world(settings, WORLD, SIMULATION)
    environment = command_environment(settings)
    report_stage = with_seconds(report_progress)
    with running_pipeline(settings, unit, report_stage) as alive:
        replay_began_at = time.monotonic()
        replay(environment, alive, "--speed", str(SPEED))
        report_stage("replay done, every session can close")
        reconciliation = wait_for_reconciliation(environment, alive)
        replay_s = time.monotonic() - replay_began_at
        report_stage("every row accounted for")
        wait_for_counts(unit, alive)
        report_stage("last fraud count reported")
    report_stage("everything stopped")
    evaluation = json.loads(run_to_end(playproof("model", "evaluate", "--json", "--world", WORLD), environment))
    summary = summarise(reconciliation, evaluation, replay_s, time.monotonic() - began_at)
    (world.root / "summary.json").write_text(json.dumps(summary.as_dict(), indent=2) + "\n")
    return summary


def wait_for_counts(unit: Unit, alive: list[ChildProcess]) -> None:
    """Return once the fraud counts hold every session. Raises StackError when time is up."""
    until = time.monotonic() + ACCOUNTED_WITHIN_S
    sessions = count_rows(committed_files(unit.table("sessions")))
    while count_windowed_sessions(committed_files(unit.table("fraud_counts"))) < sessions * WINDOWS_OF_A_SESSION:
        require_alive(alive)
        if time.monotonic() > until:
            raise StackError(f"the fraud counts do not hold all {sessions} sessions: see the Spark job's log")
        time.sleep(POLL_EVERY_S)


def count_windowed_sessions(files: list[Path]) -> int:
    """Add up the sessions of all windows, each in its newest version."""
    newest: dict[Any, tuple[int, int]] = {}
    for file in files:
        for row in read_parquet(file, ["window_start", "sessions", "batch_id"]).to_pylist():
            version = row["batch_id"], row["sessions"]
            newest[row["window_start"]] = max(newest.get(row["window_start"], (-1, 0)), version)
    return sum(sessions for _, sessions in newest.values())
