"""Commands that hold the detectors against bots that they were not trained on, or that know them: arena, evade."""

from pathlib import Path
from typing import Annotated

import typer

from runtime.command_line import Command, log, seed_option
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
    seed: Annotated[int, seed_option("Seed of world, split and trees.")] = 1,
    difficulty: Annotated[float | None, typer.Option(help="0 blatant to 1 adaptive; default the scenario's.")] = None,
    timestamps: Annotated[
        bool, typer.Option("--timestamps", help="Windows only, of a log that says who played when and nothing else.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Folder of results.json; default data/arena.")] = None,
) -> None:
    """Train the detectors without some bot families, and test them on those: recall, by whom, how soon, false alarms.

    A family of your own is a file like producer/simulator/bots/every_17h.py; it is run as code.
    """
    from ops.arena.run import ArenaOptions, format_results, run_arena
    from ops.arena.timestamps import OUT, format_timestamps, run_timestamps

    folder = out or Settings().data.resolve() / "arena"
    options = ArenaOptions(users=users, days=days, seed=seed, difficulty=difficulty)
    if families is not None and left_out is not None:
        raise PlayproofError("--families and --left-out: give one of them; families of your own are always left out")
    names = [name.strip() for name in (left_out or "").split(",") if name.strip()]
    if timestamps:
        measured = run_timestamps(folder, options, families, names, log)
        print("\n".join(format_timestamps(measured)))
        print(f"{folder / OUT}")
        return
    results = run_arena(folder, options, families, names, log)
    print("\n".join(format_results(results)))
    print(f"{folder / 'results.json'}")


ARENA = Command("arena", arena, "playproof arena --families my_families --users 2000")


def evade(
    families: Annotated[
        str, typer.Option("--family", help="Bot families whose parameters are searched, with commas.")
    ] = "farm,loop30,low_slow,hidden_target,agent",
    budgets: Annotated[
        str, typer.Option(help="Paid target streams per account-day that must be delivered, with commas.")
    ] = "5,10,25,50,100,200",
    evaluations: Annotated[int, typer.Option(min=1, help="Tries for each family and budget.")] = 8,
    honest: Annotated[int, typer.Option(min=60, help="Honest accounts of a world.")] = 150,
    accounts: Annotated[int, typer.Option(min=1, help="Bot accounts of a world.")] = 12,
    fresh: Annotated[int, typer.Option(min=1, help="Worlds of other seeds on which the winners are tried.")] = 2,
    seed: Annotated[int, seed_option("Seed of worlds and search.")] = 101,
    out: Annotated[
        Path | None, typer.Option(help="Folder of evasion.json and evasion.png; default data/arena.")
    ] = None,
) -> None:
    """Search how a bot family escapes the shipped detectors, and what that costs it: the curve of evasion.

    For each budget it tries parameters, keeps those with the fewest accounts flagged, and runs them on other seeds.
    """
    from models.adversary.figure import draw_evasion
    from ops.adversary.format import format_evasion
    from ops.adversary.run import EvasionOptions, run_evasion

    folder = out or Settings().data.resolve() / "arena"
    names = [name.strip() for name in families.split(",") if name.strip()]
    options = EvasionOptions(
        honest=honest, accounts=accounts, seed=seed, evaluations=evaluations, fresh=fresh, budgets=_budgets(budgets)
    )
    results = run_evasion(folder, names, options, log)
    draw_evasion(results).savefig(folder / "evasion.png", dpi=150)
    print("\n".join(format_evasion(results)))
    print(f"{folder / 'evasion.json'}, evasion.png")


def _budgets(text: str) -> tuple[int, ...]:
    """Read budgets. Raises PlayproofError where one is no whole number over 0."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words or not all(word.isdigit() and int(word) > 0 for word in words):
        raise PlayproofError(f"--budgets: {text!r}: expected whole numbers over 0 with commas, like 5,10,25")
    return tuple(sorted({int(word) for word in words}))


EVADE = Command("evade", evade, "playproof evade --family farm,agent --budgets 10,50")
