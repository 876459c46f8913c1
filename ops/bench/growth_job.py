"""Measure query `sessions` of the real job as accounts and open rows grow: Kafka, Spark, checkpoint, restart.

    python -m ops.bench.growth_job --accounts 50000 --open-rows 1000000 --cores 2

Rows are those of a simulated world (`default`), thinned and with their times squeezed into less than half an hour, so
that no session closes and every row stays open. First they are sent as fast as the job takes them; then, with all of
them open, a flood of new rows, a steady rate, and a restart are measured. `data/growth/results.json` has every run.
"""

import argparse
import json
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.events import ACTIVITY, PLAYS
from ops.bench import report
from ops.bench.world import ROWS_PER_ACCOUNT_DAY, simulate_once
from ops.errors import StackError
from ops.latency.driven_job import JOB_UP_WITHIN_S, QUERY, DrivenJob, Phase, replaying
from ops.latency.pace import RatePace
from ops.soak.samples import MB, file_sizes
from ops.stack import child_process
from ops.stack.broker import running as running_broker
from ops.stack.private_broker import command_environment, start_only_version, with_private_broker
from producer.kafka import topics
from producer.simulator.scenario import load_scenario
from runtime.command_line import playproof
from runtime.monitoring.progress import last_micro_batch, recent_micro_batches
from runtime.parquet import count_rows
from runtime.settings import Settings
from runtime.terminal import print_line
from runtime.units import DAY_MS, MINUTE_MS
from runtime.world import World

WORLD = "growth"
SPAN_MS = 28 * MINUTE_MS
"""All rows lie in it: less than the 30 minutes after which a session closes, with the minute of the watermark."""
SQUEEZED = "squeezed.json"


@dataclass(frozen=True, slots=True)
class GrowthParameters:
    """One point of the table."""

    accounts: int = 50_000
    open_rows: int = 1_000_000
    cores: int = 2
    partitions: int = 2
    memory: str = "3g"
    new_rows: int = 200_000
    """Of the flood with all rows open."""
    rows_per_s: float = 1_000.0
    seconds: float = 30.0
    """Of the steady rate."""
    seed: int = 7

    @property
    def rows(self) -> int:
        """All that may be sent; the replay must not come to the end, which closes all sessions."""
        return round(self.open_rows * 1.1 + self.new_rows * 1.5 + self.rows_per_s * self.seconds * 2)


