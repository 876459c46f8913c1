"""`playproof bench`: the job against a minimal Spark job and a bare consumer, on one set of topics, one at a time."""

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

from contracts.events import ACTIVITY, PLAYS
from ops.bench import report
from ops.bench import world as bench_world
from ops.bench.figures import COMPARED, Figures, ratios, rows_done, steps_from, unread_messages
from ops.bench.process_tree import TreeMeter, machine_cpu_s
from ops.errors import StackError
from ops.stack import child_process
from ops.stack.broker import running as running_broker
from ops.stack.logs import most_relevant_line
from ops.stack.private_broker import command_environment, start_only_version, with_private_broker
from producer.kafka import topics
from runtime.command_line import playproof
from runtime.lake import committed_files
from runtime.parquet import count_rows, read_parquet
from runtime.settings import Settings
from runtime.terminal import ReportProgress
from runtime.world import Unit

WORLD = "bench"
RAW = "raw_consume"
CONTENDERS = (RAW, "minimal_spark", *COMPARED)
SAMPLE_EVERY_S = 0.5
OUTPUTS = ("lake", "checkpoints", "offsets", "progress")
"""What a contender leaves in the world's unit; removed after it, so that each begins with nothing."""


@dataclass(frozen=True, slots=True)
class BenchParameters:
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
class BenchSetup:
    """What every contender runs with."""

    unit: Unit
    environment: Mapping[str, str]
    parameters: BenchParameters
    run: Path
    """Folder of the logs, and of the facts that each contender writes."""
    broker_pid: int


def run(settings: Settings, parameters: BenchParameters, report_progress: ReportProgress) -> dict[str, Any]:
    """Run every contender, write `results.json` to the world `bench`, and return its content.

    Raises StackError where a contender fails; one that did not do all the work is named in `faults`.
    """
    settings = with_private_broker(settings, WORLD)
    world = settings.the_world()
    p = parameters
    scenario = bench_world.choose_scenario(p.scenario, p.rows, p.days, p.users, p.seed)
    simulator = bench_world.simulate_once(world, scenario, p.rows, report_progress)
    unit = start_only_version(world)
    with ExitStack() as running:
        broker = running.enter_context(running_broker(unit.broker, settings.broker))
        topics.create(settings.kafka())
        report_progress("broker up; replaying as fast as possible")
        replay, sent = bench_world.replay_timed(settings, world)
        report_progress(f"replayed {replay.rows:,} rows: {replay.as_dict()['rows_per_s']:,} rows/s")
        bench = BenchSetup(unit, command_environment(settings), parameters, world.root / "run", broker.process.pid)
        topic_counts: dict[str, dict[str, int]] = {}
        contenders: dict[str, Figures] = {}
        faults: list[str] = []
        for number, name in enumerate(CONTENDERS, start=1):
            report_progress(f"{number}/{len(CONTENDERS)} {name} …")
            facts, figures, topic_counts = _contend(bench, name, topic_counts)
            contenders[name] = figures
            faults += [f"{name}: {fault}" for fault in _faults(facts, figures, topic_counts, sent)]
            report_progress(report.format_figures(name, figures))
    results = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "ratios": ratios(contenders),
        "contenders": {name: asdict(figures) for name, figures in contenders.items()},
        "simulator": simulator.as_dict(),
        "replay": replay.as_dict(),
        "topics": topic_counts,
        "parameters": asdict(parameters) | {"users": scenario.users},
        "machine": report.machine(),
        "versions": report.versions(),
        "faults": faults,
    }
    (world.root / "results.json").write_text(json.dumps(results, indent=2) + "\n")
    return results


