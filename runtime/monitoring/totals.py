"""What all micro-batches of a query were together: rows by fate, and how far it is behind. Their file stays short."""

import json
import os
import shutil
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runtime.monitoring.progress import KEPT_LINE, MicroBatch, kept_sums, read_line
from runtime.monitoring.watermark_lag import WatermarkLag
from runtime.world import Unit

MAX_BYTES, KEPT_BYTES = 64 * 1024**2, 16 * 1024**2
"""Of a file of progress: over the first, the lines before the last KEPT_BYTES become one line with their sums. Query
`sessions` writes 2.1 kB per micro-batch (docs/studies/soak.md): with one every second, two hours of them are kept."""


@dataclass
class Totals:
    """Sums over the micro-batches of a query, since its version began."""

    rows: int = 0
    late: int = 0
    duplicate: int = 0
    alerts: int = 0
    """Alerts that were raised, as the table counts them: those of a micro-batch once."""
    newest_batch: int = -1
    """The newest micro-batch in the sums."""
    first_event_at: float | None = None
    """The oldest `event_time` of the first micro-batch that had rows, epoch seconds."""
    watermark_lag: WatermarkLag = field(default_factory=WatermarkLag)
    read_bytes: int = 0
    """How much of the file of progress is in the sums."""

    def add(self, batch: MicroBatch) -> None:
        """Add a micro-batch."""
        self.rows += batch.rows
        self.late += batch.late
        self.duplicate += batch.duplicate
        # a job that goes on from a copy of its checkpoint does some again, and the table skips what it has
        if batch.batch_id > self.newest_batch:
            self.alerts += batch.alerts
            self.newest_batch = batch.batch_id
        if self.first_event_at is None:
            self.first_event_at = batch.oldest_at
        self.watermark_lag.add(batch)

    def add_line(self, line: bytes) -> None:
        """Add a line of a file of progress that is complete."""
        if not line.endswith(b"\n"):
            return
        self.read_bytes += len(line)
        kept, batch = kept_sums(line), read_line(line)
        if kept is not None:
            self._take_over(kept)
        elif batch is not None:
            self.add(batch)

    def _take_over(self, kept: dict[str, Any]) -> None:
        self.rows, self.late, self.duplicate = kept["rows"], kept["late"], kept["duplicate"]
        # an earlier Playproof kept no alerts
        self.alerts, self.newest_batch = kept.get("alerts", 0), kept.get("newest_batch", -1)
        self.first_event_at, self.watermark_lag = kept["first_event_at"], WatermarkLag(**kept["watermark_lag"])

    def kept_line(self) -> bytes:
        """Write the sums as the first line of the file."""
        sums = {
            "rows": self.rows,
            "late": self.late,
            "duplicate": self.duplicate,
            "alerts": self.alerts,
            "newest_batch": self.newest_batch,
            "first_event_at": self.first_event_at,
            "watermark_lag": self.watermark_lag.kept(),
        }
        return KEPT_LINE + json.dumps(sums).encode() + b"}\n"


_totals: dict[Path, tuple[bytes, Totals]] = {}
"""By file, with its first line: it is tens of megabytes long, so a second call reads what is new."""
_one_reader = threading.Lock()


def totals(unit: Unit, query: str) -> Totals:
    """Return the sums over all micro-batches of a version; a line that is not complete waits for the next call."""
    path = unit.progress / f"{query}.jsonl"
    if not path.exists():
        return Totals()
    with _one_reader, path.open("rb") as file:
        first_line = file.readline()
        before, sums = _totals.get(path, (b"", Totals()))
        # another first line: the file was shortened
        if first_line != before or sums.read_bytes > os.fstat(file.fileno()).st_size:
            sums = Totals()
        file.seek(sums.read_bytes)
        for line in file:
            sums.add_line(line)
        _totals[path] = first_line, sums
        return sums


def shorten(file: Path, max_bytes: int = MAX_BYTES, kept_bytes: int = KEPT_BYTES) -> None:
    """Where a file of progress is too long, replace its older lines by one with their sums. Only its writer may.

    Raises OSError where the shorter one cannot be written; the file is as it was then.
    """
    size = file.stat().st_size
    if size <= max_bytes:
        return
    sums, partial = Totals(), file.with_suffix(".partial")
    try:
        with file.open("rb") as lines:
            while sums.read_bytes + len(line := lines.readline()) <= size - kept_bytes and line.endswith(b"\n"):
                sums.add_line(line)
            lines.seek(sums.read_bytes)
            with partial.open("wb") as shorter:
                shorter.write(sums.kept_line())
                shutil.copyfileobj(lines, shorter)
        # a reader has the old file open or opens the new one: both have all sums
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
