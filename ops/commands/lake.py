"""The commands `playproof lake …`: what the tables hold, now and earlier; their upkeep; plain folders of them."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runtime.command_line import Command, WorldName, settings_for, short_path

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runtime.lake.readers import Readers
    from runtime.world import Unit

At = Annotated[
    str, typer.Option(help='As it was at a time, as "2026-11-27 14:00", in the display zone; the default is now.')
]
TableNames = Annotated[list[str] | None, typer.Argument(help="Tables; all where none is named.")]
Remove = Annotated[bool, typer.Option("--remove", help="Remove them; without it, only say what would be removed.")]
TIME_FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d")


def show(world: WorldName = None, names: TableNames = None, at: At = "") -> None:
    """Show rows, files and bytes of the tables, now or at an earlier time, and the times that can be asked for."""
    from ops.lake.overview import overview_lines

    settings = settings_for(world)
    unit = settings.existing_world().unit
    for line in overview_lines(_tables(unit, names), unit, parse_time(at, settings.time_zone), settings.zone):
        print(line)


def compact(world: WorldName = None, names: TableNames = None) -> None:
    """Merge the files of each table into one per day, cut its log, and remove what nothing needs any more."""
    from runtime.lake.upkeep import keep_up

    unit = settings_for(world).existing_world().unit
    for table in _tables(unit, names):
        print(f"{_name(table, unit):<16}  {keep_up(table, _readers(table, unit), fully=True)}")


def vacuum(world: WorldName = None, names: TableNames = None, is_removed: Remove = False) -> None:
    """Remove the files that no kept version of a table has: what was merged, expired, or left by a crash."""
    import time

    from runtime.lake import upkeep

    unit = settings_for(world).existing_world().unit
    for table in _tables(unit, names):
        files = upkeep.vacuum(table, time.time(), _readers(table, unit), is_dry=not is_removed)
        print(f"{_name(table, unit):<16}  {len(files):,} files {_would_be(is_removed)}removed")
    _name_the_option(is_removed)


def expire(
    world: WorldName = None,
    names: TableNames = None,
    days: Annotated[
        int | None, typer.Option(min=1, help="Days that rows stay; default: those of PLAYPROOF_KEEP_DAYS.")
    ] = None,
    is_removed: Remove = False,
) -> None:
    """Remove rows that are older than their table keeps them, also from its earlier versions. Verdicts are kept."""
    from ops.errors import OpsError
    from runtime.lake.upkeep import TIME_COLUMN
    from runtime.lake.upkeep import expire as expire_rows

    settings = settings_for(world)
    unit = settings.existing_world().unit
    today = datetime.now(UTC).date()
    tables = [table for table in _tables(unit, names) if _contract(table, unit) in TIME_COLUMN]
    kept = {t: days if days is not None else settings.retention.get(_contract(t, unit)) for t in tables}
    if not any(kept.values()):
        raise OpsError("no table has a number of days: give  --days N , or set  PLAYPROOF_KEEP_DAYS=plays=90")
    for table, number in kept.items():
        if number is not None:
            until: date = today - timedelta(days=number)
            rows = expire_rows(table, _contract(table, unit), until, is_dry=not is_removed)
            print(f"{_name(table, unit):<16}  {rows:,} rows of before {until} {_would_be(is_removed)}removed")
    _name_the_option(is_removed)
    if is_removed:
        print("the files that had them go with  playproof lake vacuum --remove , 4 minutes from now or later")


def export(
    table: Annotated[str, typer.Argument(help="The table.")],
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder to write; it must not exist, or be empty.")],
    world: WorldName = None,
    at: At = "",
) -> None:
    """Copy a table to plain folders of parquet files, for a tool that reads no Delta tables."""
    from ops.errors import OpsError
    from runtime.lake import committed_files
    from runtime.lake.moments import files_at, version_at
    from runtime.lake.readings import reading
    from runtime.lake.upkeep import export as copy

    settings = settings_for(world)
    unit = settings.existing_world().unit
    (folder,) = _tables(unit, [table])
    when = parse_time(at, settings.time_zone)
    if out.exists() and any(out.iterdir()):
        raise OpsError(f"{out} is not empty: name a new folder with  --out")
    with reading(unit.root):
        files = committed_files(folder) if when is None else files_at(folder, version_at(folder, when))
        print(f"{copy(folder, files, out):,} files in {short_path(out)}")


def parse_time(text: str, time_zone: str) -> datetime | None:
    """Read a time of a zone; None for the empty text. Raises OpsError."""
    from zoneinfo import ZoneInfo

    from ops.errors import OpsError

    if not text:
        return None
    for form in TIME_FORMATS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=ZoneInfo(time_zone)).astimezone(UTC)
        except ValueError:
            continue
    raise OpsError(f'--at {text!r} is no time: write it as "2026-11-27 14:00" (zone {time_zone})')


def _tables(unit: "Unit", names: "Sequence[str] | None") -> list[Path]:
    from ops.errors import OpsError
    from runtime.lake.upkeep import tables

    there = {_name(table, unit): table for table in tables(unit.lake)}
    unknown = sorted({*(names or ())} - {*there})
    if unknown or not there:
        known = ", ".join(there) or "none: run  playproof up"
        what = f"table {', '.join(unknown)}" if unknown else "Delta table"
        raise OpsError(f"the lake of world {unit.root.parent.name} has no {what}: it has {known}")
    return [there[name] for name in names or there]


def _name(table: Path, unit: "Unit") -> str:
    return table.relative_to(unit.lake).as_posix()


def _contract(table: Path, unit: "Unit") -> str:
    return table.relative_to(unit.lake).parts[0]


def _readers(table: Path, unit: "Unit") -> "Readers | None":
    from runtime.lake.readers import readers
    from runtime.monitoring.progress import shadow_record

    version = shadow_record(unit).get("model_version", "")
    return readers(table, unit, unit.shadow(version).name if version else "")


def _would_be(is_removed: bool) -> str:
    return "" if is_removed else "would be "


def _name_the_option(is_removed: bool) -> None:
    if not is_removed:
        print("nothing was removed: add  --remove")


COMMANDS = (
    Command("show", show, "playproof lake show --world w"),
    Command("compact", compact, "playproof lake compact --world w"),
    Command("expire", expire, "playproof lake expire plays activity --days 90 --remove"),
    Command("vacuum", vacuum, "playproof lake vacuum --remove"),
    Command("export", export, "playproof lake export sessions --out sessions"),
)
