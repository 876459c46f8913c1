"""A real job at a steady rate for a long time; then every row is accounted for."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from ops.bench import report as bench_report
from ops.chaos.account import read_account, summary
from ops.latency.delays import watermark_passed_at
from ops.latency.driven_job import AS_SENT, DrivenJob, Phase, driven_job
from ops.latency.measure import REACHED, SCENARIO
from ops.latency.readings import read_alerts, read_sessions, read_topics
from ops.soak.outcome import ends_of_topics, unread
from ops.soak.picture import draw
from ops.soak.samples import Sample, growth, speed, take_sample
from ops.stack.child_process import run_to_end
from ops.stack.private_broker import command_environment, with_private_broker
from producer.simulator.scenario import load_scenario
from runtime.arrays import Floats
from runtime.command_line import playproof
from runtime.kafka.connection import KafkaConnection
from runtime.settings import Settings
from runtime.terminal import ReportProgress
from runtime.world import Unit
from spark_app.stages.sessions.session_rows import SESSION_GAP_MS

WORLD = "soak"
PICTURE = "soak.png"
SAMPLES_FILE = "samples.jsonl"
SAMPLES = 240
MIN_EVERY_S = 1.0
"""A run has about SAMPLES samples, and no more than one per MIN_EVERY_S."""
WATCHED = ("files", "rss_mb", "state_mb", "open_rows")


@dataclass(frozen=True, slots=True)
class SoakParameters:
    """How long, at what rate, and the world that is sent, again and again under later dates."""

    minutes: float = 60.0
    rows_per_s: float | None = None
    """None: half of the highest rate, which is measured first."""
    users: int = 200_000
    """The more accounts, the slower the listeners' time passes at a rate, and the more sessions are open at once."""
    days: int = 10
    """Enough for an hour at 20,000 rows/s: at the end of the world the replay closes all sessions, and begins again."""
    seed: int = 7
    flood_rows: int = 2_000_000
    """A quarter of a day of this world: then as many sessions are open as later on."""
    compression: str = AS_SENT
    """The codec in which the broker keeps messages."""


def run(settings: Settings, parameters: SoakParameters, report_progress: ReportProgress) -> dict[str, Any]:
    """Run, reconcile, write `data/soak/results.json` and its picture, and return the results.

    Raises OpsError where a command fails.
    """
    settings, p = with_private_broker(settings, WORLD), parameters
    world, environment = settings.the_world(), command_environment(settings)
    scenario = load_scenario(SCENARIO, users=p.users, days=p.days, seed=p.seed)
    with driven_job(settings, scenario, report_progress, p.compression) as job:
        rate = p.rows_per_s or job.highest_rate(p.flood_rows) / 2
        phase, samples = hold_and_watch(job, rate, p.minutes * 60, world.root / SAMPLES_FILE)
        job.end()
        # what is left for the archive; open sessions stay open
        run_to_end(playproof("job", "run", "--available-now"), environment)
        rows_per_s, delays = read_delays(settings.kafka(), job.unit, phase)
        results = results_of(p, job, phase, samples, rate, rows_per_s, delays)
        file = world.root / "results.json"
        # an hour is not to be lost where the account of its rows fails
        file.write_text(json.dumps(results, indent=1, allow_nan=False) + "\n")
        draw(results, world.root / PICTURE)
        account = read_account(environment)
        faults = [*account["faults"], *unread(job.unit, ends_of_topics(settings.kafka()))]
        results = {**summary(account, faults), **results}
    file.write_text(json.dumps(results, indent=1, allow_nan=False) + "\n")
    return results


