"""The measurement of `playproof latency`: a real broker, a real job, and a replay at set rates.

First the highest rate is found: the job gets more rows than it can take, and the time in which it takes them is
measured. Then it gets rows at a tenth, half and nine tenths of that rate, with a pause in which it catches up after
each, and nothing at all at last. How soon bots are alerted in the listeners' time is measured in a separate world.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from contracts.events import PLAYS
from ops.bench import report as bench_report
from ops.latency.delays import summarise, watermark_passed_at
from ops.latency.driven_job import DrivenJob, Phase, driven_job
from ops.latency.readings import read_alerts, read_sessions, read_topics
from ops.stack.child_process import run_to_end
from ops.stack.private_broker import command_environment, with_private_broker
from producer.simulator.scenario import load_scenario
from runtime.command_line import playproof
from runtime.kafka.connection import KafkaConnection
from runtime.settings import Settings
from runtime.terminal import ReportProgress
from runtime.world import Unit
from spark_app.stages.sessions.session_rows import SESSION_GAP_MS

WORLD = "latency"
SCENARIO = "default"
SHARES = {"tenth": 0.1, "half": 0.5, "nine_tenths": 0.9}
"""Of the highest rate."""
ALERTS_WORLD = "alerts-test"
ALERTS_SCENARIO = "train"
TABLES = ("alerts", "sessions")
REACHED = 0.95
"""Share of the rate that was asked for from which it counts as reached."""


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
class AlertParameters:
    """The world in which alerts are measured by family; none is made where it exists."""

    users: int = 2_500
    days: int = 10
    seed: int = 411


def run(
    settings: Settings,
    parameters: LatencyParameters,
    report_progress: ReportProgress,
    alerts: AlertParameters | None = None,
) -> dict[str, Any]:
    """Measure in world `latency`, write its `results.json`, and return the content. Raises StackError.

    With `alerts`, key `alerts` of the results is measured too. On a busy machine a rate may not be reached: the results
    say so, and the rates after one with which the job did not catch up are null.
    """
    settings = with_private_broker(settings, WORLD)
    world, p = settings.the_world(), parameters
    file = world.root / "results.json"
    scenario = load_scenario(SCENARIO, users=p.users, days=p.days, seed=p.seed)
    with driven_job(settings, scenario, report_progress) as job:
        rows_per_s = job.highest_rate(p.flood_rows)
        phases = hold_rates(job, rows_per_s, p.seconds)
        by_rate = by_rate_of(settings.kafka(), job.unit, phases)
    results = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "highest_rows_per_s": round(rows_per_s),
        "by_rate": by_rate,
        "parameters": asdict(p),
        "machine": bench_report.machine(),
        "versions": bench_report.versions(),
    }
    written = merged(file, results)
    if alerts is None:
        return written
    report_progress(f"alerts by family in world {ALERTS_WORLD} …")
    measure_alerts(settings, alerts, file)
    return merged(file, {"alert_parameters": {"scenario": ALERTS_SCENARIO, **asdict(alerts)}})


def hold_rates(job: DrivenJob, rows_per_s: float, seconds: float) -> dict[str, Phase | None]:
    """Hold each share of the highest rate, and nothing at last; None for those after one that was too much."""
    phases: dict[str, Phase | None] = dict.fromkeys((*SHARES, "idle"))
    for name in phases:
        phase = phases[name] = job.hold(name, SHARES.get(name, 0.0) * rows_per_s, seconds)
        if not phase.is_caught_up:
            break
    return phases


def measure_alerts(settings: Settings, parameters: AlertParameters, file: Path) -> None:
    """Measure alerts by family in world ALERTS_WORLD, simulated where it is missing, into key `alerts` of a file."""
    environment, p = command_environment(settings), parameters
    world = settings.model_copy(update={"world": ALERTS_WORLD}).the_world()
    if not any(world.raw(PLAYS).glob("date=*/*.parquet")):
        made = ("simulate", "--world", ALERTS_WORLD, "--scenario", ALERTS_SCENARIO)
        run_to_end(playproof(*made, *_options(p)), environment)
    run_to_end(playproof("model", "measure-alerts", "--world", ALERTS_WORLD, "--out", str(file)), environment)


def _options(p: AlertParameters) -> tuple[str, ...]:
    return "--users", str(p.users), "--days", str(p.days), "--seed", str(p.seed)


def merged(file: Path, results: Mapping[str, Any]) -> dict[str, Any]:
    """Write the results over those of the last run; keys that others write there stay."""
    try:
        before = json.loads(file.read_text())
    except (FileNotFoundError, ValueError):
        before = {}
    merged = (before if isinstance(before, dict) else {}) | dict(results)
    file.write_text(json.dumps(merged, indent=2) + "\n")
    return merged


def by_rate_of(kafka: KafkaConnection, unit: Unit, phases: Mapping[str, Phase | None]) -> dict[str, Any]:
    """Return for each phase its rate, the cores that the job used, and by table the delays of what it caused."""
    appended, sent = read_topics(kafka)
    ended_ms, sessions_since = read_sessions(unit)
    looked_ms, alerts_since = read_alerts(unit)
    due_ms = {"sessions": ended_ms + SESSION_GAP_MS, "alerts": looked_ms}
    caused_at = {table: watermark_passed_at(appended, ms) for table, ms in due_ms.items()}
    since = {"sessions": sessions_since, "alerts": alerts_since}
    by_rate: dict[str, Any] = {}
    for name, phase in phases.items():
        if phase is None:
            by_rate[name] = None
            continue
        seconds = phase.ended_at - phase.began_at
        rows_per_s = sent.between(phase.began_at, phase.ended_at) / seconds
        by_rate[name] = {
            "asked_rows_per_s": round(phase.asked_rows_per_s),
            "rows_per_s": round(rows_per_s),
            "is_reached": rows_per_s >= REACHED * phase.asked_rows_per_s and phase.is_caught_up,
            "job_cores": round(phase.job_cpu_s / seconds, 3),
            "other_cores": round(phase.other_cpu_s / seconds, 3),
            **{t: summarise(caused_at[t], since[t], phase.began_at, phase.ended_at) for t in TABLES},
        }
    return by_rate
