"""Which micro-batch of a query read which offsets, and under which watermark: from Spark's checkpoint and its copies.

`offsets/<N>` is written before micro-batch N runs: a version line, a line of metadata with `batchWatermarkMs`, then a
line per source, `{"plays": {"0": 12, …}}`, with the offsets where the batch ends (`-` where there was nothing yet).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson

from runtime.arrays import Ints
from runtime.errors import CheckpointError
from runtime.world import Unit


@dataclass(frozen=True, slots=True)
class Progress:
    """Consecutive micro-batches of a query, normally 0 to n-1."""

    watermarks: Ints
    """In ms, by micro-batch."""
    ends: dict[tuple[str, int], Ints]
    """By topic and partition: the offset where each micro-batch ends."""

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


def last_committed(unit: Unit, query: str) -> int:
    """Return the last micro-batch whose output counts; -1 before the first.

    The sink's own log says it where there is one: a crash may come between it and the checkpoint's commit.
    """
    committed = _numbered(unit.checkpoints / query / "commits")
    written = _numbered(unit.table(query) / "_spark_metadata")
    return max([*committed, *written], default=-1)


def read_progress(unit: Unit, query: str, last: int, first: int = 0) -> Progress:
    """Read micro-batches `first` to `last` of a query. Raises CheckpointError where one is in no place."""
    files = _numbered(unit.checkpoints / query / "offsets") | _numbered(unit.offsets / query)
    missing = sorted(set(range(first, last + 1)) - set(files))
    if missing:
        raise CheckpointError(
            f"the offsets of micro-batch {missing[0]} of query {query} (and of {len(missing) - 1} more) are neither in "
            f"checkpoints/{query}/offsets nor in offsets/{query}: the audit needs every one since the version began"
        )
    read = [_read(files[n]) for n in range(first, last + 1)]
    places = {place for _, ends in read for place in ends}
    ends = {place: np.maximum.accumulate([e.get(place, 0) for _, e in read]) for place in places}
    return Progress(np.array([watermark for watermark, _ in read], np.int64), ends)


def _numbered(folder: Path) -> dict[int, Path]:
    """List the files of a folder that are named by a micro-batch."""
    named = ((path.name.removesuffix(".compact"), path) for path in folder.glob("[0-9]*"))
    return {int(name): path for name, path in named if name.isdigit()}


def _read(path: Path) -> tuple[int, dict[tuple[str, int], int]]:
    try:
        _, metadata, *sources = path.read_text().splitlines()
        ends = {
            (topic, int(partition)): int(offset)
            for source in sources
            if source != "-"
            for topic, partitions in orjson.loads(source).items()
            for partition, offset in partitions.items()
        }
        return int(orjson.loads(metadata)["batchWatermarkMs"]), ends
    except (ValueError, KeyError, AttributeError) as error:
        raise CheckpointError(f"offset file {path} is unreadable ({error}): restore it from a copy") from None
