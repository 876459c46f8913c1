"""The command that counts false alarms on honest listening: audit."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import orjson
import typer

from runtime.command_line import AsJson, Command, existing_world, log, short_path
from runtime.errors import PlayproofError

PICTURES = (".png", ".svg", ".pdf")
"""Kinds of picture, by the end of the file's name."""


def audit(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="Files, folders, or the zip of an export.", metavar="FILE")
    ] = None,
    worlds: Annotated[
        list[str] | None,
        typer.Option(
            "--world",
            help="Audit a world instead: an imported one, or the honest accounts of a simulated one. May be repeated.",
        ),
    ] = None,
    timezone: Annotated[
        str | None, typer.Option(help="The listener's time zone, as Europe/Berlin; without it no night is known.")
    ] = None,
    layout: Annotated[
        str | None,
        typer.Option(
            help="spotify-extended, spotify-basic, lastfm, listenbrainz, eventsim or csv; default: what is recognised."
        ),
    ] = None,
    user: Annotated[str | None, typer.Option(help="Account of the plays; default what the files name.")] = None,
    columns: Annotated[
        str | None, typer.Option("--map", help="Columns of a plain CSV, as event_time=when,title=song,artist=band.")
    ] = None,
    model: Annotated[Path | None, typer.Option(help="Folder of a session scorer; default the one that ships.")] = None,
    patterns: Annotated[
        bool,
        typer.Option("--patterns", help="Of a simulated world: as each kind of source that lacks fields, in a table."),
    ] = False,
    cohorts: Annotated[
        bool,
        typer.Option(
            "--cohorts",
            help="Of simulated worlds: by kind of honest listener, in a table. With --patterns: the kind with most "
            "alarms for each source.",
        ),
    ] = False,
    picture: Annotated[
        Path | None, typer.Option(help="Draw plays and alarms by day into this file: .png, .svg or .pdf.")
    ] = None,
    shown: Annotated[int | None, typer.Option(min=0, help="How many alarms to list; default all.")] = None,
    as_json: AsJson = False,
) -> None:
    """Count false alarms on your own listening: which of your days each detector would flag, and why.

    Nothing leaves this machine, and nothing is kept.
    """
    from models.reports.alarm_picture import write_picture
    from models.reports.format_false_alarms import format_lines, to_json
    from ops.audit.cohorts import audit_cohorts, format_cohorts
    from ops.audit.patterns import audit_patterns, format_patterns, format_worst_cohorts
    from ops.audit.run import audit_files, audit_world
    from producer.importers.layout import Options
    from producer.importers.plain_csv import parse_map

    if bool(paths) == bool(worlds):
        raise PlayproofError("audit needs files, or --world NAME: as  playproof audit my_spotify_data.zip")
    of_files = {"--timezone": timezone, "--layout": layout, "--user": user, "--map": columns}
    if worlds and (given := [name for name, value in of_files.items() if value is not None]):
        raise PlayproofError(f"{given[0]} is for files: a world has it since  playproof import")
    tables = {"--patterns": patterns, "--cohorts": cohorts}
    if not worlds and (given := [name for name, is_given in tables.items() if is_given]):
        raise PlayproofError(f"{given[0]} is for a simulated world: add  --world NAME  in place of the files")
    if picture is not None:
        _check_picture(picture, is_one=len(worlds or [""]) == 1 and not any(tables.values()))
    if worlds and patterns:
        if len(worlds) > 1:
            raise PlayproofError("--patterns is of one world: give one  --world NAME")
        results = audit_patterns(existing_world(worlds[0]), log, model, by_cohort=cohorts)
        lines = [*format_patterns(results), *(["", *format_worst_cohorts(results)] if cohorts else [])]
        print(_json([asdict(entry) for entry in results]) if as_json else "\n".join(lines))
        return
    if cohorts:
        parts = audit_cohorts([existing_world(world) for world in worlds or ()], model)
        by_cohort = {cohort: to_json(report) for cohort, report in parts.items()}
        print(_json(by_cohort) if as_json else "\n".join(format_cohorts(parts)))
        return
    if worlds:
        audits = [audit_world(existing_world(world), model) for world in worlds]
    else:
        options = Options(user, parse_map(columns) if columns else {})
        audits = [audit_files(paths or [], layout, options, timezone, model)]
    if picture is not None:
        write_picture(audits[0].report, picture)
        log(f"picture: {short_path(picture)}")
    if as_json:
        content = [to_json(audit.report) | {"seconds": round(audit.seconds, 2)} for audit in audits]
        print(_json(content))
        return
    for audit in audits:
        print("\n".join(format_lines(audit.report, shown)))
        print(f"({audit.seconds:.1f} s)")


def _check_picture(path: Path, is_one: bool) -> None:
    """Raise PlayproofError, before the work, where a picture cannot be written."""
    if not is_one:
        raise PlayproofError("--picture is of one audit: give files, or one --world, without --patterns and --cohorts")
    if path.suffix.lower() not in PICTURES:
        raise PlayproofError(f"--picture {path}: expected a file that ends in {', '.join(PICTURES)}")
    if not path.absolute().parent.is_dir():
        raise PlayproofError(f"--picture {path}: there is no folder {path.absolute().parent}")


def _json(content: object) -> str:
    return orjson.dumps(content, option=orjson.OPT_INDENT_2).decode()


AUDIT = Command("audit", audit, "playproof audit my_spotify_data.zip --timezone Europe/Berlin")
