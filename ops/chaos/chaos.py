"""A small world is replayed and scored while its processes are killed at random; then every row is accounted for."""

import json
import random
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from ops.chaos.victims import BROKER, JOB, REPLAY, Victims
from ops.errors import StackError
from ops.stack.child_process import last_line, run_to_end
from ops.stack.private_broker import command_environment, start_only_version, with_private_broker
from runtime.command_line import playproof
from runtime.settings import Settings
from runtime.terminal import ReportProgress
from runtime.units import DAY_S, MINUTE_MS, SECOND_MS

WORLD = "chaos"
MINUTE_S = MINUTE_MS // SECOND_MS
PAUSES_S = (5.0, 30.0)
"""Shortest and longest time between two kills: some come in the start of the job, some in its micro-batches."""
AWAY_S = (0.0, 15.0)
"""How long a killed process stays away."""


@dataclass(frozen=True, slots=True)
class ChaosParameters:
    """What one run is made of."""

    minutes: float = 10.0
    seed: int = 1
    users: int = 200


class Kill(NamedTuple):
    """One fault: wait, kill a process, leave it dead for a while."""

    after_s: float
    victim: str
    away_s: float


def kills(seed: int, seconds: float) -> Iterator[Kill]:
    """Draw the kills of a run of so many seconds; the same seed gives the same ones.

    >>> {kill.victim for kill in kills(1, 600)} == {"job", "broker", "replay"}
    True
    """
    rng, spent = random.Random(seed), 0.0
    while True:
        kill = Kill(rng.uniform(*PAUSES_S), rng.choice((JOB, BROKER, REPLAY)), rng.uniform(*AWAY_S))
        spent += kill.after_s + kill.away_s
        if spent > seconds:
            return
        yield kill


def run(settings: Settings, parameters: ChaosParameters, report_progress: ReportProgress) -> dict[str, Any]:
    """Run, reconcile, write `data/chaos/results.json` and return it. Raises OpsError where a command fails."""
    settings = with_private_broker(settings, WORLD)
    world, environment = settings.the_world(), command_environment(settings)
    shutil.rmtree(world.root, ignore_errors=True)
    simulation = ("simulate", "--scenario", "demo", "--users", str(parameters.users), "--days", "1")
    run_to_end(playproof(*simulation, "--seed", str(parameters.seed)), environment)
    unit, seconds = start_only_version(world), parameters.minutes * MINUTE_S
    speed = max(round(DAY_S / seconds), 1)
    victims = Victims(
        environment,
        world.root / "chaos.log",
        {JOB: ["job", "run", "--wait-for-broker"], REPLAY: ["replay", "--speed", str(speed)]},
        folder=unit.broker,
        address=settings.broker,
    )
    killed: Counter[str] = Counter()
    begun = time.monotonic()
    try:
        victims.start_broker()
        run_to_end(playproof("topics"), environment)
        for kill in kills(parameters.seed, seconds):
            victims.keep_running(kill.after_s)
            report_progress(f"{time.monotonic() - begun:4.0f} s: {kill.victim} killed, away for {kill.away_s:.0f} s")
            victims.kill(kill.victim)
            killed[kill.victim] += 1
            time.sleep(kill.away_s)
        victims.start_broker()
        victims.stop(REPLAY, JOB)
        # the rest of the source, and the flush that closes the last sessions
        run_to_end(playproof("replay", "--speed", "0"), environment)
        run_to_end(playproof("job", "run", "--available-now"), environment)
        account = read_account(environment)
    finally:
        victims.end()
    results = {
        "parameters": asdict(parameters),
        "seconds": round(time.monotonic() - begun),
        "faults": dict(killed),
        "restarts": victims.restarts,
        **summary(account),
    }
    (world.root / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    return results


def read_account(environment: Mapping[str, str]) -> dict[str, Any]:
    """Reconcile an environment's world; return the account, with or without faults. Raises StackError without one."""
    command = playproof("reconcile", "--json")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    try:
        account: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise StackError(f"the reconciliation failed: {last_line(done)}") from None
    return account


def summary(account: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the reconciliation says of rows lost, sessions that are there twice, and what is wrong.

    >>> topics = {"plays": {"sent": 9, "lost": 0}, "activity": {"sent": 7, "lost": 1}}
    >>> counts = {"duplicated": 0, "missing": 1, "wrong": 0, "wrongly_rejected": 0}
    >>> summary({"topics": topics, "sessions": 3, "faults": ["1 rows of activity are lost"], **counts})["lost"]
    1
    """
    topics = account["topics"].values()
    return {
        "rows": sum(topic["sent"] for topic in topics),
        "sessions": account["sessions"],
        "lost": sum(topic["lost"] for topic in topics),
        "duplicated": account["duplicated"],
        "wrong": account["missing"] + account["wrong"] + account["wrongly_rejected"],
        "reconciliation": account["faults"],
    }
