"""Upkeep of the lake: merge small files, remove old rows, and remove the files that no version needs.

Nothing here changes what a reader finds, but `expire`. A commit that merges adds no rows: readers of a stream of
commits skip it, and the numbers of micro-batches stay. So it may run next to the job, and a kill at any place leaves a
whole table, with files that the next run removes.
"""

import os
import shutil
import time
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from runtime.lake import LOG, batch_of, committed_files, is_table, listed_files, moments, refresh_log
from runtime.lake.commits import DataFile, push, rewrite
from runtime.lake.readers import Readers
from runtime.parquet import open_parquet
from runtime.storage import remove, storage_of

MERGED = "merged"
SMALL_FILES = 24
"""Files of a folder and level that are merged into one of the next level: a row is written again once per level."""
MAX_MERGED_BYTES = 128 * 2**20
"""A file of this size is not merged again: to write it once more would gain nothing."""
DUE_COMMITS, OVERDUE_COMMITS = 50, 200
"""Commits since the last upkeep of a table: after so many it is due at a quiet time, after so many at any."""
READERS_NEED_S = 4 * 60.0
"""How long a file stays that counts no more: a reader may have listed it."""
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


def is_due(table: Path, is_quiet: bool) -> bool:
    """Return whether a table has had enough commits since its last upkeep."""
    refresh_log(table)
    last = moments.last_version(table)
    commits = sum(1 for file in (table / LOG).glob("*.json") if int(file.stem) > last)
    return commits > (DUE_COMMITS if is_quiet else OVERDUE_COMMITS)


def keep_up(table: Path, readers: Readers | None = None, now: float | None = None, *, fully: bool = False) -> Upkeep:
    """Merge small files, checkpoint the log, and remove what is not needed. `fully`: one file per folder.

    A version that is kept has one file per folder too, as it keeps its files for up to a month. `readers` tells how far
    the queries are that read the table's commits; None where there are none.
    """
    now = time.time() if now is None else now
    merged = merge(table, fully=fully or moments.is_due(table, now), now=now)
    log_files = moments.checkpoint(table, None if readers is None else readers.consumed, now)
    return Upkeep(merged, len(vacuum(table, now, readers)), log_files)


def merge(table: Path, *, fully: bool = False, now: float | None = None) -> int:
    """Merge files of a folder and level where there are many, or all of a folder; return how many were merged."""
    files = committed_files(table)
    newest = max(map(batch_of, files), default=-1)
    groups: dict[tuple[Path, int], list[Path]] = defaultdict(list)
    for file in files:
        # another table may not have the newest micro-batch yet
        if batch_of(file) < newest and file.stat().st_size < MAX_MERGED_BYTES:
            groups[file.parent, 0 if fully else level_of(file)].append(file)
    merged = 0
    for (folder, _), group in sorted(groups.items()):
        if len(group) >= (2 if fully else SMALL_FILES):
            _rewrite(table, group, _merge_into(folder, group), rows_go=False, now=now)
            merged += len(group)
    return merged


def level_of(file: Path) -> int:
    """Return how often the rows of a file were merged.

    >>> level_of(Path("part-000000007-a.parquet")), level_of(Path("merged-000000007-2-a.parquet"))
    (0, 2)
    """
    return int(file.name.split("-")[2]) if file.name.startswith(f"{MERGED}-") else 0


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
            kept = content.read()
            kept = kept.filter(pc.invert(pc.fill_null(pc.less(kept[column], limit), False)))
            parts = [_write(file.parent, [kept], batch_of(file), level_of(file))] if kept.num_rows else []
            _rewrite(table, [file], parts, rows_go=True)
    if rows and not is_dry:
        moments.forget(table)
    return rows


def vacuum(table: Path, now: float, readers: Readers | None = None, *, is_dry: bool = False) -> list[Path]:
    """Remove the files of a table that no kept version and no reader needs, or list them only; return them.

    Files that may be in use stay.
    """
    needed = {*listed_files(table), *moments.files(table), *(readers.unread if readers else ())}
    last = max(map(batch_of, needed), default=-1)
    removed = []
    for file, written_at in sorted(stored_files(table, ".parquet").items()):
        if file in needed or any(part.startswith("_") for part in file.relative_to(table).parts):
            continue
        if now - written_at > (READERS_NEED_S if batch_of(file) <= last else WRITERS_NEED_S):
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


def _merge_into(folder: Path, group: Sequence[Path]) -> list[Path]:
    parts = (open_parquet(file).read() for file in group)
    return [_write(folder, parts, max(map(batch_of, group)), max(map(level_of, group)) + 1, group)]


def _write(folder: Path, parts: Iterable[pa.Table], batch: int, level: int, group: Sequence[Path] = ()) -> Path:
    """Write tables as one file; a column that one lacks is null there."""
    target = folder / f"{MERGED}-{max(batch, 0):09d}-{level}-{uuid.uuid4().hex}.parquet"
    schema = pa.unify_schemas([pq.read_schema(file) for file in group]) if group else None
    writer: Any = None
    for part in parts:
        of_all = schema or part.schema
        if writer is None:
            writer = pq.ParquetWriter(target, of_all, store_schema=False)
        missing = {
            field.name: pa.nulls(part.num_rows, field.type) for field in of_all if field.name not in part.schema.names
        }
        columns = [missing[n] if n in missing else part[n] for n in of_all.names]
        writer.write_table(pa.table(columns, schema=of_all))
    writer.close()
    return target


def _rewrite(table: Path, old: Sequence[Path], new: Sequence[Path], *, rows_go: bool, now: float | None = None) -> None:
    """Replace files by others in one commit. The old ones are dated now: readers may need them for a while."""
    added = [
        push(table, DataFile(f.relative_to(table).as_posix(), open_parquet(f).metadata.num_rows, f.stat().st_size))
        for f in new
    ]
    rewrite(table, [f.relative_to(table).as_posix() for f in old], added, rows_go=rows_go)
    for file in old:
        os.utime(file, None if now is None else (now, now))
