"""Spark's checkpoint files, read in one place: which micro-batch of a query read which offsets, under which watermark.

`offsets/<N>` is written before micro-batch N runs: a version line, a line of metadata with `batchWatermarkMs`, then a
line per source, `{"plays": {"0": 12, …}}`, with the offsets where the batch ends (`-` where there was nothing yet);
a source of files has `{"logOffset": 3}`, which is left out.
Spark forgets them after some micro-batches (`spark_app.session`); the job keeps copies (`keep_offsets`).
"""

import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson

from contracts.events import CLOCK_AHEAD_MINUTES
from runtime import storage
from runtime.arrays import Ints
from runtime.checkpoint.offset_packs import packed_files
from runtime.errors import CheckpointError, naming
from runtime.lake import last_number
from runtime.lake.sink_tables import SINK_LOG, numbered_files
from runtime.monitoring.records import read_record
from runtime.units import MINUTE_MS
from runtime.world import Unit

Partition = tuple[str, int]
"""Topic and number."""
FILES = "logOffset"
"""What the offset of a source of files has in place of a topic."""
LOG_BEGINS, NO_OFFSET = "v1", "-"
"""The first line of a file of the logs `offsets` and `commits`, as Spark 4.0 writes it; a source without an offset."""
STATE_FILE = "STATE.json"
"""What a job notes at its first start: what its checkpoints depend on."""
CLOCK_AHEAD = "clock_ahead_minutes"
METADATA = "metadata"
"""The file of a checkpoint with the query's id."""


@dataclass(frozen=True, slots=True)
class BatchOffsets:
    """One micro-batch: the watermark in force, and the offset where it ends, by partition."""

    watermark_ms: int
    ends: dict[Partition, int]


@dataclass(frozen=True, slots=True)
class OffsetLog:
    """Consecutive micro-batches of a query, normally 0 to n-1."""

    watermarks: Ints
    """In ms, by micro-batch."""
    ends: dict[Partition, Ints]
    """By partition: the offset where each micro-batch ends."""

    def __len__(self) -> int:
        return len(self.watermarks)

    @property
    def watermark_ms(self) -> int:
        """The watermark of the last micro-batch; 0 before the first."""
        return int(self.watermarks[-1]) if len(self) else 0

    def batch_of(self, topic: str, partition: int, offsets: Ints) -> Ints:
        """Return the micro-batch that read each offset; n for one that none has read."""
        ends = self.ends.get((topic, partition))
        return np.full(len(offsets), len(self)) if ends is None else np.searchsorted(ends, offsets, side="right")

    def end(self, topic: str, partition: int) -> int:
        """Return the first offset of a partition that no micro-batch has read."""
        ends = self.ends.get((topic, partition))
        return 0 if ends is None or not len(ends) else int(ends[-1])


def read_offsets(file: Path | zipfile.Path) -> BatchOffsets:
    """Read one file of the log `offsets`. Raises CheckpointError where it is unreadable."""
    with naming(f"offset file {file}", CheckpointError):
        _, metadata, *sources = file.read_text().splitlines()
        ends = {
            (topic, int(partition)): int(offset)
            for source in sources
            if source != NO_OFFSET
            for topic, partitions in orjson.loads(source).items()
            if topic != FILES
            for partition, offset in partitions.items()
        }
        return BatchOffsets(int(orjson.loads(metadata)["batchWatermarkMs"]), ends)


