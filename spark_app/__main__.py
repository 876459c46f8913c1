"""Commands of the Spark job: `python -m spark_app run`, `python -m spark_app training-table`."""

import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from contracts.events import PLAYS
from models.errors import ModelError
from models.registry.roles import FOLDER, Registry
from models.registry.verify import verify
from runtime.jvm import JvmError
from runtime.progress import note_job, note_shadow
from runtime.settings import Settings
from runtime.world import WorldError
from spark_app.errors import JobError

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

app = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, help="The streaming job, and its stages in batch."
)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Say an expected error in one line on stderr and exit with 1."""
    try:
        yield
    except (JobError, JvmError, WorldError, ModelError) as error:
        print(f"spark_app: {error}", file=sys.stderr)
        raise typer.Exit(1) from None


@contextmanager
def _batch_session(name: str, settings: Settings, memory: str) -> "Iterator[SparkSession]":
    """Start Spark for a batch command, and stop it."""
    from spark_app import session

    spark = session.build_session(
        name,
        master=settings.spark_master,
        partitions=session.BATCH_PARTITIONS,
        memory=memory,
        with_kafka=False,
        settings_of_run=session.BATCH,
        jvm_flags=settings.spark_jvm_flags,
    )
    try:
        yield spark
    finally:
        spark.stop()


@app.command()
def run(
    world: Annotated[str | None, typer.Option(help="The world to work on; default PLAYPROOF_WORLD.")] = None,
    model: Annotated[Path | None, typer.Option(help="Folder of the artefact; default the champion.")] = None,
    in_shadow: Annotated[
        bool, typer.Option("--shadow/--no-shadow", help="Let the challenger score beside it, if there is one.")
    ] = True,
    only: Annotated[list[str] | None, typer.Option(help="Run only these queries (repeat the option).")] = None,
    available_now: Annotated[bool, typer.Option(help="Stop once everything now in the topics is done.")] = False,
    max_messages: Annotated[int, typer.Option(help="Most messages of the fuller topic in a micro-batch.")] = 3000,
    partitions: Annotated[
        int | None, typer.Option(help="Shuffle partitions; default: cores. Frozen at first run.")
    ] = None,
    memory: Annotated[str, typer.Option(help="Driver memory.")] = "3g",
    ui: Annotated[bool, typer.Option(help="Serve Spark's own pages on 127.0.0.1:4040.")] = False,
    master: Annotated[
        str | None, typer.Option(help="A cluster's address, spark://host:port; default PLAYPROOF_SPARK_MASTER.")
    ] = None,
    metrics: Annotated[bool, typer.Option(help="Serve Prometheus metrics on PLAYPROOF_METRICS_PORT.")] = False,
) -> None:
    """Score sessions from Kafka until Ctrl-C; continues from its checkpoint.

    Example: python -m spark_app run --world demo
    """
    with one_line_errors():
        settings = Settings() if world is None else Settings(world=world)
        from spark_app import guard, pipeline, preflight, runner, session, sources
        from spark_app.monitoring import progress
        from spark_app.monitoring.metrics import JobMetrics
        from spark_app.queries import shadow
        from spark_app.stages.sessions import account_baselines

        session.run_in_utc()
        place = settings.the_world()
        n_partitions = partitions or os.cpu_count() or 2
        kafka = sources.kafka_options(settings.broker, settings.security)
        for table in ("tracks", "users"):
            place.static(table)
        guard.check(place.unit, n_partitions)
        client = {key.removeprefix("kafka."): v for key, v in kafka.items() if key != "kafka.bootstrap.servers"}
        limits = sources.balanced(preflight.check_topics(settings.broker, client, place.unit), max_messages)
        with tempfile.TemporaryDirectory(prefix="playproof-model-") as unpacked:
            registry = Registry(settings.data.resolve() / FOLDER)
            artefact = verify(model, Path(unpacked)) if model else registry.champion(Path(unpacked))
            runner.end_at_once_on_sigterm()
            # it would announce every micro-batch that it scores
            logging.getLogger("XGBoost-PySpark").setLevel(logging.WARNING)
            spark = session.build_session(
                "playproof",
                master=master or settings.spark_master,
                partitions=n_partitions,
                memory=memory,
                ui=ui,
                settings_of_run=session.STREAMING,
                jvm_flags=settings.spark_jvm_flags,
            )
            stop = runner.StopRequest()
            try:
                told = JobMetrics(artefact.version, place.unit.table("rejected"))
                if metrics:
                    told.serve(settings.metrics_port)
                note_job(place.unit, artefact.version, time.time())
                spark.streams.addListener(progress.ProgressListener(place.unit, told))
                job = pipeline.Job(
                    place, kafka, artefact, settings.time_zone, limits, settings.hash_key.get_secret_value()
                )
                writers = {} if stop.is_set else pipeline.all_queries(spark, job)
                if not in_shadow:
                    note_shadow(place.unit, "", "switched off with --no-shadow")
                elif not stop.is_set:
                    writers |= shadow.writers(spark, place.unit, registry, Path(unpacked))
                chosen = {name: w for name, w in writers.items() if not only or name in only}
                print(account_baselines.told(sources.baseline_dates(place)))
                print(
                    f"scoring world {place.name} from {settings.broker} with {artefact.version}; Ctrl-C stops",
                    flush=True,
                )
                expendable = {shadow.NAME: partial(shadow.leave, place.unit)}
                runner.run(spark, chosen, stop, available_now=available_now, expendable=expendable)
            finally:
                spark.stop()
        print("stopped cleanly; the next run continues from here", flush=True)


@app.command()
def training_table(
    out: Annotated[Path, typer.Option(help="Folder to write part.parquet to.")],
    world: Annotated[str | None, typer.Option(help="The world to read; default PLAYPROOF_WORLD.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Only sessions from this UTC date on; the days before are their own history.")
    ] = None,
    memory: Annotated[str, typer.Option(help="Driver memory.")] = "6g",
) -> None:
    """Write the labelled sessions of a world with the live stages, in batch.

    Example: python -m spark_app training-table --world train --out data/train/table
    """
    with one_line_errors():
        settings = Settings() if world is None else Settings(world=world)
        from spark_app import session
        from spark_app.batch.baselines import read_date
        from spark_app.batch.training_table import build

        first = None if since is None else read_date(since, "--since")
        session.run_in_utc()
        spark = session.build_session(
            "playproof-training-table", partitions=session.BATCH_PARTITIONS, memory=memory, with_kafka=False
        )
        try:
            table = build(spark, settings.the_world(), out, first)
        finally:
            spark.stop()
        print(f"{len(table):,} sessions in {out}: {table['label'].value_counts(dropna=False).to_dict()}")


@app.command("user-days")
def user_days(
    world: Annotated[str | None, typer.Option(help="The world to read; default PLAYPROOF_WORLD.")] = None,
    source: Annotated[str, typer.Option(help="Rows of the job's lake, or raw ones that no job has seen.")] = "lake",
    out: Annotated[Path | None, typer.Option(help="Folder to write; default lake/user_days, or user_days.")] = None,
    memory: Annotated[str, typer.Option(help="Driver memory.")] = "3g",
) -> None:
    """Describe every account's local days with their features, in batch, by date.

    Example: python -m spark_app user-days --world demo
    """
    with one_line_errors():
        from spark_app.batch import user_days as days

        chosen = days.source_of(source)
        settings = Settings() if world is None else Settings(world=world)
        with _batch_session("playproof-user-days", settings, memory) as spark:
            folder = days.build(spark, settings.the_world(), chosen, out)
            print(f"{spark.read.parquet(str(folder)).count():,} user-days in {folder}")


@app.command("audit-tables")
def audit_tables(
    world: Annotated[str | None, typer.Option(help="The world to read; default PLAYPROOF_WORLD.")] = None,
    model: Annotated[Path | None, typer.Option(help="Folder of the artefact; default the champion.")] = None,
    memory: Annotated[str, typer.Option(help="Driver memory.")] = "3g",
) -> None:
    """Score the sessions of raw rows and describe their user-days, in batch: what the false-alarm audit reads.

    Example: python -m spark_app audit-tables --world me
    """
    with one_line_errors(), tempfile.TemporaryDirectory(prefix="playproof-model-") as unpacked:
        settings = Settings() if world is None else Settings(world=world)
        place = settings.the_world()
        place.raw_files(PLAYS)
        registry = Registry(settings.data.resolve() / FOLDER)
        artefact = verify(model, Path(unpacked)) if model else registry.champion(Path(unpacked))
        from spark_app.batch import score_history as tables

        logging.getLogger("XGBoost-PySpark").setLevel(logging.WARNING)
        with _batch_session("playproof-audit-tables", settings, memory) as spark:
            sessions, days = tables.build(spark, place, artefact)
        print(f"world {place.name}: {sessions:,} scored sessions, {days:,} user-days")
        print(f"next:  python -m models audit {settings.data / settings.world}")


@app.command()
def baselines(
    as_of: Annotated[str, typer.Option(help="The date they are for: they see the 28 days before it.")],
    world: Annotated[str | None, typer.Option(help="The world to read; default PLAYPROOF_WORLD.")] = None,
    source: Annotated[str, typer.Option(help="Rows of the job's lake, or raw ones that no job has seen.")] = "lake",
    memory: Annotated[str, typer.Option(help="Driver memory.")] = "3g",
) -> None:
    """Write what is usual for each account and which devices are shared, as static tables that the job joins.

    Example: python -m spark_app baselines --world demo --as-of 2025-03-04
    """
    with one_line_errors():
        from spark_app.batch import baselines as tables
        from spark_app.batch.user_days import source_of

        chosen, day = source_of(source), tables.read_date(as_of)
        settings = Settings() if world is None else Settings(world=world)
        with _batch_session("playproof-baselines", settings, memory) as spark:
            rows = tables.build(spark, settings.the_world(), chosen, day)
            print(f"as of {day}: " + ", ".join(f"{n:,} rows in static/{name}" for name, n in rows.items()))


@app.command("bench-one")
def bench_one(
    contender: Annotated[str, typer.Option(help="Which one; a wrong name lists them.")],
    out: Annotated[Path, typer.Option(help="File to write what it did to, as JSON.")],
    world: Annotated[str | None, typer.Option(help="The world to read; default PLAYPROOF_WORLD.")] = None,
    cores: Annotated[int | None, typer.Option(min=1, help="Cores and shuffle partitions; default all.")] = None,
    memory: Annotated[str, typer.Option(help="Driver memory.")] = "3g",
    max_messages: Annotated[int, typer.Option(min=1, help="Most messages of a topic in a micro-batch.")] = 3000,
) -> None:
    """Read both topics to their end as one contender of `make bench` does; that command runs all of them.

    Example: python -m spark_app bench-one --contender minimal_spark --world bench --out minimal.json
    """
    with one_line_errors():
        from spark_app.bench import command as the_contender

        settings = Settings() if world is None else Settings(world=world)
        the_contender.bench_one(settings, contender, out, cores, memory, max_messages)


if __name__ == "__main__":
    app()
