"""Commands that train and verify a model: train, verify, and the trees of the user-day detector."""

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from models.registry.artefact import ARTIFACTS, CARD, SHIPPED_SCORER
from runtime.command_line import Command, existing_world, seed_option, short_path
from runtime.resources import CHECKOUT
from runtime.settings import Settings

SHIPPED_USER_DAY_TREES = ARTIFACTS / "user_day_xgb"
SHIPPED_CATEGORIES = ARTIFACTS / "user_day_categories"
ON_VERDICTS = "session_verdicts"
"""Name of the model that verdicts train."""


class Labels(StrEnum):
    """Names for --labels."""

    TRUTH = "truth"
    VERDICTS = "verdicts"


def verify(
    model: Annotated[Path | None, typer.Option(help="Folder or zip; default the model that ships.")] = None,
    sha256: Annotated[str | None, typer.Option(help="SHA-256 of its manifest.json, or of the zip.")] = None,
) -> None:
    """Check a model's hashes, layout, classes and features, without loading it."""
    from tempfile import TemporaryDirectory

    from models.registry.verify import verify_artefact

    with TemporaryDirectory() as into:
        artefact = verify_artefact(model or SHIPPED_SCORER, Path(into), sha256)
    print(
        f"{artefact.version}: verified; review at {artefact.review_threshold:.4f}, "
        f"filter at {artefact.filter_threshold:.4f}"
    )


def train(
    table: Annotated[
        list[Path] | None,
        typer.Option(
            help="With --labels truth: folder of a training table, may be repeated; default data/train/table."
        ),
    ] = None,
    odd: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of a training table of scenario odd or narrow, to learn odd people from; repeat it."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Artefact folder to write; default by --labels.")] = None,
    seed: Annotated[int, seed_option("Seed of the split and of the trees.")] = 1,
    world: Annotated[str, typer.Option(help="What the card says of the data; default the worlds of the tables.")] = "",
    trees: Annotated[int, typer.Option(min=1, help="Number of trees.")] = 200,
    depth: Annotated[int, typer.Option(min=1, help="Depth of a tree.")] = 3,
    labels: Annotated[Labels, typer.Option(help="Where labels come from; the two are never mixed.")] = Labels.TRUTH,
    decided: Annotated[
        str | None, typer.Option(help="With --labels verdicts: the world that analysts decided in.")
    ] = None,
    register: Annotated[bool, typer.Option("--register", help="Put it in the shadow, as the challenger.")] = False,
) -> None:
    """Train the session scorer and write zip, manifest and model card."""
    from models.commands.registry import FROM_NEXT_START
    from models.errors import ModelError
    from models.labels.verdicts import read_decided_sessions
    from models.registry.role_changes import WritableRegistry
    from models.registry.roles import FOLDER
    from models.training import train as training
    from models.training.manifest import TreeSettings
    from models.training.table import describe_worlds, read_training_tables

    registry = WritableRegistry(Settings().data.resolve() / FOLDER)
    if labels is Labels.VERDICTS:
        if odd:
            raise ModelError("--odd needs --labels truth: verdicts and truth are never mixed")
        decided_world = existing_world(decided)
        rows, source = read_decided_sessions(decided_world)
        out, world = out or registry.root / ON_VERDICTS, world or f"world {decided_world.name}"
    else:
        tables = table or [Settings().data / "train" / "table"]
        rows, source = read_training_tables(tables), training.FROM_TRUTH
        out, world = out or _location_of(SHIPPED_SCORER), world or describe_worlds(tables)
    spark = training.start_local_spark()
    try:
        size = TreeSettings(n_estimators=trees, max_depth=depth)
        manifest_sha256 = training.train(
            spark, rows, out, seed=seed, world=world, trees=size, labels=source,
            odd=read_training_tables(odd) if odd else None,
        )  # fmt: skip
    finally:
        spark.stop()
    print((out / CARD).read_text())
    if register:
        entry = registry.register(out, manifest_sha256, datetime.now(UTC))
        print(f"{entry.version} scores in the shadow {FROM_NEXT_START}")
        return
    print(f"To try it in the shadow:  playproof model register {short_path(out)} --sha256 {manifest_sha256}")
    print(f'To ship it, put this line in models/registry/champions.py:\n    "{out.name}": "{manifest_sha256}",')


def train_days(
    world: Annotated[
        list[str] | None,
        typer.Option(help="Simulated world with its table user_days; repeat it. Default train-days, train-days-field."),
    ] = None,
    odd: Annotated[
        list[str] | None, typer.Option(help="Such a world of scenario odd, to learn odd people from; repeat it.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Artefact folder to write; default that of the shipped trees.")
    ] = None,
    seed: Annotated[int, seed_option("Seed of the split and of the trees.")] = 1,
) -> None:
    """Train the trees of the user-day detector and write them with manifest and model card."""
    import pandas as pd

    from models.labels.truth import label_user_days
    from models.reports.daily import read_user_days
    from models.user_days.training.train_trees import train_trees

    names, out = world or ["train-days", "train-days-field"], out or _location_of(SHIPPED_USER_DAY_TREES)

    def labelled(chosen: list[str]) -> pd.DataFrame:
        simulated = [existing_world(name) for name in chosen]
        return pd.concat([label_user_days(read_user_days(one), one) for one in simulated], ignore_index=True)

    described = f"world{'s' if len(names) > 1 else ''} {' and '.join(names)}"
    manifest_sha256 = train_trees(labelled(names), out, seed=seed, world=described, odd=labelled(odd) if odd else None)
    print((out / CARD).read_text())
    print(f'To ship it, put this line in models/registry/champions.py:\n    "{out.name}": "{manifest_sha256}",')


def train_day_categories(
    world: Annotated[
        list[str] | None, typer.Option(help="Simulated world with its table user_days; repeat it. Default categories.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Artefact folder to write; default that of the shipped one.")] = None,
    seed: Annotated[int, seed_option("Seed of the split and of the trees.")] = 1,
) -> None:
    """Train the model that names a suspected day's kind of abuse, and write it with manifest and card."""
    import pandas as pd

    from models.labels.truth import label_user_days
    from models.reports.daily import read_user_days
    from models.user_days.training.train_categories import train_categories

    names, out = world or ["categories"], out or _location_of(SHIPPED_CATEGORIES)
    simulated = [existing_world(name) for name in names]
    labelled = [label_user_days(read_user_days(one), one) for one in simulated]
    manifest_sha256 = train_categories(
        pd.concat(labelled, ignore_index=True), out, seed=seed, world=f"worlds {' and '.join(names)}"
    )
    print((out / CARD).read_text())
    print(f'To ship it, put this line in models/registry/champions.py:\n    "{out.name}": "{manifest_sha256}",')


def _location_of(artefact: Path) -> Path:
    """Return where a new version of a shipped artefact is written: over it in a checkout, else in the data folder."""
    return artefact if CHECKOUT else Settings().data / "trained" / artefact.name


TRAIN = Command(
    "train", train, "playproof model train --table data/train/table --out data/candidate --seed 2", needs_jvm=True
)
VERIFY = Command("verify", verify, "playproof model verify")
TRAIN_DAY_CATEGORIES = Command(
    "train-categories", train_day_categories, "playproof days train-categories --world categories --world field"
)
TRAIN_DAYS = Command("train", train_days, "playproof days train --world train-days --out data/user_day_xgb")