def watermark_after(unit: Unit, query: str, last: int) -> int:
    """Return the watermark after the rows of micro-batch `last`, in ms; 0 before the first.

    The log `commits` has it; before the micro-batch is in that, the watermark that it began with. Raises
    CheckpointError where the micro-batch's offsets are missing or unreadable.
    """
    before = read_offset_log(unit, query, last, first=max(last, 0)).watermark_ms
    try:
        _, commit = (unit.checkpoints / query / "commits" / str(last)).read_text().splitlines()
        return max(before, int(orjson.loads(commit)["nextBatchWatermarkMs"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return before


def clock_ahead_ms(unit: Unit, minutes: int = CLOCK_AHEAD_MINUTES) -> int:
    """Return how far clocks may be ahead of the broker's, as the unit's job noted it; `minutes` where none did."""
    storage.refresh(unit.checkpoints)
    noted = read_record(unit.checkpoints / STATE_FILE)
    return int(noted.get(CLOCK_AHEAD, minutes)) * MINUTE_MS


def planned_ends(unit: Unit, query: str) -> dict[Partition, int]:
    """Return the offsets where a query's newest micro-batch ends, done or not; empty before the first.

    Raises CheckpointError where its file is unreadable.
    """
    files = _log(unit, query, "offsets")
    return read_offsets(files[max(files)]).ends if files else {}


def last_committed(unit: Unit, query: str) -> int:
    """Return the last micro-batch whose output counts; -1 before the first.

    Where the query has a table, its log decides: a crash may come between that and the checkpoint's commit.
    """
    committed = _log(unit, query, "commits")
    written = numbered_files(unit.table(query) / SINK_LOG)
    return max([*committed, *written, last_number(unit.table(query), writer_of(unit, query))], default=-1)


def writer_of(unit: Unit, query: str) -> str:
    """Return the name under which a query writes tables: with the id of its checkpoint, where it has one.

    Raises CheckpointError where that is unreadable.
    """
    file = unit.checkpoints / query / METADATA
    if not file.exists():
        storage.refresh(file.parent)
    if not file.exists():
        return query
    with naming(file, CheckpointError):
        return f"{query}-{orjson.loads(file.read_bytes())['id']}"


def _log(unit: Unit, query: str, name: str) -> dict[int, Path]:
    """List the files of a log of a query's checkpoint by micro-batch, as it is now."""
    folder = unit.checkpoints / query / name
    storage.refresh(folder)
    return numbered_files(folder)


def read_offset_log(unit: Unit, query: str, last: int, first: int = 0) -> OffsetLog:
    """Read micro-batches `first` to `last` of a query, from the checkpoint or from copies.

    Raises CheckpointError where one is missing or unreadable.
    """
    files = offset_files(unit, query)
    missing = sorted(set(range(first, last + 1)) - set(files))
    if missing:
        raise CheckpointError(
            f"the offsets of micro-batch {missing[0]} of query {query} (and of {len(missing) - 1} more) are neither in "
            f"checkpoints/{query}/offsets nor in offsets/{query}: the reconciliation needs all since the version began"
        )
    batches = [read_offsets(files[n]) for n in range(first, last + 1)]
    partitions = {partition for batch in batches for partition in batch.ends}
    ends = {p: np.maximum.accumulate([batch.ends.get(p, 0) for batch in batches]) for p in partitions}
    return OffsetLog(np.array([batch.watermark_ms for batch in batches], np.int64), ends)


def offset_files(unit: Unit, query: str) -> dict[int, Path | zipfile.Path]:
    """Name the offset files of a query by micro-batch: the copies, those that are packed, and the checkpoint's.

    Where there is a copy, it is named: Spark may remove its own file before that is read. But a copy that says
    something else than the checkpoint's file is of a checkpoint before, and does not count.
    """
    own, copies = _log(unit, query, "offsets"), unit.offsets / query
    files: dict[int, Path | zipfile.Path] = {**numbered_files(copies)}
    files |= packed_files(copies)  # after the copies, which may be packed at this moment
    return files | {n: file for n, file in own.items() if n not in files or _says_other(file, files[n])}


def _says_other(file: Path, copy: Path | zipfile.Path) -> bool:
    """Return whether an offset file says something else than its copy; not of one that is cut, or was removed."""
    try:
        return read_offsets(file) != read_offsets(copy)
    except (FileNotFoundError, CheckpointError):
        return False


def keep_offsets(unit: Unit, query: str) -> None:
    """Copy the offset files that have no copy yet to `unit.offsets`."""
    copies = unit.offsets / query
    copies.mkdir(parents=True, exist_ok=True)
    for file in _log(unit, query, "offsets").values():
        if not (copies / file.name).exists():
            # under another name first: a reader never sees half a file
            partial = copies / f".{file.name}.partial"
            shutil.copyfile(file, partial)
            partial.replace(copies / file.name)


def unreadable_file(checkpoint: Path) -> tuple[Path, str] | None:
    """Return the first file of a query's checkpoint that Spark reads at its start and could not, and why."""
    for file, lines in _read_at_start(checkpoint):
        try:
            trouble = _trouble(file, lines)
        except ValueError as error:  # neither UTF-8 nor JSON
            trouble = str(error)
        if trouble:
            return file, trouble
    return None


def _read_at_start(checkpoint: Path) -> Iterator[tuple[Path, int]]:
    """Name what Spark reads at its start: each file, and the least number of JSON lines that it must have."""
    # of the offsets the last but one too: it says where the newest micro-batch began
    for log, newest, lines in (("offsets", 2, 2), ("commits", 1, 0)):
        files = numbered_files(checkpoint / log)
        yield from ((files[n], lines) for n in sorted(files)[-newest:])
    if (checkpoint / METADATA).exists():
        yield checkpoint / METADATA, 1


def _trouble(file: Path, lines: int) -> str:
    """Say what a file lacks; empty where it lacks nothing. Raises ValueError where a line is no JSON."""
    head, *rest = file.read_text().splitlines() or [""]
    if file.name == METADATA:
        return "" if "id" in orjson.loads(head) else "it has no id"
    if head != LOG_BEGINS:
        return f"it does not begin with {LOG_BEGINS}"
    for line in rest:
        if line != NO_OFFSET and not isinstance(orjson.loads(line), dict):
            return f"the line {line[:20]!r} is no JSON object"
    return "" if len(rest) >= lines else f"it ends after {len(rest)} of at least {lines} lines"
