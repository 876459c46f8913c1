"""`python -m models`: train, verify and evaluate the models."""

import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import orjson
import typer

from models.commands.registry import COMMANDS as REGISTRY_COMMANDS
from models.commands.registry import FROM_NEXT_START
from models.errors import ModelError
from models.labels.verdicts import decided_sessions
from models.registry.artefact import ARTIFACTS, CARD, SHIPPED_SCORER
from models.registry.role_changes import WritableRegistry
from models.registry.roles import FOLDER
from models.registry.verify import verify_artefact
from models.reports.evaluate import evaluate
from models.tables.plays import source_named
from runtime.jvm import JvmError
from runtime.settings import Settings
from runtime.world import World, WorldError

TABLE = Path("data/train/table")
ON_VERDICTS = "session_verdicts"
"""Name of the model that verdicts train."""


class Labels(StrEnum):
    """Names for --labels."""

    TRUTH = "truth"
    VERDICTS = "verdicts"


app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
for registry_command in REGISTRY_COMMANDS:
    app.command()(registry_command)


@app.command("evaluate")
def evaluate_command(
    world: Annotated[str, typer.Option(help="World whose sessions to compare with its truth.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say how good the flags of a world are: precision, recall, per family and per hard negative.

    Example:  python -m models evaluate --world demo
    """
    result = evaluate(_world(world))
    if json:
        typer.echo(orjson.dumps(result.as_dict(), option=orjson.OPT_INDENT_2).decode())
    else:
        typer.echo("\n".join(result.lines()))


@app.command("verify")
def verify_command(
    model: Annotated[
        Path, typer.Option(help="Artefact folder or zip; default: the model that ships.")
    ] = SHIPPED_SCORER,
    sha256: Annotated[str | None, typer.Option(help="SHA-256 of its manifest.json, or of the zip.")] = None,
) -> None:
    """Check a model's hashes, layout, classes and features, without loading it.

    Example:  python -m models verify
    """
    with TemporaryDirectory() as into:
        artefact = verify_artefact(model, Path(into), sha256)
    typer.echo(
        f"{artefact.version}: verified; review at {artefact.review_threshold:.4f}, "
        f"filter at {artefact.filter_threshold:.4f}"
    )


@app.command("train")
def train_command(
    table: Annotated[Path, typer.Option(help="With --labels truth: folder of the training table.")] = TABLE,
    out: Annotated[Path | None, typer.Option(help="Artefact folder to write; default by labels.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the split and of the trees.")] = 1,
    world: Annotated[str, typer.Option(help="What the card says of the data; default its world.")] = "",
    trees: Annotated[int, typer.Option(help="Number of trees.")] = 100,
    depth: Annotated[int, typer.Option(help="Depth of a tree.")] = 3,
    labels: Annotated[Labels, typer.Option(help="Where labels come from; the two are never mixed.")] = Labels.TRUTH,
    decided: Annotated[str, typer.Option(help="With --labels verdicts: the world that analysts decided in.")] = "",
    register: Annotated[bool, typer.Option("--register", help="Put it in the shadow, as the challenger.")] = False,
) -> None:
    """Train the session scorer and write zip, manifest and model card.

    Example:  python -m spark_app training-table --world train --out data/train/table && python -m models train
    """
    from models.training import train as training  # pyspark is heavy, and the other commands do without it

    registry = WritableRegistry(Settings().data.resolve() / FOLDER)
    if labels is Labels.VERDICTS:
        place = _world(decided)
        rows, source = decided_sessions(place)
        out, world = out or registry.root / ON_VERDICTS, world or f"world {place.name}"
    else:
        rows, source = training.read_table(table), training.FROM_TRUTH
        out, world = out or SHIPPED_SCORER, world or "world train"
    spark = training.local_session()
    try:
        size = training.Trees(n_estimators=trees, max_depth=depth)
        manifest_sha256 = training.train(spark, rows, out, seed=seed, world=world, trees=size, labels=source)
    finally:
        spark.stop()
    typer.echo((out / CARD).read_text())
    if register:
        entry = registry.register(out, manifest_sha256, datetime.now(UTC))
        typer.echo(f"{entry.version} scores in the shadow {FROM_NEXT_START}")
        return
    typer.echo(f"To try it in the shadow:  python -m models register {_shown(out)} --sha256 {manifest_sha256}")
    typer.echo(f'To ship it, put this line in models/registry/champions.py:\n    "{out.name}": "{manifest_sha256}",')


@app.command("train-days")
def train_days_command(
    world: Annotated[str, typer.Option(help="Simulated world, with its table user_days.")] = "train-days",
    out: Annotated[Path, typer.Option(help="Artefact folder to write.")] = ARTIFACTS / "user_day_xgb",
    seed: Annotated[int, typer.Option(help="Seed of the split and of the trees.")] = 1,
) -> None:
    """Train the trees of the user-day detector and write them with manifest and model card.

    Example:  make train-days
    """
    from models.labels.truth import label_user_days
    from models.reports.daily import read_user_days  # scikit-learn takes a second to import
    from models.user_days.training.train_trees import train_trees

    place = _world(world)
    labelled = label_user_days(read_user_days(place), place)
    manifest_sha256 = train_trees(labelled, out, seed=seed, world=f"world {world}")
    typer.echo((out / CARD).read_text())
    typer.echo(f'To ship it, put this line in models/registry/champions.py:\n    "{out.name}": "{manifest_sha256}",')


@app.command("daily")
def daily_command(
    world: Annotated[str, typer.Option(help="World to look at.")] = "",
    source: Annotated[str, typer.Option(help="Plays from lake, raw, or auto: the lake where it has any.")] = "auto",
    seed: Annotated[int, typer.Option(help="Seed of the forest and of the random draws.")] = 1,
) -> None:
    """Find suspected user-days, campaigns, tracks and accounts; write tables, a review list and a report.

    Example:  python -m spark_app user-days --world demo && python -m models daily --world demo
    """
    from models.reports.daily import run_daily  # scikit-learn and matplotlib take a second to import

    found = run_daily(_world(world), source_named(source), seed)
    typer.echo("\n".join(found.lines))
    typer.echo(f"report            {_shown(found.report)}; review list beside it (csv, parquet)")


@app.command("campaigns")
def campaigns_command(
    world: Annotated[str, typer.Option(help="World to look at.")] = "",
    source: Annotated[str, typer.Option(help="Plays from lake, raw, or auto: the lake where it has any.")] = "auto",
    seed: Annotated[int, typer.Option(help="Seed of the hash functions and of the chance graph.")] = 1,
) -> None:
    """Find groups of accounts that one operator seems to run; write table campaigns.

    Example:  python -m models campaigns --world demo --source raw
    """
    from models.reports.daily import campaign_lines, find_campaigns
    from models.tables.plays import read_listening

    the_world = _world(world)
    campaigns = find_campaigns(the_world, read_listening(the_world, source_named(source)), seed)
    typer.echo("\n".join(campaign_lines(campaigns, the_world)))


@app.command("lab")
def lab_command(
    world: Annotated[str, typer.Option(help="World to study.")] = "lab",
    other: Annotated[list[str] | None, typer.Option(help="A further world, of another seed or difficulty.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write; default data/lab.")] = None,
    page: Annotated[Path | None, typer.Option(help="A page whose tables to renew.")] = None,
    parts: Annotated[int, typer.Option(min=2, help="Parts the accounts are dealt into.")] = 2,
    draws: Annotated[int, typer.Option(min=2, help="Resamples behind an interval.")] = 200,
    seed: Annotated[int, typer.Option(help="Seed of splits, models and resamples.")] = 1,
) -> None:
    """Say which technique picks the bots out best, and whom it accuses wrongly. `make lab` makes what it needs.

    Example:  python -m models lab --world lab --other lab-hard --page docs/studies/lab.md
    """
    from models.lab.report.page import publish
    from models.lab.run import Size, run_worlds
    from models.lab.steps import steps

    folder, names = out or Settings().data / "lab", [world, *(other or [])]
    size = Size(parts=parts, draws=draws)
    with steps() as tell:
        said = run_worlds([_world(name) for name in names], folder, tell, seed=seed, size=size)
    if page is not None:
        publish(folder, page)
    winner = said["winner"]
    typer.echo(f"winner            {winner['technique']}: average precision {winner['seen']['ap']['value']:.3f} seen")
    typer.echo(f"results           {folder}/results.json, results.parquet, figures")


@app.command("netflix")
def netflix_command(
    world: Annotated[str, typer.Option(help="World whose account-days to use.")] = "lab",
    out: Annotated[Path | None, typer.Option(help="Folder to write; default data/lab/netflix.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of folds, models and draws.")] = 1,
    rows: Annotated[int, typer.Option(min=500, help="Most account-days for the supervised models.")] = 5000,
) -> None:
    """Run the framework of arXiv 2203.02124 on account-days: three tables, figures, and what models correct.

    Example:  python -m models netflix --world lab
    """
    from models.lab.netflix.run import run_study
    from models.lab.steps import steps
    from models.lab.table import lab_table

    place, folder = _world(world), out or Settings().data / "lab" / "netflix"
    with steps() as tell:
        tell(f"reading world {world}")
        run_study(lab_table(place, place.root / "table", seed), folder, tell, seed=seed, most_rows=rows)
    typer.echo(f"report            {folder}/report.md; results.json, results.parquet, figures")


@app.command("daily-study")
def daily_study_command(
    world: Annotated[str, typer.Option(help="World with truth to study: the longer the better, over 28 days.")] = "",
    seed: Annotated[int, typer.Option(help="Seed of the forest.")] = 1,
) -> None:
    """Compare rules, forest and hybrid on a world: what each explains, needs, catches and gets wrong.

    Example:  python -m models daily-study --world lab
    """
    from models.reports.daily import study_world

    typer.echo(study_world(_world(world), seed))


def _world(name: str) -> World:
    """Return a world of the data folder; without a name, that of the settings."""
    settings = Settings()
    return World(settings.data.resolve() / (name or settings.world))


def _shown(path: Path) -> Path:
    """Say a path as the user would: below the folder the command runs in where it lies there."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


@app.command("audit")
def audit_command(
    worlds: Annotated[list[Path], typer.Argument(help="Folders of imported worlds, as data/me.", metavar="FILE")],
    json: Annotated[bool, typer.Option("--json", help="Print JSON, all alarms included.")] = False,
    shown: Annotated[int, typer.Option(min=0, help="How many alarms to list.")] = 10,
) -> None:
    """Report false alarms on real listening: per person-day, by detector, with the rule or feature behind each.

    Example:  python -m spark_app audit-tables --world me && python -m models audit data/me
    """
    from models.reports import false_alarms  # scikit-learn takes a second to import

    audits = [false_alarms.audit(false_alarms.the_world(path)) for path in worlds]
    if json:
        typer.echo(orjson.dumps(false_alarms.as_dict(audits), option=orjson.OPT_INDENT_2).decode())
    else:
        typer.echo("\n\n".join("\n".join(false_alarms.lines(one, shown)) for one in audits))


def main() -> None:
    """Run a command; what the user can mend is one line on stderr and exit code 1."""
    try:
        app()
    except (ModelError, WorldError, JvmError) as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
