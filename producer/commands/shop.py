"""Commands of the shop, the second domain: its data set, and its files into a world."""

from pathlib import Path
from typing import Annotated

import typer

from runtime.command_line import Command, WorldName, settings_for, short_path


def simulate(
    out: Annotated[Path, typer.Option(help="Folder to write the CSV files to.", file_okay=False)] = Path(
        "data/shop/source"
    ),
    customers: Annotated[int, typer.Option(min=1, help="Customers.")] = 5000,
    days: Annotated[int, typer.Option(min=1, help="Days.")] = 2,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 4,
) -> None:
    """Simulate an online shop with three families of fraud: five CSV files, and the truth in a file next to them."""
    from producer.simulator.shop.build import build_shop
    from producer.simulator.shop.scenario import ShopScenario

    rows = build_shop(ShopScenario(customers=customers, days=days, seed=seed), out)
    print(", ".join(f"{count:,} {name}" for name, count in rows.items()) + f" in {short_path(out.resolve())}")


def import_(
    browsing: Annotated[Path, typer.Option(help="What customers' clients did, as CSV.")],
    transactions: Annotated[Path, typer.Option(help="Checkouts, as CSV.")],
    customers: Annotated[Path, typer.Option(help="Customers, as CSV.")],
    products: Annotated[Path, typer.Option(help="Products, as CSV.")],
    categories: Annotated[Path, typer.Option(help="Categories of products, as CSV.")],
    world: WorldName = None,
) -> None:
    """Import the five CSV files of a shop into a new world: every field stays the text that it is."""
    from producer.importers.shop import import_shop

    files = {
        "browsing": browsing,
        "transactions": transactions,
        "customers": customers,
        "products": products,
        "categories": categories,
    }
    target = settings_for(world).the_world()
    taken = import_shop(files, target)
    print(f"world {target.name}: " + ", ".join(f"{count:,} {name}" for name, count in taken.rows.items()))
    for topic, count in taken.reordered.items():
        if count:
            print(f"{topic}: {count:,} rows came before an earlier one and were put in order of time")


SIMULATE = Command("simulate", simulate, "playproof shop simulate --out data/shop/source --customers 5000 --days 2")
IMPORT = Command(
    "import",
    import_,
    "playproof shop import --world shop --browsing browsing.csv --transactions transactions.csv "
    "--customers customers.csv --products products.csv --categories categories.csv",
)
COMMANDS = (SIMULATE, IMPORT)
