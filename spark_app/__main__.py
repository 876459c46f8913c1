"""Commands of the Spark job: `python -m spark_app run`, `python -m spark_app training-table`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from runtime.errors import PlayproofError
from runtime.settings import Settings

app = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, help="The streaming job, and its stages in batch."
)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Say an expected error in one line on stderr and exit with 1."""
    try:
        yield
    except PlayproofError as error:
        print(f"spark_app: {error}", file=sys.stderr)
        raise typer.Exit(1) from None


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
        from spark_app.start import RunOptions, run_job

        options = RunOptions(
            model=model,
            with_shadow=in_shadow,
            only=tuple(only or ()),
            available_now=available_now,
            max_messages=max_messages,
            partitions=partitions,
            memory=memory,
            master=master,
            serve_ui=ui,
            serve_metrics=metrics,
        )
        run_job(Settings() if world is None else Settings(world=world), options)
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
        from spark_app import session
        from spark_app.batch.baselines import read_date
        from spark_app.batch.training_table import build

        first = None if since is None else read_date(since, "--since")
        settings = Settings() if world is None else Settings(world=world)
        session.run_in_utc()
        with session.batch_session("playproof-training-table", settings, memory) as spark:
            table = build(spark, settings.the_world(), out, first)
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
        from spark_app.session import batch_session

        chosen = days.source_of(source)
        settings = Settings() if world is None else Settings(world=world)
        with batch_session("playproof-user-days", settings, memory) as spark:
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
    with one_line_errors():
        from spark_app.batch import score_history as tables

        settings = Settings() if world is None else Settings(world=world)
        sessions, days = tables.score_world(settings, model, memory)
        print(f"world {settings.world}: {sessions:,} scored sessions, {days:,} user-days")
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
        from spark_app.session import batch_session

        chosen, day = source_of(source), tables.read_date(as_of)
        settings = Settings() if world is None else Settings(world=world)
        with batch_session("playproof-baselines", settings, memory) as spark:
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
