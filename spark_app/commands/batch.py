"""The commands that run the job's stages in batch: training table, user-days, account baselines, scored history."""

from pathlib import Path
from typing import Annotated

import typer

from runtime.command_line import Command, WorldName, seed_option, settings_for
from spark_app.commands.model_options import Model, Threshold, TrustedHash

Source = Annotated[str, typer.Option(help="Rows of the job's lake, or raw ones that no job has seen.")]
Memory = Annotated[str, typer.Option(help="Driver memory.")]


def training_table(
    out: Annotated[Path, typer.Option(help="Folder to write part.parquet to.")],
    world: WorldName = None,
    since: Annotated[
        str | None, typer.Option(help="Only sessions from this UTC date on; the days before are their own history.")
    ] = None,
    spark: Annotated[
        bool, typer.Option(help="On Spark, or in this process: the same numbers, for worlds that fit in memory.")
    ] = True,
    memory: Memory = "6g",
) -> None:
    """Write the labelled sessions of a world with the live stages, in batch."""
    from spark_app import session
    from spark_app.batch.baselines import read_date
    from spark_app.batch.training_table import build, build_in_process

    first = None if since is None else read_date(since, "--since")
    settings = settings_for(world)
    source_world = settings.existing_world()
    session.run_in_utc()
    if spark:
        with session.batch_session("playproof-training-table", settings, memory) as spark_session:
            table = build(spark_session, source_world, out, first)
    else:
        table = build_in_process(source_world, out, first)
    print(f"{len(table):,} sessions in {out}: {table['label'].value_counts(dropna=False).to_dict()}")


def user_days(
    world: WorldName = None,
    source: Source = "lake",
    out: Annotated[Path | None, typer.Option(help="Folder to write; default lake/user_days, or user_days.")] = None,
    spark: Annotated[
        bool,
        typer.Option(help="On Spark, or raw rows in this process: the same numbers, for worlds that fit in memory."),
    ] = True,
    memory: Memory = "3g",
) -> None:
    """Compute the features of every account's local days, in batch: a table of the lake, or a folder by date."""
    from runtime.storage import attach
    from spark_app.batch import user_days as days
    from spark_app.batch.lake_rows import TABLE
    from spark_app.batch.raw_evidence import build_user_days
    from spark_app.errors import JobError
    from spark_app.session import batch_session

    chosen = days.source_of(source)
    if not spark and chosen != "raw":
        raise JobError("--no-spark reads raw rows only: add  --source raw")
    settings = settings_for(world)
    source_world = settings.existing_world()
    if not spark:
        folder = out or days.folder_of(source_world, chosen)
        print(f"{build_user_days(source_world, folder):,} user-days in {folder}")
        return
    if chosen == "lake" and out is None:
        attach(source_world.unit.root, settings.storage)
        with batch_session("playproof-user-days", settings, memory) as spark_session:
            print(f"{days.build_in_lake(spark_session, source_world):,} user-days in lake/{TABLE}")
        return
    with batch_session("playproof-user-days", settings, memory) as spark_session:
        folder = days.build(spark_session, source_world, chosen, out)
        print(f"{spark_session.read.parquet(str(folder)).count():,} user-days in {folder}")


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


def account_windows(
    world: WorldName = None,
    shown: Annotated[int, typer.Option(min=0, help="How many accounts to list.")] = 20,
) -> None:
    """Score every account over 7 and 28 days of raw rows: what adds up, and what other accounts do too. No Spark.

    Each date is read once: what its days add up to is kept next to the world.
    """
    from models.account_windows.trees import load_window_trees
    from spark_app.batch.account_summaries import one_run
    from spark_app.batch.account_windows import build, format_accounts, format_summaries

    of = settings_for(world).existing_world()
    with one_run(of):
        table, summaries = build(of, load_window_trees())
    print(format_summaries(summaries))
    print("\n".join(format_accounts(table, shown)))


def train_windows(
    world: Annotated[str, typer.Option(help="Simulated world, whose accounts the session scorer never saw.")],
    out: Annotated[Path, typer.Option(help="Artefact folder to write.")],
    odd: Annotated[str | None, typer.Option(help="Such a world of scenario odd, to learn odd people from.")] = None,
    seed: Annotated[int, seed_option("Seed of the split and of the trees.")] = 1,
) -> None:
    """Train the trees of the account windows, and write them with manifest and model card."""
    import pandas as pd

    from models.account_windows.train import train_windows as train
    from models.labels.truth import label_user_days, read_account_truth
    from models.labels.windows import label_windows
    from spark_app.batch.account_windows import build_windows
    from spark_app.local.rows import read_world_rows
    from spark_app.local.user_days import user_days as compute_user_days

    def labelled(name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
        simulated = settings_for(name).existing_world()
        rows, accounts = read_world_rows(simulated), read_account_truth(simulated)
        days = label_user_days(compute_user_days(rows)[0], simulated)
        return label_windows(build_windows(rows), days, accounts), accounts

    manifest_sha256 = train(
        *labelled(world), out, seed=seed, world=f"world {world}", odd=labelled(odd) if odd else None
    )
    print((out / "MODEL_CARD.md").read_text())
    print(f'To ship it, put this line in models/registry/champions.py:\n    "{out.name}": "{manifest_sha256}",')


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
WINDOWS = Command("windows", account_windows, "playproof days windows --world demo --shown 5")
TRAIN_WINDOWS = Command(
    "train-windows", train_windows, "playproof days train-windows --world train-windows --out data/candidate"
)
