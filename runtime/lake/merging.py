"""Merge the small files of a table into fewer. No row changes, and a commit that merges adds none.

Files of a folder that still gets new ones are merged by level: many of one into one of the next, so that a row is
written again once per level. A folder that has had no new file for a while is closed, as a past day is: then its files
become one, or as few as MAX_MERGED_BYTES allows.
"""

import os
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from runtime.lake import batch_of, committed_files
from runtime.lake.commits import DataFile, push, rewrite
from runtime.parquet import open_parquet

MERGED = "merged"
SMALL_FILES = 24
"""Files of a folder and level that are merged into one of the next level."""
CLOSED_AFTER_S = 120.0
"""How long a closed folder has had no new file."""
MAX_MERGED_BYTES = 128 * 2**20
"""A file of this size is not merged again: to write it once more would gain nothing."""
MAX_RATIO = 8
"""A file this many times larger than all smaller ones of a closed folder together waits until there are more of them:
one late row does not write its day again."""


def clock_of(now: Callable[[], float] | float) -> Callable[[], float]:
    """Return a clock as it is; a number is one that stands still. Both in epoch seconds."""
    return partial(float, now) if isinstance(now, int | float) else now


def merge(table: Path, *, fully: bool = False, now: Callable[[], float] | float = time.time) -> int:
    """Merge files of a folder where there are many or it is closed, or all of a folder; return how many were merged."""
    clock = clock_of(now)
    files = committed_files(table)
    newest = max(map(batch_of, files), default=-1)
    folders: dict[Path, list[Path]] = defaultdict(list)
    for file in files:
        folders[file.parent].append(file)
    merged = 0
    for folder, held in sorted(folders.items()):
        is_closed = _is_closed(held, clock())
        # another table may not have the newest micro-batch yet
        sizes = {f: size for f in held if batch_of(f) < newest and (size := f.stat().st_size) < MAX_MERGED_BYTES}
        for group in _groups(sizes, is_closed, fully):
            replace_files(table, group, [_merge_into(folder, group)], rows_go=False, now=clock)
            merged += len(group)
    return merged


def level_of(file: Path) -> int:
    """Return how often the rows of a file were merged.

    >>> level_of(Path("part-000000007-a.parquet")), level_of(Path("merged-000000007-2-a.parquet"))
    (0, 2)
    """
    return int(file.name.split("-")[2]) if file.name.startswith(f"{MERGED}-") else 0


def similar(sizes: Sequence[int]) -> int:
    """Return how many of the smallest files are merged into one in a closed folder; `sizes` in growing order.

    >>> similar([10, 10, 90]), similar([10, 10, 900]), similar([10, 900]), similar([10])
    (3, 2, 0, 0)
    """
    count = total = 0
    for number, size in enumerate(sizes, 1):
        if total + size > MAX_MERGED_BYTES:
            break
        if total and size <= MAX_RATIO * total:
            count = number
        total += size
    return count


def write_merged(folder: Path, parts: Iterable[pa.Table], batch: int, level: int, group: Sequence[Path] = ()) -> Path:
    """Write tables as one file; a column that one lacks is null there. `group`: the files that they come from."""
    target = folder / f"{MERGED}-{max(batch, 0):09d}-{level}-{uuid.uuid4().hex}.parquet"
    schema = pa.unify_schemas([open_parquet(file).schema.to_arrow_schema() for file in group]) if group else None
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


def replace_files(
    table: Path, old: Sequence[Path], new: Sequence[Path], *, rows_go: bool, now: Callable[[], float] = time.time
) -> None:
    """Replace files by others in one commit. The old ones are dated now: readers may need them for a while.

    They are dated before the commit: after a kill between the two, or for an upkeep by another program at that moment,
    they would be as old as they are, and be removed at once.
    """
    added = [
        push(table, DataFile(f.relative_to(table).as_posix(), open_parquet(f).metadata.num_rows, f.stat().st_size))
        for f in new
    ]
    at = now()
    for file in old:
        os.utime(file, (at, at))
    rewrite(table, [f.relative_to(table).as_posix() for f in old], added, rows_go=rows_go)


def _is_closed(files: Sequence[Path], now: float) -> bool:
    """Return whether no micro-batch has added a file lately; what a merge wrote is not new."""
    written_at = [file.stat().st_mtime for file in files if level_of(file) == 0]
    return now - max(written_at, default=0.0) > CLOSED_AFTER_S


def _groups(sizes: Mapping[Path, int], is_closed: bool, fully: bool) -> Iterator[list[Path]]:
    """Yield the files of a folder that are merged into one each."""
    if fully:
        groups = [[*sizes]] if len(sizes) > 1 else []
    elif is_closed:
        by_size = sorted(sizes, key=lambda file: (sizes[file], file))
        groups = [by_size[: similar([sizes[file] for file in by_size])]]
    else:
        by_level: dict[int, list[Path]] = defaultdict(list)
        for file in sizes:
            by_level[level_of(file)].append(file)
        groups = [group for _, group in sorted(by_level.items()) if len(group) >= SMALL_FILES]
    yield from (sorted(group, key=lambda file: (batch_of(file), file)) for group in groups if group)


def _merge_into(folder: Path, group: Sequence[Path]) -> Path:
    # in one thread: the cores are the queries', and what it takes can be measured
    parts = (open_parquet(file).read(use_threads=False) for file in group)
    return write_merged(folder, parts, max(map(batch_of, group)), max(map(level_of, group)) + 1, group)
