"""The command `simulate`: make a world, with progress and a last line."""

import sys
from time import perf_counter

from rich.progress import Progress

from producer.simulator.build import Map, build
from producer.simulator.scenario import Scenario, ScenarioError
from runtime.world import World


def simulate(
    target: World, chosen: Scenario, *, workers: int = 1, shards: int | None = None, elsewhere: Map | None = None
) -> None:
    """Simulate listening and bots into a world's raw, static and truth tables, and say how much.

    The result does not depend on `workers` (processes), on `shards` (portions of the work), nor on whose `map` does
    it, when `elsewhere` gives one. Raises ScenarioError, also for a world of imported listening: it would be lost.
    """
    if target.import_report.exists():
        raise ScenarioError(f"world {target.name} has imported listening: choose another name with  --world")
    began = perf_counter()
    with Progress(transient=True, disable=not sys.stdout.isatty()) as bar:
        tasks: dict[str, int] = {}

        def report_step(step: str, done: int, of: int) -> None:
            task = tasks.setdefault(step, bar.add_task(step, total=of)) if step not in tasks else tasks[step]
            bar.update(task, completed=done)  # type: ignore[arg-type]

        built = build(chosen, target, workers, report_step, shards, elsewhere)
    took = perf_counter() - began
    rows = built.plays + built.activity
    print(
        f"world {target.name}: {chosen.users:,} accounts, {chosen.days} days of {chosen.name} (seed {chosen.seed}): "
        f"{built.plays:,} plays and {built.activity:,} activity rows in {took:.1f} s ({rows / took:,.0f} rows/s)"
    )
