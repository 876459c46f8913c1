"""`python -m models`: train, verify and evaluate the models."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import orjson
import typer

from contracts.jvm import JvmError
from contracts.settings import Settings
from contracts.world import World, WorldError
from models.errors import ModelError
from models.evaluate import evaluate
from models.registry import CARD, CHAMPION, verify

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)


@app.command("evaluate")
def evaluate_command(
    world: Annotated[str, typer.Option(help="World whose sessions to compare with its truth.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say how good the flags of a world are: precision, recall, per family and per hard negative.

    Example:  python -m models evaluate --world demo
    """
    settings = Settings()
    result = evaluate(World(settings.data.resolve() / (world or settings.world)))
    if json:
        typer.echo(orjson.dumps(result.as_dict(), option=orjson.OPT_INDENT_2).decode())
    else:
        typer.echo("\n".join(result.lines()))


@app.command("verify")
def verify_command(
    model: Annotated[Path, typer.Option(help="Artefact folder or zip; default: the model that ships.")] = CHAMPION,
    sha256: Annotated[str | None, typer.Option(help="SHA-256 of its manifest.json, or of the zip.")] = None,
) -> None:
    """Check a model's hashes, layout, classes and features, without loading it.

    Example:  python -m models verify
    """
    with TemporaryDirectory() as into:
        artefact = verify(model, Path(into), sha256)
    typer.echo(
        f"{artefact.version}: verified; review at {artefact.review_threshold:.4f}, "
        f"filter at {artefact.filter_threshold:.4f}"
    )


@app.command("train")
def train_command(
    table: Annotated[Path, typer.Option(help="Folder of the training table.")] = Path("data/train/table"),
    out: Annotated[Path, typer.Option(help="Artefact folder to write.")] = CHAMPION,
    seed: Annotated[int, typer.Option(help="Seed of the split and of the trees.")] = 1,
    world: Annotated[str, typer.Option(help="What the card says of the data: world and seed.")] = "world train",
    trees: Annotated[int, typer.Option(help="Number of trees.")] = 100,
    depth: Annotated[int, typer.Option(help="Depth of a tree.")] = 3,
) -> None:
    """Train the session scorer and write zip, manifest and model card.

    Example:  python -m spark_app training-table --world train --out data/train/table && python -m models train
    """
    from models import train as training  # pyspark is heavy, and the other commands do without it

    rows = training.read_table(table)
    spark = training.local_session()
    try:
        size = training.Trees(n_estimators=trees, max_depth=depth)
        manifest_sha256 = training.train(spark, rows, out, seed=seed, world=world, trees=size)
    finally:
        spark.stop()
    typer.echo((out / CARD).read_text())
    typer.echo(f'To ship it, put this line in models/champions.py:\n    "{out.name}": "{manifest_sha256}",')


def main() -> None:
    """Run a command; what the user can mend is one line on stderr and exit code 1."""
    try:
        app()
    except (ModelError, WorldError, JvmError) as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
