"""`playproof demo`: a day of 2,000 listeners with bots among them, replayed in two minutes through the real thing."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from pydantic import SecretStr

from ops.demo_summary import Summary, summarise
from ops.errors import StackError
from ops.stack import child, ports
from ops.stack.broker import running as running_broker
from ops.stack.child import Child
from ops.stack.stack import JOB_IS_UP
from producer.kafka import topics
from runtime.command_line import playproof
from runtime.lake import committed_files
from runtime.settings import Settings
from runtime.world import Unit, World

WORLD = "demo"
SIMULATION = ("--scenario", "demo", "--users", "2000", "--days", "1", "--seed", "7")
SPEED = 720
"""Listener-seconds a second: a day in two minutes."""
JOB_WITHIN_S = 300.0
ACCOUNTED_WITHIN_S = 600.0
LOOK_EVERY_S = 0.5
AUDIT_EVERY_S = 2.0
WINDOWS_OF_A_SESSION = 12
"""A session counts in every window of 2 minutes, begun every 10 s, that holds its scored_at."""

Say = Callable[[str], None]


def run(settings: Settings, say: Say) -> Summary:
    """Run the demo in world `demo`, write `live.png` and `summary.json` there, and return the summary.

    Raises StackError, in one line, where a part fails or the result is not what a demo must show.
    """
    began = time.monotonic()
    settings = with_broker_of_its_own(settings, WORLD)
    world = settings.the_world()
    environment = environment_of(settings)
    _finish(environment, "simulate", "--world", WORLD, *SIMULATION)
    unit = fresh_version(world)
    stage = _stages(say)
    with ExitStack() as running:
        running.enter_context(running_broker(unit.broker, settings.broker))
        topics.create(settings.kafka())
        stage("broker up, topics made")
        logs = world.root / "run"
        job = running.enter_context(
            child.running("the Spark job", playproof("job", "run"), environment, logs / "job.log")
        )
        picture = world.root / "live.png"
        record = playproof("plot", "record", "--out", str(picture))
        plot = running.enter_context(child.running("the live plot", record, environment, logs / "plot.log"))
        if has_display(os.environ):
            running.enter_context(
                child.running("the window", playproof("plot", "live"), environment, logs / "window.log")
            )
        job.wait_for_word(JOB_IS_UP, JOB_WITHIN_S)
        stage("Spark job up")
        replay_began = time.monotonic()
        replay(environment, [job, plot])
        stage("replay done, every session can close")
        audit = wait_for_audit(environment, [job, plot])
        replay_s = time.monotonic() - replay_began
        stage("every row accounted for")
        wait_for_counts(unit, [job, plot])
        stage("last fraud count reported")
    stage("everything stopped")
    evaluation = json.loads(_finish(environment, "model", "evaluate", "--json", "--world", WORLD))
    summary = summarise(audit, evaluation, replay_s, time.monotonic() - began)
    (world.root / "summary.json").write_text(json.dumps(summary.as_dict(), indent=2) + "\n")
    return summary


STARTS_SOON = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
"""The demo's job lives for minutes: a JVM that compiles less is ready sooner."""


def with_broker_of_its_own(settings: Settings, world: str) -> Settings:
    """Return the settings for a world on an embedded broker, which speaks plain text, on a free port."""
    address = f"{ports.LOOPBACK}:{ports.free_port()}"
    return settings.model_copy(update={"world": world, "broker": address, "security": SecretStr("")})


def environment_of(settings: Settings) -> dict[str, str]:
    """Return the environment that makes every command work on these settings."""
    return (
        {"PLAYPROOF_SPARK_JVM_FLAGS": STARTS_SOON}
        | os.environ
        | {
            "PLAYPROOF_WORLD": settings.world,
            "PLAYPROOF_DATA": str(settings.data.resolve()),
            "PLAYPROOF_BROKER": settings.broker,
            "PLAYPROOF_SECURITY": settings.security.get_secret_value(),
        }
    )


