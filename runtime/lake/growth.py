"""How fast the lake grows: its files, those of the last hour, and what a row takes."""

import os
from dataclasses import dataclass
from pathlib import Path

from runtime.lake import size_of
from runtime.lake.upkeep import tables

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
    times = [_written_at(Path(folder, name)) for t in tables(lake) for folder, _, names in os.walk(t) for name in names]
    rows, size = size_of(lake / "sessions")
    return Growth(len(times), sum(at > now - HOUR_S for at in times), size / rows if rows else None)


def _written_at(file: Path) -> float:
    """Return when a file of data was written; 0 for one of a log, or one that upkeep removes at this moment."""
    try:
        return file.stat().st_mtime if file.suffix == ".parquet" else 0.0
    except FileNotFoundError:
        return 0.0
