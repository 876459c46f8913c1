"""Starts the job: checks what it needs, loads its models, builds its queries, and runs them until they are to end."""

import os
import sys
import time
from collections.abc import Collection
from dataclasses import dataclass
from functools import partial

from pyspark.sql import SparkSession
from pyspark.sql.streaming.readwriter import DataStreamWriter

from runtime import jvm
from runtime.kafka.connection import KafkaConnection
from runtime.monitoring.progress import record_job, record_shadow
from runtime.settings import Settings
from runtime.storage import attach
from runtime.storage.bucket import Storage
from runtime.world import World
from spark_app import pipeline, runner, session, sources
from spark_app.artefacts import CHAMPION, Artefacts, ModelChoice, open_artefacts
from spark_app.checks import consistency, job_lock, preflight
from spark_app.checks.all_read import check_all_read
from spark_app.checks.moved_world import follow_move
from spark_app.checks.topic_settings import wrong_settings
from spark_app.errors import JobError
from spark_app.monitoring import upkeep
from spark_app.monitoring.metrics import JobMetrics
from spark_app.monitoring.progress import ProgressListener
from spark_app.queries import rule_hits, shadow
from spark_app.scratch import use_scratch_folder
from spark_app.stages.alerts.load import shipped_alert_scorer
from spark_app.stages.scoring.load import scoring_message
from spark_app.stages.sessions import account_baselines

STATIC_TABLES = ("tracks", "users")
"""Static tables without which no session can be scored."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How one run of the job differs from the settings."""

    model: ModelChoice = CHAMPION
    with_shadow: bool = True
    """Whether the challenger scores too, where there is one."""
    only: tuple[str, ...] = ()
    """Names of the queries to run; all where empty."""
    available_now: bool = False
    """Whether to stop once everything that is in the topics now is done."""
    max_messages: int = 3000
    """Messages of the fuller topic in a micro-batch, at most."""
    partitions: int | None = None
    """Shuffle partitions; None for the cores of this machine. A checkpoint keeps the number of its first run."""
    memory: str = "3g"
    master: str | None = None
    """Address of a Spark master; None for the settings'."""
    serve_ui: bool = False
    serve_metrics: bool = False
    is_patient: bool = False
    """Whether to wait for an absent broker as long as it takes, instead of ending after some seconds."""


def run_job(settings: Settings, options: RunOptions) -> None:
    """Score sessions from Kafka until a signal, or until the topics are drained; continue from the checkpoint.

    Raises StorageError, WorldError, BrokerError, JobError, ModelError or JvmError where something that the job needs is
    missing or does not fit, and JobError where a query fails.
    """
    session.run_in_utc()
    world = settings.the_world()
    if options.is_patient:
        preflight.wait_for_broker(settings.kafka())
    for table in STATIC_TABLES:  # before the lock, which makes the folder of a version
        world.static(table)
    # before all other checks: they note where a version is and what its checkpoints depend on
    with job_lock.hold(world):
        _run_alone(settings, options)


def _run_alone(settings: Settings, options: RunOptions) -> None:
    """Check what else the job needs, and run it, while no other job is at work on the version."""
    world, partitions = settings.the_world(), options.partitions or os.cpu_count() or 2
    storage = attach(world.unit.root, settings.storage)
    messages = check_inputs(world, settings.kafka(), partitions, settings.clock_ahead)
    for line in wrong_settings(settings.kafka()):
        print(line, file=sys.stderr, flush=True)
    scratch = use_scratch_folder()
    with open_artefacts(settings, options.model) as artefacts:
        moved = follow_move(world.unit)
        if moved:
            print(f"world {world.name} was moved since the last run: {moved} logs of Spark's have its new place now")
        runner.end_at_once_on_sigterm()
        spark = session.build_session(
            "playproof",
            master=options.master or session.submitted_master() or settings.spark_master,
            partitions=partitions,
            memory=options.memory,
            ui=options.serve_ui,
            settings_of_run=session.STREAMING,
            jvm_flags=settings.spark_jvm_flags or jvm.QUICK_FLAGS,
            scratch=scratch,
            storage=storage,
        )
        try:
            _run_queries(spark, settings, options, artefacts, messages)
        except JobError as error:
            raise with_place(error, storage) from error.__cause__
        finally:
            spark.stop()


def with_place(error: JobError, storage: Storage | None) -> JobError:
    """Return an error that names the bucket of tables and checkpoints: a cause may be no more than "Broken pipe"."""
    if storage is None or storage.address in str(error):
        return error
    return JobError(f"{error}; tables and checkpoints are in {storage.address}")


def check_inputs(world: World, kafka: KafkaConnection, partitions: int, clock_ahead: int) -> dict[str, int]:
    """Check checkpoints and topics before Spark starts; return the messages of each topic so far.

    Raises StateError, BrokerError or PreflightError.
    """
    consistency.check_unit(world.unit, partitions, clock_ahead)
    return preflight.check_topics(kafka, world.unit)


def _run_queries(
    spark: SparkSession, settings: Settings, options: RunOptions, artefacts: Artefacts, messages: dict[str, int]
) -> None:
    """Build and run the queries; note for the pages which models score. `messages` had each topic at the start."""
    stop = runner.StopRequest()
    world, unit, version = settings.the_world(), settings.the_world().unit, artefacts.champion.version
    metrics = JobMetrics(version, unit.root, unit.table("rejected"))
    if options.serve_metrics:
        metrics.serve(settings.metrics_port, settings.metrics_address)
    spark.streams.addListener(ProgressListener(unit, metrics))
    record_job(unit, version, time.time())
    challenger = None
    if options.with_shadow:
        challenger = shadow.find_challenger(artefacts.registry, artefacts.folder, unit)
    else:
        record_shadow(unit, "", "switched off with --no-shadow")
    limits = sources.balance(messages, options.max_messages)
    job = pipeline.build_job(settings, artefacts.champion, limits, challenger, shipped_alert_scorer())
    writers: dict[str, DataStreamWriter] = {}
    if not stop.is_set:
        scored = pipeline.scored_sessions(spark, job)
        print("every scored session, as query sessions writes it:")
        scored.run().printSchema()
        writers = _choose(pipeline.build_queries(spark, job, scored), options.only)
    if rule_hits.NAME in writers:
        rule_hits.send_record(world, settings.kafka())
    print(scoring_message(artefacts.champion))
    print(account_baselines.baseline_message(sources.baseline_dates(world)))
    print(f"scoring world {world.name} from {settings.broker} with {version}; Ctrl-C stops", flush=True)
    optional = {shadow.NAME: partial(shadow.remove, unit), rule_hits.NAME: partial(rule_hits.remove, unit)}
    with upkeep.running(settings, unit, unit.shadow(challenger.version).name if challenger else ""):
        if options.available_now:
            runner.run_in_turn(spark, writers, pipeline.REPORTS, stop, optional=optional)
            if not stop.is_set:
                check_all_read(unit, [name for name in preflight.READERS if name in writers], messages)
        else:
            runner.run(spark, writers, stop, available_now=False, optional=optional)


def _choose(writers: dict[str, DataStreamWriter], only: Collection[str]) -> dict[str, DataStreamWriter]:
    """Return the queries named in `only`, all where it is empty. Raises JobError for a name that no query has."""
    unknown = sorted({*only} - {*writers, shadow.NAME})
    if unknown:
        raise JobError(f"no query {', '.join(unknown)}: expected one of {', '.join({**writers, shadow.NAME: None})}")
    return {name: writer for name, writer in writers.items() if not only or name in only}