def run(settings: Settings, p: GrowthParameters) -> dict[str, Any]:
    """Measure one point, add it to `data/growth/results.json`, and return it. Raises OpsError where a command fails."""
    settings = with_private_broker(settings, WORLD)
    world = settings.the_world()
    squeeze_world(world, p)
    unit = start_only_version(world)
    with ExitStack() as running:
        running.enter_context(running_broker(unit.broker, settings.broker))
        topics.create(settings.kafka())
        pace = RatePace()
        running.enter_context(replaying(settings, pace))
        with job_running(settings, p, pace) as (job, up_s):
            fill_rows_per_s = job.flood(p.open_rows)
            open_rows = sum(_last(job).state_rows.values())
            cpu_s = job.meter.cpu_s
            rows_per_s = job.flood(p.new_rows)
            cpu_us = (job.meter.cpu_s - cpu_s) / p.new_rows * 1e6
            phase = job.hold("steady", p.rows_per_s, p.seconds)
            steady = _micro_batches(job, phase)
            last, peak_rss = _last(job), job.meter.peak_rss
        state = file_sizes(unit.checkpoints / QUERY / "state")
        began = time.monotonic()
        with job_running(settings, p, pace) as (again, up_again_s):
            again.flood(p.new_rows // 10)
            restart_s = time.monotonic() - began
    results = {
        "parameters": asdict(p),
        "open_rows": open_rows,
        "fill_rows_per_s": round(fill_rows_per_s),
        "rows_per_s": round(rows_per_s),
        "cpu_us_per_row": round(cpu_us, 1),
        "steady": steady,
        "is_caught_up": phase.is_caught_up,
        "other_cores": round(phase.other_cpu_s / (phase.ended_at - phase.began_at), 2),
        "state_mb": round(sum(last.state_bytes.values()) / MB, 1),
        "state_disk_mb": round(sum(state.values()) / MB, 1),
        "peak_rss_mb": round(peak_rss / MB),
        "start_s": round(up_s, 1),
        "restart_s": round(up_again_s, 1),
        "restart_caught_up_s": round(restart_s, 1),
        "machine": report.machine(),
    }
    file = world.root / "results.json"
    before = json.loads(file.read_text()) if file.exists() else []
    file.write_text(json.dumps([*before, results], indent=1) + "\n")
    return results


@contextmanager
def job_running(settings: Settings, p: GrowthParameters, pace: RatePace) -> Iterator[tuple[DrivenJob, float]]:
    """Run the job with query `sessions` only; yield it, and the seconds until it was up."""
    options = ("--only", QUERY, "--master", f"local[{p.cores}]", "--memory", p.memory)
    command = playproof("job", "run", *options, "--partitions", str(p.partitions))
    world, began = settings.the_world(), time.monotonic()
    log = world.root / "run" / "job.log"
    with child_process.running("job", command, command_environment(settings), log) as job:
        job.wait_for_message("Ctrl-C stops", JOB_UP_WITHIN_S)
        up_s = time.monotonic() - began
        yield DrivenJob(settings.kafka(), world.unit, job, pace, print_line, read_topics=(QUERY,)), up_s


def _last(job: DrivenJob) -> Any:
    last = last_micro_batch(job.unit, QUERY)
    if last is None:
        raise StackError("the job has done no micro-batch")
    return last


def _micro_batches(job: DrivenJob, phase: Phase) -> dict[str, float | None]:
    """Return the median seconds of a phase's micro-batches with rows, and the cores of the job."""
    inside = [
        batch.seconds
        for batch in recent_micro_batches(job.unit, QUERY, 1000)
        if phase.began_at < batch.ended_at < phase.ended_at and batch.messages
    ]
    return {
        "micro_batches": len(inside),
        "seconds": round(float(np.median(inside)), 2) if inside else None,
        "job_cores": round(phase.job_cpu_s / (phase.ended_at - phase.began_at), 2),
    }


def squeeze_world(world: World, p: GrowthParameters) -> None:
    """Simulate a world with enough rows, and squeeze them into SPAN_MS; once for the same parameters."""
    days = math.ceil(p.rows / (p.accounts * ROWS_PER_ACCOUNT_DAY))
    record, made = world.root / SQUEEZED, json.dumps([p.accounts, p.rows, days, p.seed])
    if record.exists() and record.read_text() == made:
        return
    record.unlink(missing_ok=True)
    (world.root / "simulated.json").unlink(missing_ok=True)
    scenario = load_scenario("default", users=p.accounts, days=days, seed=p.seed)
    share = p.rows / simulate_once(world, scenario, p.rows, print_line).rows
    for topic in (PLAYS, ACTIVITY):
        squeeze(sorted(world.raw(topic).glob("date=*/*.parquet")), share, days, np.random.default_rng(p.seed))
    record.write_text(made)


def squeeze(files: Sequence[Path], share: float, days: int, rng: np.random.Generator) -> int:
    """Keep a random share of the rows of a topic's raw files, in the first of them, within SPAN_MS; return how many."""
    first, *others = files
    squeezed, began_ms = first.with_suffix(".squeezed"), None
    with pq.ParquetWriter(squeezed, pq.read_schema(first)) as writer:
        for batch in (batch for file in files for batch in pq.ParquetFile(file).iter_batches()):
            at_ms = batch.column("event_time").cast(pa.int64()).to_numpy()
            began_ms = began_ms or int(at_ms[0]) // DAY_MS * DAY_MS
            kept = pa.array(rng.random(len(at_ms)) < share)
            later_ms = began_ms + (at_ms - began_ms) * SPAN_MS // (days * DAY_MS)
            number = batch.schema.get_field_index("event_time")
            field = batch.schema.field(number)
            writer.write_batch(batch.set_column(number, field, pa.array(later_ms).cast(field.type)).filter(kept))
    for file in others:
        file.unlink()
    squeezed.replace(first)
    return count_rows([first])


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure one point, and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in asdict(GrowthParameters()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=type(value), default=value)
    results = run(Settings(), GrowthParameters(**vars(parser.parse_args(arguments))))
    print(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
