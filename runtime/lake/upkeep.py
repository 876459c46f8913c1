"""Upkeep of the lake: merge small files, remove old rows, and remove the files that no version needs.

Nothing here changes what a reader finds, but `expire`. A commit that merges adds no rows: readers of a stream of
commits skip it, and the numbers of micro-batches stay. So it may run next to the job, and a kill at any place leaves a
whole table, with files that the next run removes.
"""

import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from runtime.lake import LOG, batch_of, committed_files, is_table, listed_files, moments, refresh_log
from runtime.lake.merging import clock_of, level_of, merge, replace_files, write_merged
from runtime.lake.readers import Readers
from runtime.lake.readings import reading_since, version_of
from runtime.parquet import open_parquet
from runtime.storage import remove, storage_of

DUE_COMMITS, OVERDUE_COMMITS = 50, 200
"""Commits since the last upkeep of a table: after so many it is due, after so many it cannot wait."""
DUE_AFTER_S = 300.0
"""So long after its last upkeep a table is due that had any commit: the archive's are rare, and their files many."""
READERS_NEED_S = 4 * 60.0
"""How long a file stays that counts no more: a reader may have listed it."""
COMMIT_TAKES_S = 60.0
"""Files are dated just before the commit that replaces them: so much earlier than they stop to count, at most."""
WRITERS_NEED_S = 24 * 3600.0
"""How long a file stays that no commit has named yet: its micro-batch may still be running."""
TIME_COLUMN = {
    "plays": "event_time", "activity": "event_time", "sessions": "ended_at", "alerts": "looked_at", "rejected": "date",
    "shadow": "scored_at", "rule_hits": "scored_at", "fraud_counts": "window_end", "genuine_totals": "as_of",
    "top_tracks": "as_of",
}  # fmt: skip
"""By table of a stream: how old a row is."""


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What an upkeep of a table did."""

    merged: int = 0
    """Files that were merged into fewer."""
    removed: int = 0
    """Files of data that nothing needs any more."""
    log_files: int = 0
    """Files of the log that a checkpoint of the log replaces."""

    def __str__(self) -> str:
        return f"{self.merged:,} files merged, {self.removed:,} files and {self.log_files:,} of the log removed"


def tables(root: Path) -> list[Path]:
    """List the tables below the folder of a lake, those of challengers too."""
    storage = storage_of(root)
    if storage is not None:
        storage.folders(root)
        storage.folders(root / "shadow")
    return sorted(folder for folder in [*root.glob("*/"), *root.glob("shadow/*/")] if is_table(folder))


def new_commits(table: Path) -> int:
    """Return how many commits a table has had since its last upkeep."""
    refresh_log(table)
    last = moments.last_version(table)
    return sum(1 for file in (table / LOG).glob("*.json") if int(file.stem) > last)


def is_due(table: Path, now: float) -> bool:
    """Return whether a table has had many commits since its last upkeep, or some and that is long ago."""
    commits = new_commits(table)
    return commits > DUE_COMMITS or (commits > 0 and now - moments.upkeep_at(table) > DUE_AFTER_S)


def is_overdue(table: Path) -> bool:
    """Return whether the upkeep of a table cannot wait for a better time."""
    return new_commits(table) > OVERDUE_COMMITS


def keep_up(
    table: Path,
    readers: Readers | None = None,
    now: Callable[[], float] | float = time.time,
    *,
    fully: bool = False,
) -> Upkeep:
    """Merge small files, checkpoint the log, and remove what is not needed. `fully`: one file per folder.

    A version that is kept has one file per folder too, as it keeps its files for up to a month. `readers` tells how far
    the queries are that read the table's commits; None where there are none. `now`: in epoch seconds, a clock, or a
    number where it stands still.
    """
    clock = clock_of(now)
    began = clock()
    merged = merge(table, fully=fully or moments.is_due(table, began), now=clock)
    log_files = moments.checkpoint(table, None if readers is None else readers.consumed, clock)
    # as of the beginning: what was replaced since, a reader that was asked before it may still need
    return Upkeep(merged, len(vacuum(table, began, readers)), log_files)


def expire(table: Path, name: str, until: date, *, is_dry: bool = False) -> int:
    """Remove the rows of a table that are older than a day, also from what it was before, or count them only.

    The files themselves go with the next `vacuum`.
    """
    column = TIME_COLUMN[name]
    rows = 0
    for file in committed_files(table):
        content = open_parquet(file)
        first = content.schema_arrow.field(column).type
        limit = pa.scalar(until, first) if pa.types.is_date(first) else _midnight(until, first)
        times = pc.cast(content.read(columns=[column])[column], first)
        old = pc.sum(pc.less(times, limit)).as_py() or 0
        rows += old
        if old and not is_dry:
            moments.forget(table)  # before the rows go: after a kill, the next run would not find that any went
            kept = content.read()
            kept = kept.filter(pc.invert(pc.fill_null(pc.less(kept[column], limit), False)))
            parts = [write_merged(file.parent, [kept], batch_of(file), level_of(file))] if kept.num_rows else []
            replace_files(table, [file], parts, rows_go=True)
    if rows and not is_dry:
        moments.forget(table)  # what another program has noted meanwhile
    return rows


def vacuum(table: Path, now: float, readers: Readers | None = None, *, is_dry: bool = False) -> list[Path]:
    """Remove the files of a table that no kept version and no reader needs, or list them only; return them.

    Files that may be in use stay.
    """
    needed = {*listed_files(table), *moments.files(table), *(readers.unread if readers else ())}
    last = max(map(batch_of, needed), default=-1)
    # one that was replaced after a reading began is in its list
    read_since = reading_since(version_of(table))
    removed = []
    for file, written_at in sorted(stored_files(table, ".parquet").items()):
        if file in needed or any(part.startswith("_") for part in file.relative_to(table).parts):
            continue
        needed_s = READERS_NEED_S if batch_of(file) <= last else WRITERS_NEED_S
        if now - written_at > needed_s and written_at < read_since - COMMIT_TAKES_S:
            removed.append(file)
            if not is_dry:
                remove(file)
    return removed


def stored_files(table: Path, suffix: str = "") -> dict[Path, float]:
    """List the files below a table whose names end so: path -> when it was written, or replaced, in epoch seconds."""
    storage = storage_of(table)
    here = {}
    for file in table.rglob(f"*{suffix}"):
        with suppress(FileNotFoundError):  # another upkeep may be at work
            if file.is_file():
                here[file] = file.stat().st_mtime
    if storage is None:
        return here
    # a file is dated in the bucket when it is written, and here when it is replaced
    return {file: max(at, here.get(file, at)) for file, at in storage.written_at(table, suffix).items()}


def export(table: Path, files: Sequence[Path], out: Path) -> int:
    """Copy files of a table to a plain folder, with the folders of its partition; return how many."""
    for number, file in enumerate(files):
        target = out / file.relative_to(table).parent / f"part-{number:05d}.parquet"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    return len(files)


def _midnight(day: date, of: pa.DataType) -> pa.Scalar:
    at = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return pa.scalar(at if of.tz else at.replace(tzinfo=None), of)
