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

from ops.chaos.account import faults_at_the_end, outcome_line, read_account, restarts_line, summary
from ops.chaos.kept_processes import KeptProcesses
from ops.cluster import one_machine
from ops.cluster.brokers import Brokers
from ops.cluster.failing_parts import JOB, REPLAY, Parts, fail_in_turn, keep_until_scoring
from ops.cluster.network import HUB, build_hub
from ops.cluster.seaweed import BUCKET, S3
from ops.cluster.worker import MASTER, MASTER_PORT, Worker, spark_class, spark_environment, spark_home
from ops.errors import StackError
from ops.stack.child_process import run_to_end, running
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
MEMORY = "1g"
MASTER_SAYS = "New state: ALIVE"
WITHIN_S = 120.0


@dataclass(frozen=True, slots=True)
class ClusterParameters:
    """What one run is made of."""

    minutes: float = 6.0
    """How long the replay takes while parts fail."""
    users: int = 200
    seed: int = 1


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
        failed = fail_in_turn(parts, world.unit, parameters.minutes * 60, say)
        say("all parts are there; the rest of the source")
        environment = parts.processes.environment
        parts.processes.stop(REPLAY, JOB)
        run_to_end(playproof("replay", "--speed", "0"), environment)
        submit(world.root / "run" / "submit.log", environment)
        account = read_account(environment)
        faults = faults_at_the_end(account)
        say("FAULT: " + "; ".join(faults) if faults else "every row is accounted for:")
        if not faults:
            report_progress(run_to_end(playproof("reconcile"), environment).rstrip())
        results: dict[str, Any] = {
            "parameters": asdict(parameters),
            "failed": failed,
            "restarts": parts.processes.restarts,
            **summary(account, faults),
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


def remarks(results: Mapping[str, Any]) -> list[str]:
    """Return the lines of a run's summary: what failed, what else ended, what became of the rows, what was compared."""
    return [
        f"{'; '.join(results['failed'])}; {results['rows']:,} rows, {results['sessions']:,} sessions",
        restarts_line(results["restarts"]),
        outcome_line(results),
        *results["compared"],
        "; ".join(results["differences"]) or "the same as a job on one machine writes",
    ]


def failures(results: Mapping[str, Any]) -> list[str]:
    """Say why a run is no success, a phrase each."""
    return [*results["reconciliation"], *results["differences"]]


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