def fresh_version(world: World) -> Unit:
    """Begin a new version and remove the old ones: a demo leaves one run behind, not a pile of them."""
    unit = world.start_version()
    for old in world.root.glob("v*"):
        if old != unit.root and old.is_dir():
            shutil.rmtree(old)
    return unit


def has_display(environment: Mapping[str, str]) -> bool:
    """Say whether somebody sits before a terminal and a screen, so that a window makes sense."""
    is_screen = sys.platform == "darwin" or "DISPLAY" in environment or "WAYLAND_DISPLAY" in environment
    return is_screen and sys.stdout.isatty()


def _stages(say: Say) -> Say:
    """Return a function that says what was reached, and in how many seconds since the stage before."""
    last = time.monotonic()

    def stage(words: str) -> None:
        nonlocal last
        now = time.monotonic()
        say(f"{words} ({now - last:.0f} s)")
        last = now

    return stage


def _finish(environment: Mapping[str, str], *command: str) -> str:
    """Run a command of ours to its end and return what it printed. Raises StackError where it fails."""
    done = subprocess.run(playproof(*command), env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip() or "no word why").splitlines()[-1]
        raise StackError(f"playproof {' '.join(command[:2])} failed: {said.removeprefix('error: ')}")
    return done.stdout


def replay(environment: Mapping[str, str], alive: list[Child]) -> None:
    """Replay the day, its progress shown as it is, while all others stay alive."""
    process = subprocess.Popen(playproof("replay", "--speed", str(SPEED)), env=environment, start_new_session=True)
    try:
        while process.poll() is None:
            _require_alive(alive)
            time.sleep(LOOK_EVERY_S)
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait()
    if process.returncode != 0:
        raise StackError(f"the replay failed with exit code {process.returncode}: see the line above")


def _require_alive(children: list[Child]) -> None:
    for each in children:
        each.require_alive()


def wait_for_audit(environment: Mapping[str, str], alive: list[Child]) -> dict[str, Any]:
    """Return the audit's account once no row is open; the last one when time is up, for the summary to judge."""
    until = time.monotonic() + ACCOUNTED_WITHIN_S
    while True:
        _require_alive(alive)
        command = playproof("reconcile", "--json")
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        try:
            audit: dict[str, Any] = json.loads(done.stdout)
        except json.JSONDecodeError:
            raise StackError(f"the audit failed: {(done.stderr.strip() or 'no word why').splitlines()[-1]}") from None
        is_settled = all(rows["open"] == 0 and rows["lost"] == 0 for rows in audit["topics"].values())
        if is_settled or time.monotonic() > until:
            return audit
        time.sleep(AUDIT_EVERY_S)


def wait_for_counts(unit: Unit, alive: list[Child]) -> None:
    """Return once the fraud counts hold every session. Raises StackError when time is up."""
    until = time.monotonic() + ACCOUNTED_WITHIN_S
    sessions = sum(pq.read_metadata(file).num_rows for file in committed_files(unit.table("sessions")))
    while counted(committed_files(unit.table("fraud_counts"))) < sessions * WINDOWS_OF_A_SESSION:
        _require_alive(alive)
        if time.monotonic() > until:
            raise StackError(f"the fraud counts do not hold all {sessions} sessions: see the Spark job's log")
        time.sleep(LOOK_EVERY_S)


def counted(files: list[Path]) -> int:
    """Add up the sessions of all windows, each in its newest version (`batch_id=N` is the folder's name)."""
    newest: dict[Any, tuple[int, int]] = {}
    for file in files:
        batch_id = int(file.parent.name.removeprefix("batch_id="))
        for row in pq.ParquetFile(file).read(columns=["window_start", "sessions"]).to_pylist():
            newest[row["window_start"]] = max(newest.get(row["window_start"], (-1, 0)), (batch_id, row["sessions"]))
    return sum(sessions for _, sessions in newest.values())
