"""`python -m producer simulate`: make a world."""

import sys
from pathlib import Path
from time import perf_counter

import typer
from rich.progress import Progress

from contracts.settings import Settings
from contracts.world import World
from producer.simulator.build import build
from producer.simulator.scenario import load_scenario


def simulate(
    world: str = typer.Option("", help="Name of the world to make; default PLAYPROOF_WORLD."),
    scenario: str = typer.Option("default", help="A shipped scenario, or the path of a TOML file."),
    users: int | None = typer.Option(None, help="Accounts."),
    days: int | None = typer.Option(None, help="Days."),
    seed: int | None = typer.Option(None, help="The same seed gives the same bytes."),
    out: Path | None = typer.Option(None, help="Write here instead of data/<world>."),
    workers: int = typer.Option(1, min=1, help="Processes; the result does not depend on it."),
    shards: int | None = typer.Option(None, min=1, help="Portions of the work; the result does not depend on it."),
) -> None:
    """Simulate listening and bots into raw, static and truth tables.

    Example: python -m producer simulate --world w --scenario demo --users 2000 --days 1 --seed 7
    """
    settings = Settings()
    target = World(out) if out else World(settings.data.resolve() / (world or settings.world))
    chosen = load_scenario(scenario, users=users, days=days, seed=seed)
    began = perf_counter()
    with Progress(transient=True, disable=not sys.stdout.isatty()) as bar:
        tasks: dict[str, int] = {}

        def tell(step: str, done: int, of: int) -> None:
            task = tasks.setdefault(step, bar.add_task(step, total=of)) if step not in tasks else tasks[step]
            bar.update(task, completed=done)  # type: ignore[arg-type]

        built = build(chosen, target, workers, tell, shards)
    took = perf_counter() - began
    rows = built.plays + built.activity
    typer.echo(
        f"world {target.name}: {chosen.users:,} accounts, {chosen.days} days of {chosen.name} (seed {chosen.seed}): "
        f"{built.plays:,} plays and {built.activity:,} activity rows in {took:.1f} s ({rows / took:,.0f} rows/s)"
    )
