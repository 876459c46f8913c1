"""Starts the shop's job: checks what it needs, loads the model, runs the queries, and keeps the heartbeat going."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from contracts.shop import TOPICS
from runtime.lake import committed_files
from runtime.monitoring.progress import DEDUPLICATION, MicroBatch, last_micro_batch, record_job
from runtime.parquet import count_rows
from runtime.settings import Settings
from runtime.world import Unit
from spark_app import runner, session
from spark_app.artefacts import CHAMPION, ModelChoice
from spark_app.checks import job_lock, preflight
from spark_app.checks.file_sinks import check_sinks
from spark_app.checks.moved_world import follow_move
from spark_app.monitoring.metrics import JobMetrics
from spark_app.monitoring.progress import ProgressListener
from spark_app.shop import pipeline, predictions, tables
from spark_app.shop.heartbeat import Heartbeat
from spark_app.shop.session import start_session


@dataclass(frozen=True, slots=True)
class ShopOptions:
    """How one run of the shop's job differs from the settings."""

    model: ModelChoice = CHAMPION
    available_now: bool = False
    """Whether to stop once everything that is in the topics now is read; sessions that are not complete stay open."""
    idle_s: float | None = None
    """Stop so many seconds after the last row, once no session is open; None: run until a signal."""
    memory: str = "2g"
    master: str | None = None
    serve_ui: bool = False
    serve_metrics: bool = False
    max_messages: int = 3000
    """Messages of a topic in a micro-batch, at most."""
    is_patient: bool = False
    """Whether to wait for an absent broker as long as it takes."""


def run_shop(settings: Settings, options: ShopOptions) -> None:
    """Score a shop's sessions from Kafka until a signal, or until nothing comes any more; continue from the checkpoint.

    Raises WorldError, BrokerError, ModelError or JvmError where something is missing, StateError where tables and
    checkpoints do not belong together, JobError where a query dies.
    """
    session.run_in_utc()
    world = settings.the_world()
    unit, kafka = world.unit, settings.kafka()
    for table in pipeline.STATIC:
        world.static(table)
    if options.is_patient:
        preflight.wait_for_broker(kafka)
    with job_lock.hold(world):
        check_sinks(unit, tables.APPENDED)
        preflight.check_topics(kafka, unit, read=TOPICS, write=(), readers=tables.APPENDED)
        follow_move(unit)
        _run_queries(settings, options)


def _run_queries(settings: Settings, options: ShopOptions) -> None:
    world = settings.the_world()
    unit, kafka = world.unit, settings.kafka()
    runner.end_at_once_on_sigterm()
    spark = start_session(settings, unit, options.memory, options.master, options.serve_ui)
    try:
        stop = runner.StopRequest()
        scorer = predictions.load_model(options.model)
        metrics = JobMetrics(scorer.artefact.version, unit.root, unit.table(tables.REJECTED))
        if options.serve_metrics:
            metrics.serve(settings.metrics_port, settings.metrics_address)
        spark.streams.addListener(ProgressListener(unit, metrics))
        queries = pipeline.build_queries(spark, world, kafka, scorer, options.max_messages)
        print(WAITING)
        record_job(unit, scorer.artefact.version, time.time())
        print(
            f"scoring world {world.name} from {settings.broker} with {scorer.artefact.version}; Ctrl-C stops",
            flush=True,
        )
        monitor = Monitor(unit, options.idle_s, lambda: predictions.show(spark, unit))
        if options.available_now:
            runner.run_in_turn(spark, queries, pipeline.REPORTS, stop, is_done=monitor.is_done)
        else:
            runner.run(spark, queries, stop, available_now=False, is_done=monitor.is_done)
        predictions.show(spark, unit)
    finally:
        spark.stop()


WAITING = (
    "a session is scored when no row of it was sent for 30 s and the watermark, 1 minute behind, has passed: about "
    "1 minute 40 s after its last row, a minute later without a transaction; until then the reports show 0"
)


class Monitor:
    """Looks at the newest micro-batch every second: heartbeat, first predictions, and whether the job is done."""

    def __init__(
        self,
        unit: Unit,
        idle_s: float | None,
        on_first: Callable[[], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._unit, self._idle_s, self._on_first, self._monotonic = unit, idle_s, on_first, monotonic
        self._heartbeat = Heartbeat([pipeline.heartbeats(unit, topic) for topic in TOPICS], monotonic)
        self._ends: dict[str, dict[int, int]] = {}
        self._quiet_since = monotonic()
        self._has_shown = False

    def is_done(self) -> bool:
        """Return whether rows have come, then nothing for `idle_s`, all is read, and no session is open."""
        batch = last_micro_batch(self._unit, tables.PREDICTIONS)
        self._heartbeat.beat(batch)
        if not self._has_shown and count_rows(committed_files(self._unit.table(tables.PREDICTIONS))):
            self._has_shown = True
            self._on_first()
        if batch is not None and batch.ends != self._ends:
            self._ends, self._quiet_since = batch.ends, self._monotonic()
        if batch is None or self._idle_s is None or self._monotonic() - self._quiet_since < self._idle_s:
            return False
        return is_settled(batch)


def is_settled(batch: MicroBatch) -> bool:
    """Return whether a micro-batch had read all messages, and left no session in the state.

    The step that drops late rows keeps the newest heartbeats in its state; it holds no session.
    """
    in_sessions = sum(rows for operator, rows in batch.state_rows.items() if operator != DEDUPLICATION)
    return not any(batch.behind.values()) and not in_sessions