def results_of(
    p: SoakParameters,
    job: DrivenJob,
    phase: Phase,
    samples: Sequence[Sample],
    rate: float,
    rows_per_s: float,
    delays: "Delays",
) -> dict[str, Any]:
    """Return what was measured; whether all rows are there is not in it yet."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "faults": {},
        "files": samples[-1].files,
        "speed": speed(samples),
        "peak_rss_mb": round(job.meter.peak_rss / 2**20),
        "p95_latency_s": percentile(delays.all, 95),
        "latency": {name: delays.summary(name) for name in ("alerts", "sessions")},
        "growth": {name: growth(samples, name) for name in WATCHED},
        "asked_rows_per_s": round(rate),
        "rows_per_s": round(rows_per_s),
        "is_reached": rows_per_s >= REACHED * rate and phase.is_caught_up,
        "is_caught_up": phase.is_caught_up,
        "job_cores": round(phase.job_cpu_s / (phase.ended_at - phase.began_at), 3),
        "other_cores": round(phase.other_cpu_s / (phase.ended_at - phase.began_at), 3),
        "samples": [asdict(s) | {"p95_s": p95} for s, p95 in zip(samples, delays.p95_by_sample(samples), strict=True)],
        "parameters": asdict(p),
        "machine": bench_report.machine(),
        "versions": bench_report.versions(),
    }


def hold_and_watch(job: DrivenJob, rows_per_s: float, seconds: float, file: Path) -> tuple[Phase, list[Sample]]:
    """Hold a rate, and look at the job about SAMPLES times. What is seen is in `file` at once: the job may end."""
    began_at, every_s = time.time(), max(seconds / SAMPLES, MIN_EVERY_S)
    samples: list[Sample] = []
    file.write_text("")

    def watch(now: float) -> None:
        if now - began_at >= len(samples) * every_s:
            samples.append(take_sample(now - began_at, job.unit, job.meter))
            with file.open("a") as lines:
                lines.write(json.dumps(asdict(samples[-1])) + "\n")

    job.meter.sample(began_at)
    watch(began_at)
    return job.hold("soak", rows_per_s, seconds, watch), samples


@dataclass(frozen=True, slots=True)
class Delays:
    """Seconds from the message that made each row of a table due until it could be read, by table."""

    began_at: float
    caused_at: dict[str, Floats]
    """Epoch s, by table."""
    delay_s: dict[str, Floats]

    @property
    def all(self) -> Floats:
        return np.concatenate([*self.delay_s.values()])

    def summary(self, table: str) -> dict[str, Any]:
        """Return the number of rows, and percentiles of their delays."""
        values = self.delay_s[table]
        return {"rows": len(values), **{f"p{p}_s": percentile(values, p) for p in (50, 95, 99)}}

    def p95_by_sample(self, samples: Sequence[Sample]) -> list[float | None]:
        """Return the p95 of the rows of both tables that became due between each sample and the next one."""
        edges = [self.began_at + sample.at_s for sample in samples] + [np.inf]
        caused_at = np.concatenate([*self.caused_at.values()])
        window = np.searchsorted(edges, caused_at, side="right") - 1
        return [percentile(self.all[window == number], 95) for number in range(len(samples))]


def percentile(values: Floats, percent: float) -> float | None:
    """Return a percentile; None of nothing."""
    return round(float(np.percentile(values, percent)), 2) if len(values) else None


def read_delays(kafka: KafkaConnection, unit: Unit, phase: Phase) -> tuple[float, Delays]:
    """Return the rows per second that were sent in a phase, and the delays of what they made due."""
    appended, sent = read_topics(kafka)
    (ended_ms, sessions_since), (looked_ms, alerts_since) = (
        read_sessions(unit),
        read_alerts(unit),
    )
    due_ms = {"alerts": looked_ms, "sessions": ended_ms + SESSION_GAP_MS}
    since = {"alerts": alerts_since, "sessions": sessions_since}
    caused_at, delay_s = {}, {}
    for table, ms in due_ms.items():
        caused = watermark_passed_at(appended, ms)
        inside = (caused >= phase.began_at) & (caused < phase.ended_at)
        caused_at[table], delay_s[table] = caused[inside], (since[table] - caused)[inside]
    rows_per_s = sent.between(phase.began_at, phase.ended_at) / (phase.ended_at - phase.began_at)
    return rows_per_s, Delays(phase.began_at, caused_at, delay_s)
