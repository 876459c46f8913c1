"""Commands of histories: import real ones, or the files of a shop; export simulated ones."""

import time
from pathlib import Path
from typing import Annotated

import typer

from producer.errors import HistoryError
from runtime.command_line import Command, WorldName, settings_for

SHOP_WORD = "shop"
"""In place of files: the five files of a shop follow as options."""


def import_(
    paths: Annotated[
        list[Path],
        typer.Argument(help="Files, folders, or the zip of an export; or the word shop.", metavar="FILE|shop"),
    ],
    world: WorldName = None,
    layout: Annotated[
        str | None,
        typer.Option(
            help="spotify-extended, spotify-basic, lastfm, listenbrainz, eventsim or csv; default: what is recognised."
        ),
    ] = None,
    user: Annotated[str | None, typer.Option(help="Account of the plays; default what the files name.")] = None,
    timezone: Annotated[
        str | None, typer.Option(help="The listener's time zone, as Europe/Berlin; without it no night is known.")
    ] = None,
    columns: Annotated[
        str | None, typer.Option("--map", help="Columns of a plain CSV, as event_time=when,title=song,artist=band.")
    ] = None,
    browsing: Annotated[Path | None, typer.Option(help="Of a shop: what customers' clients did, as CSV.")] = None,
    transactions: Annotated[Path | None, typer.Option(help="Of a shop: checkouts, as CSV.")] = None,
    customers: Annotated[Path | None, typer.Option(help="Of a shop: customers, as CSV.")] = None,
    products: Annotated[Path | None, typer.Option(help="Of a shop: products, as CSV.")] = None,
    categories: Annotated[Path | None, typer.Option(help="Of a shop: categories of products, as CSV.")] = None,
) -> None:
    """Import real listening: Spotify exports, Last.fm scrobbles, eventsim logs, any CSV. Nothing unknown is filled in.

    A second import adds to the world; rows that it has already are counted as duplicates. `import shop` takes the five
    CSV files of an online shop into a new world; every field stays the text that it is.
    """
    files = {
        "browsing": browsing, "transactions": transactions, "customers": customers, "products": products,
        "categories": categories,
    }  # fmt: skip
    is_shop = paths == [Path(SHOP_WORD)]
    if any(files.values()) and not is_shop:
        raise HistoryError("the files of a shop are imported with  playproof import shop --browsing FILE …")
    if is_shop and (any(files.values()) or not paths[0].exists()):
        from producer.commands.shop import import_shop_files

        import_shop_files(settings_for(world).the_world(), files)
        return
    from producer.importers.layout import Options
    from producer.importers.plain_csv import parse_map
    from producer.importers.run import import_history, print_counts

    target = settings_for(world).the_world()
    options = Options(user, parse_map(columns) if columns else {})
    print_counts(import_history(paths, target, layout, options, timezone, now_ms=int(time.time() * 1000)), target)


IMPORT = Command("import", import_, "playproof import my_spotify_data.zip --world me --timezone Europe/Berlin")


def export(
    folder: Annotated[Path, typer.Argument(help="Where the files go, one per account.", metavar="FOLDER")],
    world: WorldName = None,
    layout: Annotated[str, typer.Option(help="spotify-basic, spotify-extended or lastfm.")] = "spotify-basic",
    cohort: Annotated[str | None, typer.Option(help="Kind of honest listener, as all_hours; default any.")] = None,
    accounts: Annotated[int, typer.Option(min=1, help="How many accounts, the first ones.")] = 1,
) -> None:
    """Write the plays of simulated honest accounts as people get their own, to try  playproof audit  on."""
    from producer.simulator.output.personal_exports import export_accounts

    for path in export_accounts(settings_for(world).existing_world(), folder, layout, cohort, accounts):
        print(path)


EXPORT = Command("export", export, "playproof export exports --world main --layout spotify-basic --cohort all_hours")
