"""The measurement of `playproof latency`: a real broker, a real job, and a replay at set rates.

First the highest rate is found: the job gets more rows than it can take, and the time in which it takes them is
measured. Then it gets rows at a tenth, half and nine tenths of that rate, with a pause in which it catches up after
each, and nothing at all at last.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ops.bench import report as bench_report
from ops.bench import world as bench_world
from ops.bench.process_tree import TreeMeter, machine_cpu_s
from ops.errors import StackError
from ops.latency.delays import summarise, watermark_passed_at
from ops.latency.pace import FLOOD, RatePace
from ops.latency.readings import read_alerts, read_sessions, read_topics
from ops.stack import child_process
from ops.stack.broker import running as running_broker
from ops.stack.child_process import ChildProcess
from ops.stack.private_broker import command_environment, start_only_version, with_private_broker
from producer.kafka import topics
from producer.kafka.sender import message_counts
from producer.replay.replay import replay
from producer.simulator.scenario import load_scenario
from runtime.command_line import playproof
from runtime.kafka.connection import KafkaConnection
from runtime.monitoring.progress import last_micro_batch
from runtime.settings import Settings
from runtime.terminal import ReportProgress
from runtime.world import Unit
from spark_app.stages.sessions.session_rows import SESSION_GAP_MS

WORLD = "latency"
SCENARIO = "default"
SHARES = {"tenth": 0.1, "half": 0.5, "nine_tenths": 0.9}
"""Of the highest rate."""
QUERY = "sessions"
JOB_UP_WITHIN_S = 300.0
DRAINS_WITHIN_S = 900.0
SAMPLE_EVERY_S = 0.5
BURSTS = 3
"""Batches of the first burst, as a share of the flood: the job compiles its code while it takes them."""
ROWS_PER_BATCH = 535
"""Rows of both topics in a batch of the replay, about (200 plays and their activity; `default`, seed 7)."""


@dataclass(frozen=True, slots=True)
class LatencyParameters:
    """The world, and how long each rate is held."""

    users: int = 20_000
    days: int = 3
    seed: int = 7
    seconds: float = 60.0
    flood_rows: int = 400_000
    """Rows from which the highest rate is measured."""


@dataclass(frozen=True, slots=True)
class Phase:
    """A span of the run with one rate."""

    name: str
    asked_rows_per_s: float
    began_at: float
    ended_at: float
    job_cpu_s: float
    other_cpu_s: float


def run(settings: Settings, parameters: LatencyParameters, report_progress: ReportProgress) -> dict[str, Any]:
    """Measure in world `latency`, write its `results.json`, and return the content. Raises StackError."""
    settings = with_private_broker(settings, WORLD)
    world, p = settings.the_world(), parameters
    scenario = load_scenario(SCENARIO, users=p.users, days=p.days, seed=p.seed)
    bench_world.simulate_once(world, scenario, 1, report_progress)
    unit = start_only_version(world)
    environment = command_environment(settings) | {"PLAYPROOF_SPARK_JVM_FLAGS": settings.spark_jvm_flags}
    with ExitStack() as running:
        running.enter_context(running_broker(unit.broker, settings.broker))
        topics.create(settings.kafka())
        log = world.root / "run" / "job.log"
        job = running.enter_context(child_process.running("job", playproof("job", "run"), environment, log))
        job.wait_for_message("Ctrl-C stops", JOB_UP_WITHIN_S)
        pace = RatePace()
        running.enter_context(_replaying(settings, pace))
        measurement = Measurement(settings.kafka(), unit, job, pace, report_progress)
        rows_per_s = measurement.highest_rate(p.flood_rows)
        phases = [measurement.hold(name, share * rows_per_s, p.seconds) for name, share in SHARES.items()]
        phases.append(measurement.hold("idle", 0.0, p.seconds))
        pace.stop.set()
        results = _results(settings.kafka(), unit, phases)
    results = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "highest_rows_per_s": round(rows_per_s),
        "by_rate": results,
        "parameters": asdict(p),
        "machine": bench_report.machine(),
        "versions": bench_report.versions(),
    }
    return merged(world.root / "results.json", results)


def merged(file: Path, results: dict[str, Any]) -> dict[str, Any]:
    """Write the results over those of the last run; keys that others write there stay."""
    try:
        before = json.loads(file.read_text())
    except (FileNotFoundError, ValueError):
        before = {}
    merged = (before if isinstance(before, dict) else {}) | results
    file.write_text(json.dumps(merged, indent=2) + "\n")
    return merged


@contextmanager
def _replaying(settings: Settings, pace: RatePace) -> Iterator[None]:
    """Replay the world at `pace` next to the `with` block, again and again under later dates, until it is stopped."""
    failures: list[BaseException] = []

    def send() -> None:
        try:
            while not replay(settings.the_world(), settings.kafka(), pace).is_stopped:
                pass
        except BaseException as error:  # told to the main thread
            failures.append(error)
        finally:
            pace.stop.set()  # whoever waits for its batches is not to wait for ever

    sender = threading.Thread(target=send, name="replay")
    sender.start()
    try:
        yield
    finally:
        pace.stop.set()
        sender.join()
        if failures:
            raise StackError(f"the replay ended: {failures[0]}") from failures[0]


class Measurement:
    """A running job that gets rows at the rates that are asked for."""

    def __init__(
        self, kafka: KafkaConnection, unit: Unit, job: ChildProcess, pace: RatePace, report_progress: ReportProgress
    ):
        self._kafka, self._unit, self._job, self._pace = kafka, unit, job, pace
        self._report_progress = report_progress
        self._meter = TreeMeter(job.process.pid)

    def highest_rate(self, rows: int) -> float:
        """Return the rows per second at which the job takes a flood of rows, after a smaller one to get warm."""
        self._flood(rows // BURSTS)
        began_at, sent = self._flood(rows)
        last = last_micro_batch(self._unit, QUERY)
        assert last is not None, "the flood is drained, so there was a micro-batch"
        rate = sent * ROWS_PER_BATCH / (last.ended_at - began_at)
        self._report_progress(f"the job takes {rate:,.0f} rows/s at most")
        return rate

    def hold(self, name: str, rows_per_s: float, seconds: float) -> Phase:
        """Send rows at a rate for a while, then wait until the job has caught up."""
        self._report_progress(f"{name}: {rows_per_s:,.0f} rows/s for {seconds:g} s …")
        self._meter.sample(time.time())
        began_at, cpu_s, machine_s = time.time(), self._meter.cpu_s, machine_cpu_s()
        self._pace.set_rate(rows_per_s / ROWS_PER_BATCH)
        while time.time() < began_at + seconds:
            self._look()
        self._pace.set_rate(0.0)
        ended_at = time.time()
        job_cpu_s = self._meter.cpu_s - cpu_s
        other_cpu_s = max(machine_cpu_s() - machine_s - job_cpu_s, 0.0)
        self._drain()
        return Phase(name, rows_per_s, began_at, ended_at, job_cpu_s, other_cpu_s)

    def _flood(self, rows: int) -> tuple[float, int]:
        """Send rows as fast as possible, and wait until the job has taken them; return since when, and the batches."""
        before, began_at = self._pace.batches, time.time()
        self._pace.set_rate(FLOOD)
        while self._pace.batches - before < rows // ROWS_PER_BATCH:
            self._look(0.05)
        self._pace.set_rate(0.0)
        sent = self._pace.batches - before
        self._drain()
        return began_at, sent

    def _drain(self) -> None:
        until = time.monotonic() + DRAINS_WITHIN_S
        while time.monotonic() < until:
            self._look()
            last = last_micro_batch(self._unit, QUERY)
            ends = {} if last is None else last.ends
            counts = message_counts(self._kafka, tuple(ends))
            if ends and all(sum(ends[topic].values()) >= count for topic, count in counts.items()):
                return
        raise StackError(f"the job has not caught up within {DRAINS_WITHIN_S:g} s  (see {self._job.log})")

    def _look(self, wait_s: float = SAMPLE_EVERY_S) -> None:
        self._job.require_alive()
        if self._pace.stop.is_set():
            raise StackError("the replay ended before the measurement")
        self._meter.sample(time.time())
        time.sleep(wait_s)


def _results(kafka: KafkaConnection, unit: Unit, phases: list[Phase]) -> dict[str, Any]:
    """Return for each phase its rate, the cores that the job used, and by table the delays of what it caused."""
    appended, sent = read_topics(kafka)
    ended_ms, sessions_since = read_sessions(unit.table("sessions"))
    looked_ms, alerts_since = read_alerts(unit.table("alerts"))
    due_ms = {"sessions": ended_ms + SESSION_GAP_MS, "alerts": looked_ms}
    caused_at = {table: watermark_passed_at(appended, ms) for table, ms in due_ms.items()}
    since = {"sessions": sessions_since, "alerts": alerts_since}
    by_rate: dict[str, Any] = {}
    for phase in phases:
        seconds = phase.ended_at - phase.began_at
        by_rate[phase.name] = {
            "asked_rows_per_s": round(phase.asked_rows_per_s),
            "rows_per_s": round(sent.between(phase.began_at, phase.ended_at) / seconds),
            "job_cores": round(phase.job_cpu_s / seconds, 3),
            "other_cores": round(phase.other_cpu_s / seconds, 3),
            **{t: summarise(caused_at[t], since[t], phase.began_at, phase.ended_at) for t in ("alerts", "sessions")},
        }
    return by_rate
