"""`playproof bench`: the job against a minimal Spark job and a bare consumer, on one set of topics, each by itself."""

import json
import shutil
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contracts.events import ACTIVITY, PLAYS
from ops.bench import report
from ops.bench import world as bench_world
from ops.bench.figures import COMPARED, Figures, course_of, missed, ratios, steps_from
from ops.bench.process_tree import TreeMeter, machine_cpu_s
from ops.bench.world import Say
from ops.demo import environment_of, fresh_version, with_broker_of_its_own
from ops.errors import StackError
from ops.stack import child
from ops.stack.broker import running as running_broker
from ops.stack.logs import telling_line
from producer.kafka import topics
from runtime.command_line import playproof
from runtime.lake import committed_files
from runtime.settings import Settings
from runtime.world import Unit

WORLD = "bench"
RAW = "raw_consume"
CONTENDERS = (RAW, "minimal_spark", *COMPARED)
SAMPLE_EVERY_S = 0.5
OUTPUTS = ("lake", "checkpoints", "offsets", "progress")
"""What a contender leaves in the world's unit; removed after it, so that each begins with nothing."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """What the contenders share, and the world they read."""

    rows: int
    days: int
    users: int | None
    scenario: str
    seed: int
    cores: int
    memory: str
    max_messages: int


@dataclass(frozen=True, slots=True)
class Bench:
    """Where and with what contenders run."""

    unit: Unit
    environment: Mapping[str, str]
    parameters: Parameters
    run: Path
    """Folder of the logs, and of what each contender wrote down."""
    broker_pid: int


def run(settings: Settings, parameters: Parameters, say: Say) -> dict[str, Any]:
    """Run every contender, write `results.json` to the world `bench`, and return its content.

    Raises StackError where a contender fails; one that did not do all the work is named in `faults`.
    """
    settings = with_broker_of_its_own(settings, WORLD)
    world = settings.the_world()
    p = parameters
    scenario = bench_world.scenario_of(p.scenario, p.rows, p.days, p.users, p.seed)
    simulator = bench_world.simulated(world, scenario, p.rows, say)
    unit = fresh_version(world)
    with ExitStack() as running:
        broker = running.enter_context(running_broker(unit.broker, settings.broker))
        topics.create(settings.kafka())
        say("broker up; replaying as fast as possible")
        replay, sent = bench_world.replayed(settings, world)
        say(f"replayed {replay.rows:,} rows: {replay.as_dict()['rows_per_s']:,} rows/s")
        bench = Bench(unit, environment_of(settings), parameters, world.root / "run", broker.process.pid)
        held: dict[str, dict[str, int]] = {}
        contenders: dict[str, Figures] = {}
        faults: list[str] = []
        for place, name in enumerate(CONTENDERS, start=1):
            say(f"{place}/{len(CONTENDERS)} {name} …")
            facts, figures, held = _contend(bench, name, held)
            contenders[name] = figures
            faults += [f"{name}: {fault}" for fault in _faults(facts, figures, held, sent)]
            say(report.line(name, figures))
    results = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "ratios": ratios(contenders),
        "contenders": {name: asdict(figures) for name, figures in contenders.items()},
        "simulator": simulator.as_dict(),
        "replay": replay.as_dict(),
        "topics": held,
        "parameters": asdict(parameters) | {"users": scenario.users},
        "machine": report.machine(),
        "versions": report.versions(),
        "faults": faults,
    }
    (world.root / "results.json").write_text(json.dumps(results, indent=2) + "\n")
    return results


def _contend(
    bench: Bench, name: str, held: dict[str, dict[str, int]]
) -> tuple[dict[str, Any], Figures, dict[str, dict[str, int]]]:
    """Run one contender; return what it wrote down, its figures, and what the topics hold (the first one counts)."""
    for folder in OUTPUTS:
        shutil.rmtree(bench.unit.root / folder, ignore_errors=True)
    out = bench.run / f"{name}.json"
    meter, broker_cpu_s, machine_s = _metered(bench, name, out)
    facts = json.loads(out.read_text())
    held = held or facts["topics"]
    course = course_of(facts["began_at"], steps_from(facts), {t: n["rows"] / n["messages"] for t, n in held.items()})
    warm = course.warm_from()
    rows_per_s = rows_per_cpu_s = None
    if warm is not None:
        rows = course.rows - warm[1]
        rows_per_s = round(rows / (course.ended_at - warm[0]), 1)
        cpu_s = meter.cpu_s_at(course.ended_at) - meter.cpu_s_at(warm[0])
        rows_per_cpu_s = round(rows / cpu_s, 1) if cpu_s else None
    figures = Figures(
        rows_per_s=rows_per_s,
        rows_per_s_all=round(course.rows_per_s, 1),
        rows_per_cpu_s=rows_per_cpu_s,
        cpu_s=round(meter.cpu_s, 1),
        peak_rss_mb=round(meter.peak_rss / 2**20),
        seconds=round(course.ended_at - course.began_at, 2),
        rows_accounted=None if name == RAW else accounted(bench.unit),
        broker_cpu_s=round(broker_cpu_s, 1),
        other_cpu_s=round(max(machine_s - broker_cpu_s - meter.cpu_s, 0), 1),
    )
    for folder in OUTPUTS:
        shutil.rmtree(bench.unit.root / folder, ignore_errors=True)
    return facts, figures, held


def _metered(bench: Bench, name: str, out: Path) -> tuple[TreeMeter, float, float]:
    """Run one contender to its end; return its meter, and CPU-seconds of the broker and of the machine meanwhile."""
    out.unlink(missing_ok=True)
    p = bench.parameters
    command = playproof("bench-one", "--contender", name, "--out", str(out), "--cores", str(p.cores))
    command += ["--memory", p.memory, "--max-messages", str(p.max_messages)]
    broker = TreeMeter(bench.broker_pid)
    broker.sample(time.time())
    before = broker.cpu_s, machine_cpu_s()
    with child.running(f"contender {name}", command, bench.environment, bench.run / f"{name}.log") as contender:
        meter = TreeMeter(contender.process.pid)
        try:
            while contender.process.poll() is None:
                meter.sample(time.time())
                time.sleep(SAMPLE_EVERY_S)
        finally:
            contender.stop()
            meter.end()
    if contender.process.returncode != 0:
        raise StackError(f"contender {name} failed: {telling_line(contender.log)}  (see {contender.log})")
    broker.sample(time.time())
    return meter, broker.cpu_s - before[0], machine_cpu_s() - before[1]


def accounted(unit: Unit) -> int:
    """Count the rows that are in what a contender wrote: sessions, or rows of both topics; the fewer, where both are.

    Rows of a session are those it was made from.
    """
    found = []
    if files := committed_files(unit.table("sessions")):
        sessions = pa.concat_tables(pq.ParquetFile(f).read(["plays_rows", "activity_rows"]) for f in files)
        found.append(sum(pc.sum(column).as_py() or 0 for column in sessions.columns))
    if files := [f for topic in (PLAYS, ACTIVITY) for f in committed_files(unit.table(topic))]:
        found.append(sum(pq.read_metadata(f).num_rows for f in files))
    return min(found, default=0)


def _faults(
    facts: Mapping[str, Any], figures: Figures, held: Mapping[str, Mapping[str, int]], sent: Mapping[str, int]
) -> list[str]:
    """Return where a contender did not do all of the work; nothing if it did."""
    faults = missed(facts, {topic: counts["messages"] for topic, counts in held.items()})
    faults += [
        f"topic {t} has {held[t]['rows']:,} rows, sent were {n:,}" for t, n in sent.items() if n != held[t]["rows"]
    ]
    rows = sum(sent.values())
    # a minimal job has no rules: what only moves the watermark is a row like any other to it
    heartbeats = sum(counts["heartbeats"] for counts in held.values())
    allowed = {rows, rows + heartbeats} if facts["contender"] == "minimal_spark" else {rows}
    if figures.rows_accounted is not None and figures.rows_accounted not in allowed:
        faults.append(f"{figures.rows_accounted:,} of {rows:,} rows are in what it wrote")
    return faults
