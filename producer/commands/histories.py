"""The command that brings in real listening histories: import."""

import time
from pathlib import Path
from typing import Annotated

import typer

from runtime.command_line import Command, WorldName, settings_for


def import_(
    paths: Annotated[list[Path], typer.Argument(help="Files, folders, or the zip of an export.", metavar="FILE")],
    world: WorldName = None,
    layout: Annotated[
        str | None,
        typer.Option(help="spotify-extended, spotify-basic, lastfm, eventsim or csv; default: what is recognised."),
    ] = None,
    user: Annotated[str | None, typer.Option(help="Account of the plays; default what the files name.")] = None,
    timezone: Annotated[
        str | None, typer.Option(help="The listener's time zone, as Europe/Berlin; without it no night is known.")
    ] = None,
    columns: Annotated[
        str | None, typer.Option("--map", help="Columns of a plain CSV, as event_time=when,title=song,artist=band.")
    ] = None,
) -> None:
    """Import real listening: Spotify exports, Last.fm scrobbles, eventsim logs, any CSV. Nothing unknown is filled in.

    A second import adds to the world; rows that it has already are counted as duplicates.
    """
    from producer.importers.layout import Options
    from producer.importers.plain_csv import parse_map
    from producer.importers.run import import_history, print_counts

    target = settings_for(world).the_world()
    options = Options(user, parse_map(columns) if columns else {})
    print_counts(import_history(paths, target, layout, options, timezone, now_ms=int(time.time() * 1000)), target)


IMPORT = Command("import", import_, "playproof import my_spotify_data.zip --world me --timezone Europe/Berlin")
