"""The parts of a cluster, and how each of them fails in turn, while a job that scores needs it."""

import time
from dataclasses import dataclass
from pathlib import Path

from ops.chaos.job_progress import keep_until_reading, messages_read
from ops.chaos.kept_processes import LOOK_EVERY_S, KeptProcesses
from ops.cluster.brokers import Brokers
from ops.cluster.seaweed import S3
from ops.cluster.worker import Worker
from ops.errors import StackError
from ops.stack.lifecycle import JOB_IS_UP
from ops.stack.logs import most_relevant_line
from runtime.terminal import ReportProgress
from runtime.world import Unit

JOB, REPLAY = "job", "replay"
UP_WITHIN_S = 600.0
"""Far over what the job needs on an idle machine."""
STORAGE_AWAY_S = 60.0


@dataclass(slots=True)
class Parts:
    """All parts of the cluster, and job and replay that use it."""

    storage: S3
    brokers: Brokers
    workers: dict[int, Worker]
    processes: KeptProcesses


def fail_in_turn(parts: Parts, unit: Unit, seconds: float, say: ReportProgress) -> list[str]:
    """Let each part fail while job and replay are kept running, each for an eighth of the time; return which.

    Raises StackError where a part that is to fail does not run any more, or where the job does not come to score.
    """
    processes, step = parts.processes, seconds / 8
    done: list[str] = []

    def note(what: str, was_running: bool) -> None:
        if not was_running:
            raise StackError(f"{what}, but it had ended before by itself: see {processes.log.parent}")
        done.append(what)
        say(what)

    processes.keep_running(2 * step)
    note("worker 1 is killed, with its files", parts.workers[1].kill())
    processes.keep_running(step)
    say("a new worker 1")
    parts.workers[1].start()
    processes.keep_running(step)
    note("broker 2 is killed", parts.brokers.kill(1))
    processes.keep_running(step)
    say("broker 2 is back")
    parts.brokers.start(1)
    processes.keep_running(step)
    # not one that is in its start: it has to read at this time
    keep_until_reading(processes, unit, messages_read(unit))
    note("the driver is killed", processes.kill(JOB))
    keep_until_scoring(processes)
    say("a new driver scores")
    processes.keep_running(step)
    restarts, starts = processes.restarts.get(JOB, 0), times_up(processes.log)
    note(f"the storage is killed, and away for {STORAGE_AWAY_S:.0f} s", parts.storage.kill())
    processes.keep_running(STORAGE_AWAY_S)
    say("the storage is back")
    parts.storage.start()
    if processes.restarts.get(JOB, 0) > restarts:
        keep_until_scoring(processes, starts)
        say("the job scores again")
    processes.keep_running(step)
    return done


def keep_until_scoring(processes: KeptProcesses, starts: int | None = None) -> None:
    """Keep the processes running until a job has begun to score after so many times, by default those before now.

    Raises StackError when time is up.
    """
    before, until = times_up(processes.log) if starts is None else starts, time.monotonic() + UP_WITHIN_S
    while times_up(processes.log) == before:
        if time.monotonic() > until:
            raise StackError(f"the job does not score after {UP_WITHIN_S:g} s: {most_relevant_line(processes.log)}")
        processes.keep_running(LOOK_EVERY_S)


def times_up(log: Path) -> int:
    """Count how often the job has begun to score."""
    return log.read_text(errors="replace").count(JOB_IS_UP) if log.exists() else 0
