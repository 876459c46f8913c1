"""The command that fits the fusion of all detectors."""

from pathlib import Path
from typing import Annotated

import typer

from runtime.command_line import Command, existing_world, log, seed_option
from runtime.resources import CHECKOUT
from runtime.settings import Settings

DEFAULT_WORLDS = ("fusion-field", "fusion-default")
ODD_WORLDS = ("fusion-odd-a", "fusion-odd-b", "fusion-odd-c")


def train_fusion(
    world: Annotated[
        list[str] | None,
        typer.Option(
            help="Simulated world; repeat it. Families are left out in the first. Default fusion-field, fusion-default."
        ),
    ] = None,
    odd: Annotated[
        list[str] | None,
        typer.Option(
            help="World of scenario odd: each kind of its people keeps to a bound; repeat it. Default fusion-odd-a, -b "
            "and -c where no --world is given."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Artefact folder to write; default that of the shipped one.")] = None,
    seed: Annotated[int, seed_option("Seed of folds, group finders and trees.")] = 1,
) -> None:
    """Fit the fusion of all detectors: groups of accounts, account-days, accounts; write manifest and model card."""
    from models.fusion.model import SHIPPED_FUSION, detector_versions
    from models.fusion.training.train import train_fusion as train_it
    from models.registry.artefact import CARD
    from ops.fusion.rescore import MASKS, read_fusion_world

    names = world or list(DEFAULT_WORLDS)
    odd = odd or ([] if world else list(ODD_WORLDS))
    out = out or (SHIPPED_FUSION if CHECKOUT else Settings().data / "trained" / SHIPPED_FUSION.name)
    (first, *others), odd_worlds = map(existing_world, names), [existing_world(name) for name in odd]
    read = [read_fusion_world(first, seed, log, leaves_out=True, masks=MASKS)]
    read += [read_fusion_world(other, seed, log) for other in others]
    people = [read_fusion_world(other, seed, log, masks=MASKS) for other in odd_worlds]
    described = f"worlds {' and '.join(names)}" + (f", odd people of {', '.join(odd)}" if odd else "")
    sha256 = train_it(read, out, seed=seed, world=described, fitted_with=detector_versions(), odd=people)
    print((out / CARD).read_text())
    print(f'To ship it, put this line in models/registry/champions.py:\n    "{out.name}": "{sha256}",')


TRAIN_FUSION = Command(
    "train-fusion", train_fusion, "playproof days train-fusion --world fusion-field --world fusion-default"
)
