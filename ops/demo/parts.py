"""What every demo does: simulate, run broker, job and plot, replay, wait until every row is accounted for."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from ops.errors import StackError
from ops.stack import child_process
from ops.stack.broker import running as running_broker
from ops.stack.child_process import ChildProcess, last_line, run_to_end
from ops.stack.lifecycle import JOB_IS_UP
from ops.stack.private_broker import command_environment, start_only_version, with_private_broker
from producer.kafka import topics
from runtime.command_line import playproof
from runtime.settings import Settings
from runtime.terminal import ReportProgress
from runtime.world import Unit, World

JOB_WITHIN_S = 300.0
ACCOUNTED_WITHIN_S = 600.0
POLL_EVERY_S = 0.5
RECONCILE_EVERY_S = 2.0
FAULTY_ROWS = {"lost": "were lost", "open": "are still open", "duplicated": "are there twice"}
"""Dispositions that a demo must not end with, and how they are named."""


def has_display(environment: Mapping[str, str]) -> bool:
    """Return whether the user has a terminal and a screen, so that a window makes sense."""
    is_screen = sys.platform == "darwin" or "DISPLAY" in environment or "WAYLAND_DISPLAY" in environment
    return is_screen and sys.stdout.isatty()


def with_seconds(report_progress: ReportProgress) -> ReportProgress:
    """Return a callback that adds to each line the seconds since the line before."""
    last_at = time.monotonic()

    def report_stage(line: str) -> None:
        nonlocal last_at
        now = time.monotonic()
        report_progress(f"{line} ({now - last_at:.0f} s)")
        last_at = now

    return report_stage


def simulate_world(settings: Settings, name: str, simulation: tuple[str, ...]) -> tuple[Settings, World, Unit]:
    """Simulate the world `name` and begin its only version; return the settings of a private broker, world, version."""
    settings = with_private_broker(settings, name)
    world = settings.the_world()
    run_to_end(playproof("simulate", "--world", name, *simulation), command_environment(settings))
    return settings, world, start_only_version(world)


@contextmanager
def running_pipeline(settings: Settings, unit: Unit, report_stage: ReportProgress) -> Iterator[list[ChildProcess]]:
    """Run broker, Spark job and live plot of a world; give job and plot, once the job is up. Raises StackError."""
    world, environment = settings.the_world(), command_environment(settings)
    logs = world.root / "run"
    with ExitStack() as running:
        running.enter_context(running_broker(unit.broker, settings.broker))
        topics.create(settings.kafka())
        report_stage("broker up, topics made")

        def start(name: str, log: str, *command: str) -> ChildProcess:
            return running.enter_context(child_process.running(name, playproof(*command), environment, logs / log))

        job = start("the Spark job", "job.log", "job", "run")
        plot = start("the live plot", "plot.log", "plot", "record", "--out", str(world.root / "live.png"))
        if has_display(os.environ):
            start("the window", "window.log", "plot", "live")
        job.wait_for_message(JOB_IS_UP, JOB_WITHIN_S)
        report_stage("Spark job up")
        yield [job, plot]


def row_faults(topics_rows: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Return what is wrong with the rows of each topic, by disposition, a phrase each.

    >>> row_faults({"plays": {"sent": 9, "lost": 2, "open": 0}})
    ['2 rows of plays were lost']
    """
    return [
        f"{rows[disposition]} rows of {topic} {phrase}"
        for topic, rows in topics_rows.items()
        for disposition, phrase in FAULTY_ROWS.items()
        if rows.get(disposition)
    ]


def replay(environment: Mapping[str, str], alive: list[ChildProcess], *pace: str) -> None:
    """Replay the world at a pace (options of `playproof replay`), its progress shown, while all others stay alive."""
    process = subprocess.Popen(playproof("replay", *pace), env=environment, start_new_session=True)
    try:
        while process.poll() is None:
            require_alive(alive)
            time.sleep(POLL_EVERY_S)
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait()
    if process.returncode != 0:
        raise StackError(f"the replay failed with exit code {process.returncode}: see the line above")


def require_alive(children: list[ChildProcess]) -> None:
    for child in children:
        child.require_alive()


def wait_for_reconciliation(environment: Mapping[str, str], alive: list[ChildProcess]) -> dict[str, Any]:
    """Return the reconciliation once no row is open, or the last one when time is up, for the summary to show."""
    until = time.monotonic() + ACCOUNTED_WITHIN_S
    while True:
        require_alive(alive)
        command = playproof("reconcile", "--json")
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        try:
            reconciliation: dict[str, Any] = json.loads(done.stdout)
        except json.JSONDecodeError:
            raise StackError(f"playproof reconcile failed: {last_line(done)}") from None
        is_settled = all(rows["open"] == 0 and rows["lost"] == 0 for rows in reconciliation["topics"].values())
        if is_settled or time.monotonic() > until:
            return reconciliation
        time.sleep(RECONCILE_EVERY_S)
