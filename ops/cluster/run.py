"""A small world is scored on a cluster whose parts fail one after another; then every row is accounted for.

Afterwards a job on one machine reads the same topics, its tables in a folder: the sessions must be the same.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ops.chaos.chaos import read_account, summary
from ops.chaos.kept_processes import LOOK_EVERY_S, KeptProcesses
from ops.cluster import one_machine
from ops.cluster.brokers import Brokers
from ops.cluster.network import HUB, build_hub
from ops.cluster.seaweed import BUCKET, S3
from ops.cluster.worker import MASTER, MASTER_PORT, Worker, spark_class, spark_environment, spark_home
from ops.errors import StackError
from ops.stack.child_process import run_to_end, running
from ops.stack.lifecycle import JOB_IS_UP
from ops.stack.logs import most_relevant_line
from ops.stack.private_broker import command_environment, keep_world, start_only_version
from ops.tools.compare_runs import compare_worlds
from runtime.command_line import playproof
from runtime.jvm import jars
from runtime.resources import CODE, shipped
from runtime.settings import Settings
from runtime.terminal import ReportProgress
from runtime.units import DAY_S
from runtime.world import World

WORLD = "cluster"
WORKERS = 2
JOB, REPLAY = "job", "replay"
MEMORY = "1g"
MASTER_SAYS = "New state: ALIVE"
WITHIN_S = 120.0
UP_WITHIN_S = 600.0
"""Far over what the job needs on an idle machine."""
STORAGE_AWAY_S = 60.0


@dataclass(frozen=True, slots=True)
class ClusterParameters:
    """What one run is made of."""

    minutes: float = 6.0
    """How long the replay takes while parts fail."""
    users: int = 200
    seed: int = 1


@dataclass(slots=True)
class Parts:
    """All parts of the cluster, and job and replay that use it."""

    storage: S3
    brokers: Brokers
    workers: dict[int, Worker]
    processes: KeptProcesses


def run(settings: Settings, parameters: ClusterParameters, report_progress: ReportProgress) -> dict[str, Any]:
    """Run, reconcile, compare, write `data/cluster/results.json` and return it. Raises PlayproofError where one fails.

    Has to be in a network of its own (`network.enter`).
    """
    build_hub()
    settings = settings.model_copy(update={"world": WORLD, "storage": f"s3://{BUCKET}/{WORLD}"})
    world = settings.the_world()
    shutil.rmtree(world.root, ignore_errors=True)
    began = time.monotonic()

    def say(what: str) -> None:
        report_progress(f"{time.monotonic() - began:4.0f} s: {what}")

    with started(settings, world, parameters) as parts:
        say(f"3 brokers, 2 workers, a bucket; workers can write to {parts.workers[1].files_in_common() or 'nothing'}")
        faults = fail_in_turn(parts, parameters.minutes * 60, say)
        say("all parts are there; the rest of the source")
        environment = parts.processes.environment
        parts.processes.stop(REPLAY, JOB)
        run_to_end(playproof("replay", "--speed", "0"), environment)
        submit(world.root / "run" / "submit.log", environment)
        account = read_account(environment)
        say("every row is accounted for:")
        report_progress(run_to_end(playproof("reconcile"), environment).rstrip() if not account["faults"] else "FAULT")
        results: dict[str, Any] = {
            "parameters": asdict(parameters),
            "failed": faults,
            "restarts": parts.processes.restarts,
            **summary(account),
        }
        write(world, results)
        say("the same topics, by a job on one machine whose disk fills up")
        alone = one_machine.twin(world)
        results["refused"] = one_machine.read_alone(alone, environment, MEMORY, say)
        compared = compare_worlds(world, alone)
    results["compared"] = [part.summary for part in compared]
    results["differences"] = [difference for part in compared for difference in part.differences]
    results["seconds"] = round(time.monotonic() - began)
    write(world, results)
    return results


def write(world: World, results: Mapping[str, Any]) -> None:
    """Write what is known so far."""
    (world.root / "results.json").write_text(json.dumps(results, indent=1) + "\n")


@contextmanager
def started(settings: Settings, world: World, parameters: ClusterParameters) -> Iterator[Parts]:
    """Simulate the world and start all parts, empty; all of them end with the context."""
    keep_world(world.root)
    logs = world.root / "run"
    storage, brokers = S3(world.root / "s3", HUB), Brokers(world.root / "brokers")
    settings = settings.model_copy(update={"broker": brokers.addresses})
    environment = cluster_environment(settings, storage)
    os.environ.update(storage.environment)  # for what this process reads of the tables
    simulation = ("simulate", "--scenario", "demo", "--users", str(parameters.users), "--days", "1")
    run_to_end(playproof(*simulation, "--seed", str(parameters.seed)), environment)
    start_only_version(world)
    speed = max(round(DAY_S / (parameters.minutes * 60)), 1)
    workers = {number: Worker(number, logs, storage.environment) for number in range(1, WORKERS + 1)}
    job = {JOB: ["job", "run", "--wait-for-broker", "--memory", MEMORY]}
    processes = KeptProcesses(environment, logs / "processes.log", job)
    replay = {REPLAY: ["replay", "--speed", str(speed)]}
    with ExitStack() as stack:
        stack.callback(storage.kill)
        storage.start()
        storage.make_bucket()
        stack.callback(brokers.end)
        brokers.start()
        run_to_end(playproof("topics"), environment)
        master = spark_class("master.Master", "--host", HUB, "--port", str(MASTER_PORT))
        of_master = spark_environment(HUB, {})
        stack.enter_context(running("Spark's master", master, of_master, logs / "master.log")).wait_for_message(
            MASTER_SAYS, WITHIN_S
        )
        for worker in workers.values():
            stack.callback(worker.kill)
            worker.start()
        stack.callback(processes.end)
        keep_until_scoring(processes)
        processes.commands = {**job, **replay}
        yield Parts(storage, brokers, workers, processes)


def cluster_environment(settings: Settings, storage: S3) -> dict[str, str]:
    """Return the environment of the commands: master, brokers, bucket, and the address of the driver."""
    return {
        **command_environment(settings),
        **storage.environment,
        "PLAYPROOF_STORAGE": settings.storage,
        "PLAYPROOF_SPARK_MASTER": MASTER,
        "PLAYPROOF_DOCKER": "0",
        "SPARK_LOCAL_IP": HUB,
        # for spark-submit
        "PYSPARK_PYTHON": sys.executable,
        "PYTHONPATH": str(CODE),
    }


def fail_in_turn(parts: Parts, seconds: float, say: Any) -> list[str]:
    """Let each part fail while job and replay are kept running, each for an eighth of the time; return which."""
    processes, step = parts.processes, seconds / 8
    done = []

    def note(what: str) -> None:
        done.append(what)
        say(what)

    processes.keep_running(2 * step)
    note("worker 1 is killed, with its files")
    parts.workers[1].kill()
    processes.keep_running(step)
    say("a new worker 1")
    parts.workers[1].start()
    processes.keep_running(step)
    note("broker 2 is killed")
    parts.brokers.kill(1)
    processes.keep_running(step)
    say("broker 2 is back")
    parts.brokers.start(1)
    processes.keep_running(step)
    note("the driver is killed")
    processes.kill(JOB)
    keep_until_scoring(processes)
    say("a new driver scores")
    processes.keep_running(step)
    note(f"the storage is killed, and away for {STORAGE_AWAY_S:.0f} s")
    restarts, starts = processes.restarts.get(JOB, 0), times_up(processes.log)
    parts.storage.kill()
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


def submit(log: Path, environment: Mapping[str, str]) -> None:
    """Run the job with `spark-submit` until the topics are read. Raises StackError where it fails."""
    environment = {**environment, "PLAYPROOF_SPARK_MASTER": "local"}  # that of spark-submit counts
    added = ",".join(str(path) for name in ("connector", "storage") for path in jars(name))
    command = [
        str(spark_home() / "bin" / "spark-submit"), "--master", MASTER, "--driver-memory", MEMORY, "--jars", added,
        str(shipped("deploy/job.py")), "--available-now",
    ]  # fmt: skip
    with log.open("wb") as file:
        done = subprocess.run(command, env=environment, stdout=file, stderr=file, check=False)
    if done.returncode:
        raise StackError(f"the job that spark-submit ran failed: {most_relevant_line(log)}  (see {log})")
