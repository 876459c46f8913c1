"""The commands that run the job's stages in batch: training table, user-days, account baselines, scored history."""

from pathlib import Path
from typing import Annotated

import typer

from runtime.command_line import Command, WorldName, settings_for
from spark_app.commands.model_options import Model, Threshold, TrustedHash

Source = Annotated[str, typer.Option(help="Rows of the job's lake, or raw ones that no job has seen.")]
Memory = Annotated[str, typer.Option(help="Driver memory.")]


def training_table(
    out: Annotated[Path, typer.Option(help="Folder to write part.parquet to.")],
    world: WorldName = None,
    since: Annotated[
        str | None, typer.Option(help="Only sessions from this UTC date on; the days before are their own history.")
    ] = None,
    memory: Memory = "6g",
) -> None:
    """Write the labelled sessions of a world with the live stages, in batch."""
    from spark_app import session
    from spark_app.batch.baselines import read_date
    from spark_app.batch.training_table import build

    first = None if since is None else read_date(since, "--since")
    settings = settings_for(world)
    source_world = settings.existing_world()
    session.run_in_utc()
    with session.batch_session("playproof-training-table", settings, memory) as spark:
        table = build(spark, source_world, out, first)
    print(f"{len(table):,} sessions in {out}: {table['label'].value_counts(dropna=False).to_dict()}")


def user_days(
    world: WorldName = None,
    source: Source = "lake",
    out: Annotated[Path | None, typer.Option(help="Folder to write; default lake/user_days, or user_days.")] = None,
    memory: Memory = "3g",
) -> None:
    """Compute the features of every account's local days, in batch, by date."""
    from spark_app.batch import user_days as days
    from spark_app.session import batch_session

    chosen = days.source_of(source)
    settings = settings_for(world)
    source_world = settings.existing_world()
    with batch_session("playproof-user-days", settings, memory) as spark:
        folder = days.build(spark, source_world, chosen, out)
        print(f"{spark.read.parquet(str(folder)).count():,} user-days in {folder}")


def score_history(
    world: WorldName = None,
    model: Model = None,
    sha256: TrustedHash = None,
    threshold: Threshold = None,
    memory: Memory = "3g",
) -> None:
    """Score the sessions of raw rows and compute their user-days, in batch, on Spark."""
    from spark_app.artefacts import ModelChoice
    from spark_app.batch import score_history as tables

    settings = settings_for(world)
    source_world = settings.existing_world()
    sessions, days = tables.score_world(settings, ModelChoice(model, sha256, threshold), memory)
    print(f"world {source_world.name}: {sessions:,} scored sessions, {days:,} user-days")
    print(f"next:  playproof audit --world {source_world.name}")


def baselines(
    as_of: Annotated[str, typer.Option(help="The date they are for: they are of the 28 days before it.")],
    world: WorldName = None,
    source: Source = "lake",
    memory: Memory = "3g",
) -> None:
    """Write what is usual for each account and which devices are shared, as static tables that the job joins."""
    from spark_app.batch import baselines as tables
    from spark_app.batch.user_days import source_of
    from spark_app.session import batch_session

    chosen, day = source_of(source), tables.read_date(as_of)
    settings = settings_for(world)
    source_world = settings.existing_world()
    with batch_session("playproof-baselines", settings, memory) as spark:
        rows = tables.build(spark, source_world, chosen, day)
        print(f"as of {day}: " + ", ".join(f"{n:,} rows in static/{name}" for name, n in rows.items()))


TRAINING_TABLE = Command(
    "training-table",
    training_table,
    "playproof model training-table --world train --out data/train/table",
    needs_jvm=True,
)
USER_DAYS = Command("build", user_days, "playproof days build --world demo", needs_jvm=True)
SCORE_HISTORY = Command("score-history", score_history, "playproof job score-history --world me", needs_jvm=True)
BASELINES = Command("baselines", baselines, "playproof job baselines --world demo --as-of 2025-03-04", needs_jvm=True)
