"""What all micro-batches of a query were together: rows by fate, and how far it is behind."""

import threading
from dataclasses import dataclass, field
from pathlib import Path

from runtime.monitoring.progress import MicroBatch, read_line
from runtime.monitoring.watermark_lag import WatermarkLag
from runtime.world import Unit


@dataclass
class Totals:
    """Sums over the micro-batches of a query, since its version began."""

    rows: int = 0
    late: int = 0
    duplicate: int = 0
    watermark_lag: WatermarkLag = field(default_factory=WatermarkLag)
    read_bytes: int = 0
    """How much of the file of progress is in the sums."""

    def add(self, batch: MicroBatch) -> None:
        """Add a micro-batch."""
        self.rows += batch.rows
        self.late += batch.late
        self.duplicate += batch.duplicate
        self.watermark_lag.add(batch)


_totals: dict[tuple[Path, int], Totals] = {}
"""By file and inode: the file of a day is tens of megabytes long, so a second call reads what is new."""
_one_reader = threading.Lock()


def totals(unit: Unit, query: str) -> Totals:
    """Return the sums over all micro-batches of a version; a line that is not complete waits for the next call."""
    path = unit.progress / f"{query}.jsonl"
    if not path.exists():
        return Totals()
    with _one_reader, path.open("rb") as file:
        status = path.stat()
        sums = _totals.get((path, status.st_ino), Totals())
        if sums.read_bytes > status.st_size:
            sums = Totals()
        file.seek(sums.read_bytes)
        for line in file:
            batch = read_line(line)
            if batch is not None:
                sums.add(batch)
            sums.read_bytes += len(line) if line.endswith(b"\n") else 0
        _totals[path, status.st_ino] = sums
        return sums
