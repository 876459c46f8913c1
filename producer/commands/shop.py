"""What `simulate --scenario shop` and `import shop` do: the files of a shop into a world of its own domain."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from contracts.domain import SHOP
from producer.errors import HistoryError
from producer.importers.shop import ShopImport, import_shop
from producer.simulator.shop.build import FILES, TRUTH_FILE, build_shop
from producer.simulator.shop.scenario import ShopError, ShopScenario
from runtime.command_line import short_path
from runtime.world import World

SOURCE = "source"
"""Folder of a simulated world with the files as a shop would export them."""
TRUTH_TABLE = "sessions.csv"


def simulate_shop(
    target: World, is_given: Mapping[str, bool], users: int | None, days: int | None, seed: int | None
) -> None:
    """Simulate a shop into a world: its five files in `source/`, the import of them, and truth apart from both.

    `is_given` holds the options of the command that a shop does not have. Raises ShopError where one is given, or
    where the world has rows of another domain.
    """
    if used := [name for name, value in is_given.items() if value]:
        raise ShopError(f"scenario {SHOP.scenario} has no --{used[0]}: leave it out")
    if any(target.root.glob("raw/*")) and target.domain != SHOP:
        raise ShopError(f"world {target.name} has rows of {target.domain.name}: choose another name with  --world")
    if any(target.root.glob("raw/*")) and not (target.root / SOURCE).exists():
        raise ShopError(f"world {target.name} has an imported shop: choose another name with  --world")
    chosen: dict[str, Any] = {
        name: value for name, value in (("customers", users), ("days", days), ("seed", seed)) if value is not None
    }
    scenario = ShopScenario(**chosen)
    for part in (SOURCE, "raw", "static", "truth"):
        shutil.rmtree(target.root / part, ignore_errors=True)
    source = target.root / SOURCE
    build_shop(scenario, source)
    target.truth(TRUTH_TABLE).parent.mkdir(parents=True)
    (source / TRUTH_FILE).rename(target.truth(TRUTH_TABLE))
    taken = import_shop({name: source / file for name, file in FILES.items()}, target)
    _print_taken(target, taken)
    print(f"the files: {short_path(source)}; truth by session: {short_path(target.truth(TRUTH_TABLE))}")


def import_shop_files(target: World, files: Mapping[str, Path | None]) -> None:
    """Import the files of a shop, by name, into a new world. Raises HistoryError, also where one is not given."""
    if missing := [f"--{name}" for name, path in files.items() if path is None]:
        raise HistoryError(f"import shop needs five files: add  {' FILE '.join(missing)} FILE")
    taken = import_shop({name: path for name, path in files.items() if path is not None}, target)
    _print_taken(target, taken)
    for topic, count in taken.reordered.items():
        if count:
            print(f"{topic}: {count:,} rows came before an earlier one and were put in order of time")


def _print_taken(world: World, taken: ShopImport) -> None:
    rows = ", ".join(f"{count:,} {name}" for name, count in taken.rows.items())
    print(f"world {world.name}, a shop: {rows}; next:  playproof replay --world {world.name}")
