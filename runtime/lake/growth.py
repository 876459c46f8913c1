"""How fast the lake grows: its files, those of the last hour, and what a row takes."""

from dataclasses import dataclass
from pathlib import Path

from runtime.lake import size_of
from runtime.lake.upkeep import stored_files, tables

HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Growth:
    """The tables of a lake together."""

    files: int
    files_last_hour: int
    """Of data, the merged ones too."""
    bytes_per_row: float | None
    """Of a session; None without one."""


def growth(lake: Path, now: float) -> Growth:
    """Count the files of a lake. `now` in epoch seconds."""
    stored = {file: at for table in tables(lake) for file, at in stored_files(table).items()}
    last_hour = sum(file.suffix == ".parquet" and at > now - HOUR_S for file, at in stored.items())
    rows, size = size_of(lake / "sessions")
    return Growth(len(stored), last_hour, size / rows if rows else None)
