"""The one listener: writes each micro-batch's progress, and keeps a copy of its offsets for the reconciliation."""

import json
import sys
from dataclasses import dataclass
from typing import Any, cast

from pyspark import SparkContext
from pyspark.sql.streaming.listener import (
    JStreamingQueryListener,
    QueryIdleEvent,
    QueryProgressEvent,
    QueryStartedEvent,
    QueryTerminatedEvent,
    StreamingQueryListener,
)

from runtime.checkpoint import keep_offsets
from runtime.checkpoint.offset_packs import pack_offsets
from runtime.errors import CheckpointError, StorageError
from runtime.event_text import format_time
from runtime.monitoring import progress
from runtime.monitoring.drift import drift_record
from runtime.monitoring.progress import MicroBatch
from runtime.monitoring.totals import shorten
from runtime.units import SECOND_MS
from runtime.world import Unit
from spark_app.monitoring.metrics import JobMetrics


@dataclass(frozen=True, slots=True)
class JsonProgress:
    """A micro-batch's progress as Spark writes it."""

    json: str


@dataclass(frozen=True, slots=True)
class JsonEvent:
    """What `onQueryProgress` reads of an event."""

    progress: JsonProgress


class JsonEvents(JStreamingQueryListener):
    """Takes of Spark's events the JSON text of a progress, and nothing else.

    pyspark asks the JVM for each field of a progress, and reads the observed metrics through a search of all jars:
    together a fifth of the JVM's CPU in small micro-batches (docs/latency.md).
    """

    def onQueryStarted(self, jevent: Any) -> None:
        """Nothing to read."""

    def onQueryProgress(self, jevent: Any) -> None:
        """Hand on the text."""
        self.pylistener.onQueryProgress(cast(QueryProgressEvent, JsonEvent(JsonProgress(jevent.progress().json()))))

    def onQueryIdle(self, jevent: Any) -> None:
        """Nothing to read."""

    def onQueryTerminated(self, jevent: Any) -> None:
        """Nothing to read."""


class ProgressListener(StreamingQueryListener):
    """Appends each progress to `<unit>/progress/<query>.jsonl`, and keeps the metrics where there are some."""

    @property
    def _jlistener(self) -> Any:
        if not hasattr(self, "_jlistenerobj"):
            assert SparkContext._jvm is not None, "a listener is added to a session"
            self._jlistenerobj = SparkContext._jvm.PythonStreamingQueryListenerWrapper(JsonEvents(self))
        return self._jlistenerobj

    def __init__(self, unit: Unit, metrics: JobMetrics | None = None) -> None:
        self._unit, self._metrics = unit, metrics
        self._unit.progress.mkdir(parents=True, exist_ok=True)

    def onQueryStarted(self, event: QueryStartedEvent) -> None:
        """Nothing to write before the first batch."""

    def onQueryProgress(self, event: QueryProgressEvent) -> None:
        """Write the progress, keep the offsets, and warn where most of a batch is late."""
        report = json.loads(event.progress.json)
        batch = progress.read_micro_batch(report)
        file = self._unit.progress / f"{batch.query}.jsonl"
        with file.open("a") as log:
            log.write(json.dumps(report, separators=(",", ":")) + "\n")
        if batch.ends:
            self._keep_offsets(batch.query)
        if self._metrics is not None:
            self._metrics.observe(batch)
            self._metrics.observe_drift(drift_record(self._unit))
        if batch.late * 2 > batch.rows:
            print(late_message(batch), file=sys.stderr, flush=True)
        try:
            shorten(file)
        except OSError as error:  # a full disk: the next micro-batch tries again
            print(f"{file.name} of progress stays long: {error}", file=sys.stderr, flush=True)

    def _keep_offsets(self, query: str) -> None:
        """Keep what the reconciliation asks for: the offsets of queries that read topics."""
        try:
            keep_offsets(self._unit, query)
            pack_offsets(self._unit.offsets / query)
        except (CheckpointError, StorageError) as error:  # the next micro-batch keeps these too; Spark prints traces
            print(f"offsets of query {query} are kept later: {error}", file=sys.stderr, flush=True)

    def onQueryIdle(self, event: QueryIdleEvent) -> None:
        """Nothing happened."""

    def onQueryTerminated(self, event: QueryTerminatedEvent) -> None:
        """The main loop reports how a query ended."""


def late_message(batch: MicroBatch) -> str:
    """Say in one line why most rows of a micro-batch are late, as far as its times tell."""
    message = f"{batch.late:,} of {batch.rows:,} rows of batch {batch.batch_id} are late: "
    if batch.watermark_at is None or batch.newest_at is None or batch.newest_at > batch.watermark_at:
        return (
            message + "was the same world replayed again from its start? A second replay continues event time; --fresh "
            "begins a new version."
        )
    watermark, newest = (format_time(int(at * SECOND_MS))[:16] for at in (batch.watermark_at, batch.newest_at))
    return (
        message + f"the watermark is at {watermark}Z, the newest row at {newest}Z. An earlier row was ahead of all "
        "others (a producer's clock), or these rows were sent before. To read all rows again, without those that are "
        "ahead:  playproof up --reread  (docs/reference/reliability.md#clocks)"
    )
