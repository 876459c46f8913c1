"""The command that fits the fusion of all detectors."""

from pathlib import Path
from typing import Annotated

import typer

from runtime.command_line import MAX_SEED, Command, existing_world, log
from runtime.resources import CHECKOUT
from runtime.settings import Settings

DEFAULT_WORLDS, ODD_WORLD = ("fusion-field", "fusion-default"), "fusion-odd"


def train_fusion(
    world: Annotated[
        list[str] | None,
        typer.Option(
            help="Simulated world that `days run` has read; repeat it. Families are left out in the first. Default "
            "fusion-field, fusion-default."
        ),
    ] = None,
    odd: Annotated[
        str | None,
        typer.Option(
            help="Such a world of scenario odd: each kind of its people keeps to a bound. Default fusion-odd where no "
            "--world is given."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Artefact folder to write; default that of the shipped one.")] = None,
    seed: Annotated[int, typer.Option(min=0, max=MAX_SEED, help="Seed of folds, group finders and trees.")] = 1,
) -> None:
    """Fit the fusion of all detectors: groups of accounts, account-days, accounts; write manifest and model card."""
    from models.fusion.model import SHIPPED_FUSION, detector_versions
    from models.fusion.training.train import train_fusion as train_it
    from models.fusion.training.worlds import read_fusion_world
    from models.registry.artefact import CARD
    from ops.audit.patterns import read_pattern_world
    from ops.fusion.rescore import mask_world, rescore_world

    names = world or list(DEFAULT_WORLDS)
    out = out or (SHIPPED_FUSION if CHECKOUT else Settings().data / "trained" / SHIPPED_FUSION.name)
    worlds = [existing_world(name) for name in names]
    odd = odd or (None if world else ODD_WORLD)
    odd_world = existing_world(odd) if odd else None
    first, *others = worlds
    read = [read_fusion_world(first, seed, *rescore_world(first, seed, log))]
    read += [read_fusion_world(other, seed) for other in others]
    people = []
    if odd_world is not None:
        people = [read_fusion_world(odd_world, seed, (), mask_world(read_pattern_world(odd_world, log), log))]
    described = f"worlds {' and '.join(names)}" + (f", odd people of {odd}" if odd else "")
    sha256 = train_it(read, out, seed=seed, world=described, fitted_with=detector_versions(), odd=people)
    print((out / CARD).read_text())
    print(f'To ship it, put this line in models/registry/champions.py:\n    "{out.name}": "{sha256}",')


TRAIN_FUSION = Command(
    "train-fusion", train_fusion, "playproof days train-fusion --world fusion-field --world fusion-default"
)
