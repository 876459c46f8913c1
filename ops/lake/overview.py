"""What `playproof lake show` prints: rows, files and bytes of each table, and since when its versions are kept."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from runtime.errors import LakeError
from runtime.lake import committed_files
from runtime.lake.moments import files_at, version_at, versions
from runtime.parquet import count_rows
from runtime.world import Unit

HEADINGS: tuple[str, ...] = ("table", "rows", "files", "MB", "bytes/row", "on disk", "last commit")
LEFT = (0, 6)
"""Columns of text; the others are of numbers."""
KILO = 1000


def overview_lines(tables: Sequence[Path], unit: Unit, at: datetime | None, zone: ZoneInfo) -> Iterator[str]:
    """Yield a line per table: as it is, or as it was at a time, where a version of then is kept."""
    rows: list[tuple[str, ...]] = [HEADINGS]
    missing: list[str] = []
    for table in tables:
        try:
            rows.append(_row(table, table.relative_to(unit.lake).as_posix(), at, zone))
        except LakeError as error:
            missing.append(str(error))
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADINGS))]
    for row in rows:
        cells = enumerate(zip(row, widths, strict=True))
        yield "  ".join(text.ljust(width) if i in LEFT else text.rjust(width) for i, (text, width) in cells)
    yield from missing
    if at is not None:
        yield f"as of {at.astimezone(zone):%Y-%m-%d %H:%M:%S %Z}: the newest version of each table that is not later"


def _row(table: Path, name: str, at: datetime | None, zone: ZoneInfo) -> tuple[str, ...]:
    moment = versions(table)[-1] if at is None else version_at(table, at)
    files = committed_files(table) if at is None else files_at(table, moment)
    rows, size = count_rows(files), sum(file.stat().st_size for file in files)
    on_disk = sum(1 for path in table.rglob("*") if path.is_file())
    return (
        name, f"{rows:,}", f"{len(files):,}", f"{size / KILO**2:,.1f}", f"{size / rows:,.0f}" if rows else "–",
        f"{on_disk:,}", f"{moment.at.astimezone(zone):%Y-%m-%d %H:%M:%S}",
    )  # fmt: skip