def _contend(
    bench: BenchSetup, name: str, topic_counts: dict[str, dict[str, int]]
) -> tuple[dict[str, Any], Figures, dict[str, dict[str, int]]]:
    """Run one contender; return its facts, its figures, and the counts of the topics, made by the first one."""
    for folder in OUTPUTS:
        shutil.rmtree(bench.unit.root / folder, ignore_errors=True)
    out = bench.run / f"{name}.json"
    meter, broker_cpu_s, machine_s = _metered(bench, name, out)
    facts = json.loads(out.read_text())
    topic_counts = topic_counts or facts["topics"]
    done = rows_done(
        facts["began_at"], steps_from(facts), {t: n["rows"] / n["messages"] for t, n in topic_counts.items()}
    )
    warm = done.warm_from()
    rows_per_s = rows_per_cpu_s = None
    if warm is not None:
        rows = done.rows - warm[1]
        rows_per_s = round(rows / (done.ended_at - warm[0]), 1)
        cpu_s = meter.cpu_s_at(done.ended_at) - meter.cpu_s_at(warm[0])
        rows_per_cpu_s = round(rows / cpu_s, 1) if cpu_s else None
    figures = Figures(
        rows_per_s=rows_per_s,
        rows_per_s_all=round(done.rows_per_s, 1),
        rows_per_cpu_s=rows_per_cpu_s,
        cpu_s=round(meter.cpu_s, 1),
        peak_rss_mb=round(meter.peak_rss / 2**20),
        seconds=round(done.ended_at - done.began_at, 2),
        rows_accounted=None if name == RAW else count_rows_written(bench.unit),
        broker_cpu_s=round(broker_cpu_s, 1),
        other_cpu_s=round(max(machine_s - broker_cpu_s - meter.cpu_s, 0), 1),
    )
    for folder in OUTPUTS:
        shutil.rmtree(bench.unit.root / folder, ignore_errors=True)
    return facts, figures, topic_counts


def _metered(bench: BenchSetup, name: str, out: Path) -> tuple[TreeMeter, float, float]:
    """Run one contender to its end; return its meter, and the CPU-seconds of broker and machine in the same time."""
    out.unlink(missing_ok=True)
    p = bench.parameters
    command = playproof("bench-one", "--contender", name, "--out", str(out), "--cores", str(p.cores))
    command += ["--memory", p.memory, "--max-messages", str(p.max_messages)]
    broker = TreeMeter(bench.broker_pid)
    broker.sample(time.time())
    before = broker.cpu_s, machine_cpu_s()
    with child_process.running(f"contender {name}", command, bench.environment, bench.run / f"{name}.log") as contender:
        meter = TreeMeter(contender.process.pid)
        try:
            while contender.process.poll() is None:
                meter.sample(time.time())
                time.sleep(SAMPLE_EVERY_S)
        finally:
            contender.stop()
            meter.end()
    if contender.process.returncode != 0:
        raise StackError(f"contender {name} failed: {most_relevant_line(contender.log)}  (see {contender.log})")
    broker.sample(time.time())
    return meter, broker.cpu_s - before[0], machine_cpu_s() - before[1]


def count_rows_written(unit: Unit) -> int:
    """Count the rows that a contender wrote: in sessions, or of both topics; the smaller number where it wrote both.

    Rows of a session are those it was made from.
    """
    counts = []
    if files := committed_files(unit.table("sessions")):
        sessions = pa.concat_tables(read_parquet(f, ["plays_rows", "activity_rows"]) for f in files)
        counts.append(sum(pc.sum(column).as_py() or 0 for column in sessions.columns))
    if files := [f for topic in (PLAYS, ACTIVITY) for f in committed_files(unit.table(topic))]:
        counts.append(count_rows(files))
    return min(counts, default=0)


def _faults(
    facts: Mapping[str, Any], figures: Figures, topic_counts: Mapping[str, Mapping[str, int]], sent: Mapping[str, int]
) -> list[str]:
    """Return where a contender did not do all of the work; nothing if it did."""
    faults = unread_messages(facts, {topic: counts["messages"] for topic, counts in topic_counts.items()})
    for topic, n_sent in sent.items():
        n_rows = topic_counts[topic]["rows"]
        faults += [f"topic {topic} has {n_rows:,} rows, sent were {n_sent:,}"] if n_rows != n_sent else []
    rows = sum(sent.values())
    # a minimal job has no rules: it counts a heartbeat as a row like any other
    heartbeats = sum(counts["heartbeats"] for counts in topic_counts.values())
    allowed = {rows, rows + heartbeats} if facts["contender"] == "minimal_spark" else {rows}
    if figures.rows_accounted is not None and figures.rows_accounted not in allowed:
        faults.append(f"{figures.rows_accounted:,} of {rows:,} rows are in what it wrote")
    return faults
