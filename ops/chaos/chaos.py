"""A small world is replayed and scored while its processes are killed at random; then every row is accounted for."""

import json
import random
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from ops.chaos.account import faults_at_the_end, outcome_line, read_account, restarts_line, summary
from ops.chaos.job_progress import keep_until_reading, messages_read
from ops.chaos.victims import JOB, KINDS, REPLAY, Victims
from ops.errors import StackError
from ops.stack.child_process import run_to_end
from ops.stack.private_broker import command_environment, start_only_version, with_private_broker
from runtime.command_line import playproof
from runtime.settings import Settings
from runtime.terminal import ReportProgress
from runtime.units import DAY_S, MINUTE_MS, SECOND_MS
from runtime.world import Unit

WORLD = "chaos"
MINUTE_S = MINUTE_MS // SECOND_MS
PAUSES_S = (5.0, 30.0)
"""Shortest and longest time between two kills: some come in the start of the job, some in its micro-batches."""
AWAY_S = (0.0, 15.0)
"""How long a killed process stays away."""
ENOUGH_MINUTES = len(KINDS) * (PAUSES_S[1] + AWAY_S[1]) / MINUTE_S
"""In which each kind of process is killed, whatever the seed."""


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


@dataclass(slots=True)
class Injected:
    """The faults of a run that came about."""

    killed: Counter[str] = field(default_factory=Counter)
    """Processes that ran until they were killed, by kind."""
    while_reading: int = 0
    """Kills of a job that had read messages since the kill before: the others came in its start."""

    @property
    def lacking(self) -> list[str]:
        """Which faults did not come about, a phrase each."""
        lacking = [f"no fault was injected in {kind}; run it for longer" for kind in KINDS if not self.killed[kind]]
        if self.killed[JOB] and not self.while_reading:
            lacking.append("the job had read nothing before any of its kills; run it for longer")
        return lacking


def kills(seed: int, seconds: float) -> Iterator[Kill]:
    """Draw the kills of a run of so many seconds; the same seed gives the same ones. No kind comes twice before all.

    >>> {kill.victim for kill in kills(1, 60 * ENOUGH_MINUTES)} == {"job", "broker", "replay"}
    True
    """
    rng, spent = random.Random(seed), 0.0
    first = rng.sample(KINDS, len(KINDS))
    while True:
        victim = first.pop() if first else rng.choice(KINDS)
        kill = Kill(rng.uniform(*PAUSES_S), victim, rng.uniform(*AWAY_S))
        spent += kill.after_s + kill.away_s
        if spent > seconds:
            return
        yield kill


def plan(parameters: ChaosParameters) -> list[Kill]:
    """Draw the kills of a run. Raises StackError where its minutes do not suffice for one of each kind."""
    drawn = list(kills(parameters.seed, parameters.minutes * MINUTE_S))
    left_out = [kind for kind in KINDS if kind not in {kill.victim for kill in drawn}]
    if left_out:
        raise StackError(
            f"{parameters.minutes:g} minutes are too few, no fault would be injected in {', '.join(left_out)}: run it "
            f"for longer, --minutes {ENOUGH_MINUTES:g} is enough"
        )
    return drawn


def inject(victims: Victims, unit: Unit, planned: Iterable[Kill], report_progress: ReportProgress) -> Injected:
    """Kill as planned, and keep running what is not away. Raises StackError where the job does not come to read.

    Until a kill has hit a job that reads, a kill of the job waits for that: on a slow machine all might come before.
    """
    injected, read_before = Injected(), 0
    for kill in planned:
        victims.keep_running(kill.after_s)
        if kill.victim == JOB and not injected.while_reading:
            keep_until_reading(victims, unit, read_before)
        if not victims.kill(kill.victim):
            report_progress(f"{kill.victim} had ended before it was killed")
            continue
        report_progress(f"{kill.victim} killed, away for {kill.away_s:.0f} s")
        injected.killed[kill.victim] += 1
        if kill.victim == JOB:
            read = messages_read(unit)
            injected.while_reading += read > read_before
            read_before = read
        time.sleep(kill.away_s)
    return injected


def run(settings: Settings, parameters: ChaosParameters, report_progress: ReportProgress) -> dict[str, Any]:
    """Run, reconcile, write `data/chaos/results.json` and return it.

    Raises OpsError where a command fails, or, before anything begins, where the minutes are too few.
    """
    planned = plan(parameters)
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
    begun = time.monotonic()
    try:
        victims.start_broker()
        run_to_end(playproof("topics"), environment)
        injected = inject(
            victims, unit, planned, lambda what: report_progress(f"{time.monotonic() - begun:4.0f} s: {what}")
        )
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
        "faults": dict(injected.killed),
        "killed_while_reading": injected.while_reading,
        "not_injected": injected.lacking,
        "restarts": victims.restarts,
        **summary(account, faults_at_the_end(account)),
    }
    (world.root / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    return results


def remarks(results: Mapping[str, Any]) -> list[str]:
    """Return the lines of a run's summary: what was killed, what else ended, and what became of the rows."""
    while_reading = f" ({results['killed_while_reading']} while it read)"
    counts = [f"{kind} {n}{while_reading if kind == JOB else ''}" for kind, n in sorted(results["faults"].items())]
    return [
        f"killed: {', '.join(counts) or 'nothing'}; {results['rows']:,} rows, {results['sessions']:,} sessions",
        restarts_line(results["restarts"]),
        outcome_line(results),
    ]


def failures(results: Mapping[str, Any]) -> list[str]:
    """Say why a run is no success, a phrase each: faults of the rows, and faults that did not come about."""
    return [*results["reconciliation"], *results["not_injected"]]
