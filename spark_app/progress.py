"""The one listener: writes down each micro-batch's progress and keeps a copy of its offsets for the audit."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from pyspark.sql.streaming.listener import (
    QueryIdleEvent,
    QueryProgressEvent,
    QueryStartedEvent,
    QueryTerminatedEvent,
    StreamingQueryListener,
)

from contracts.world import Unit

DEDUPLICATION = "dedupeWithinWatermark"
"""Spark's name of the operator at which late rows end."""


def late_rows(progress: dict[str, Any]) -> tuple[int, int]:
    """Return (late rows, rows that reached the de-duplication step) of a micro-batch."""
    for operator in progress.get("stateOperators", []):
        if operator["operatorName"] == DEDUPLICATION:
            late = operator["numRowsDroppedByWatermark"]
            again = operator.get("customMetrics", {}).get("numDroppedDuplicateRows", 0)
            return late, late + again + operator["numRowsUpdated"]
    return 0, 0


class ProgressListener(StreamingQueryListener):
    """Appends each progress to `<unit>/progress/<query>.jsonl`."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._folder = unit.root / "progress"
        self._folder.mkdir(parents=True, exist_ok=True)

    def onQueryStarted(self, event: QueryStartedEvent) -> None:
        """Nothing to write before the first batch."""

    def onQueryProgress(self, event: QueryProgressEvent) -> None:
        """Write the progress, keep the offsets, and warn where most of a batch is late."""
        text = event.progress.json
        progress = json.loads(text)
        with (self._folder / f"{progress['name']}.jsonl").open("a") as log:
            log.write(json.dumps(progress, separators=(",", ":")) + "\n")
        keep_offsets(self._unit, progress["name"])
        late, reached = late_rows(progress)
        if late * 2 > reached:
            print(
                f"{late:,} of {reached:,} rows of batch {progress['batchId']} are late: was the same world replayed "
                "again from its start? A second replay continues event time; --fresh begins a new version.",
                file=sys.stderr,
                flush=True,
            )

    def onQueryIdle(self, event: QueryIdleEvent) -> None:
        """Nothing happened."""

    def onQueryTerminated(self, event: QueryTerminatedEvent) -> None:
        """The main loop reports how a query ended."""


def keep_offsets(unit: Unit, query: str) -> None:
    """Copy offset files that are not kept yet: Spark forgets them after 100 batches."""
    kept = unit.offsets / query
    kept.mkdir(parents=True, exist_ok=True)
    for file in (unit.checkpoints / query / "offsets").glob("[0-9]*"):
        if not (kept / file.name).exists():
            _copy(file, kept / file.name)


def _copy(file: Path, to: Path) -> None:
    """Copy so that a reader never sees half a file."""
    partial = to.with_name(f".{to.name}.partial")
    shutil.copyfile(file, partial)
    partial.replace(to)
