"""The command that holds the detectors against bots that they were not trained on: arena."""

from pathlib import Path
from typing import Annotated

import typer

from runtime.command_line import Command, log
from runtime.errors import PlayproofError
from runtime.settings import Settings


def arena(
    families: Annotated[
        Path | None, typer.Option(help="Folder of bot families of your own, a Python file each: they are tested on.")
    ] = None,
    left_out: Annotated[
        str | None, typer.Option(help="Built-in families to leave out, with commas; default each one in turn.")
    ] = None,
    users: Annotated[int, typer.Option(min=500, help="Accounts of the world.")] = 2000,
    days: Annotated[int, typer.Option(min=14, help="Days of the world.")] = 21,
    seed: Annotated[int, typer.Option(help="Seed of world, split and trees.")] = 1,
    difficulty: Annotated[float | None, typer.Option(help="0 blatant to 1 adaptive; default the scenario's.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of results.json; default data/arena.")] = None,
) -> None:
    """Train the detectors without some bot families, and test them on those: recall, by whom, how soon, false alarms.

    A family of your own is a file like producer/simulator/bots/every_17h.py; it is run as code.
    """
    from ops.arena.run import ArenaOptions, format_results, run_arena

    folder = out or Settings().data.resolve() / "arena"
    options = ArenaOptions(users=users, days=days, seed=seed, difficulty=difficulty)
    if families is not None and left_out is not None:
        raise PlayproofError("--families and --left-out: give one of them; families of your own are always left out")
    names = [name.strip() for name in (left_out or "").split(",") if name.strip()]
    results = run_arena(folder, options, families, names, log)
    print("\n".join(format_results(results)))
    print(f"{folder / 'results.json'}")


ARENA = Command("arena", arena, "playproof arena --families my_families --users 2000")
