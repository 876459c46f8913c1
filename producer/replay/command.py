"""The command `replay`: signals, progress and the last line around `producer.replay.replay`."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from contracts.events import ROWS_PER_BATCH
from contracts.metrics import PORT_OFFSETS
from contracts.wording.quantities import count_of
from producer.replay.attempt import ReportProgress
from producer.replay.faults.injector import with_faults
from producer.replay.faults.settings import Faults
from producer.replay.health import ReplayHealth, serve
from producer.replay.pace import Pace
from producer.replay.replay import Outcome, replay
from runtime.checkpoint import clock_ahead_ms
from runtime.event_text import format_time
from runtime.kafka.access import require_topics, wait_until_up
from runtime.kafka.worlds import require_own_broker
from runtime.parquet import count_rows
from runtime.settings import Settings
from runtime.world import World


def run(
    settings: Settings,
    faults: Faults,
    interval: float | None,
    speed: float | None,
    batches: int | None,
    is_fresh: bool,
    is_measured: bool = False,
) -> None:
    """Replay the settings' world and print what was sent; `is_measured` serves metrics meanwhile.

    Raises ProducerError or WorldError.
    """
    world = settings.the_world()
    faults.check(world)
    pace = Pace(interval, speed)
    kafka = settings.kafka()
    topics = world.domain.topics
    rows = count_rows(world.raw_files(world.domain.master))
    wait_until_up(kafka)
    require_own_broker(kafka, world)
    # it reads too: after a crash, what arrived of what it had sent
    require_topics(kafka, read=topics, write=topics)
    if is_fresh:
        world.start_version()
    health = ReplayHealth()
    if is_measured:
        serve(health, settings.metrics_port + PORT_OFFSETS["replay"], settings.metrics_address)
    total = min(batches or sys.maxsize, -(-rows // ROWS_PER_BATCH))
    with _stop_on_signals(pace), _show_progress(total) as report_progress:
        outcome = replay(
            world,
            kafka,
            pace,
            with_faults(faults),
            batches=batches,
            report_progress=report_progress,
            health=health,
            clock_ahead_ms=clock_ahead_ms(world.unit, settings.clock_ahead),
        )
    print(format_outcome(outcome, world), flush=True)


def format_outcome(outcome: Outcome, world: World) -> str:
    """Return what a replay sent in one line, and in a second one how to go on where it was stopped.

    >>> from pathlib import Path
    >>> format_outcome(Outcome({"plays": 400, "activity": 600}, 3, 0.5, 7, False), World(Path("w")))
    'sent 1,000 rows (plays 400, activity 600) in 2 batches, 0.5 s: 2,000 rows/s, every one acknowledged'
    """
    # a replay of music that came to its end sent a last batch of heartbeats, without rows
    batches = max(outcome.batches - (world.domain.has_heartbeats and not outcome.is_stopped), 0)
    by_topic = ", ".join(f"{topic} {rows:,}" for topic, rows in outcome.rows.items())
    sent = (
        f"sent {sum(outcome.rows.values()):,} rows ({by_topic}) in {count_of(batches, 'batch', 'batches')}, "
        f"{outcome.seconds:.1f} s: {outcome.rows_per_s:,.0f} rows/s, every one acknowledged"
    )
    if not outcome.is_stopped:
        return sent
    return f"{sent}\nstopped before batch {outcome.next_batch}; to go on:  playproof replay --world {world.name}"


@contextmanager
def _stop_on_signals(pace: Pace) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the replay after the batch in flight."""
    before = {s: signal.signal(s, lambda *_: pace.stop.set()) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _show_progress(total: int) -> Iterator[ReportProgress]:
    """Show progress in a terminal; be quiet elsewhere."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("batches"))
    with Progress(*columns, TimeRemainingColumn(), disable=not sys.stdout.isatty()) as progress:
        task = progress.add_task("replay", total=total)

        def report_progress(rows: dict[str, int], clock_ms: int) -> None:
            description = f"{format_time(clock_ms)[:16]}Z  {sum(rows.values()):,} rows"
            progress.update(task, advance=1, description=description)

        yield report_progress
