"""What the job writes about itself: `<unit>/progress/<query>.jsonl`, one line per micro-batch, as Spark reports it.

The job's metrics, `playproof status` and the dashboard read a micro-batch with the same function, so they agree.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from runtime.monitoring.records import read_record, write_record
from runtime.units import SECOND_MS
from runtime.world import Unit

DEDUPLICATION = "dedupeWithinWatermark"
"""Spark's name of the operator that drops late and duplicate rows, in the job of a shop."""
SESSION_STEP = "session_step"
"""Name of what the session step (music) reports: rows, late, duplicate, open_rows, open_bytes, alerts, watermark_ms."""
TICKS = "RatePerMicroBatch"
"""How Spark's description of the source of ticks begins (`spark_app.sources.stream_ticks`)."""
JOB_FILE = "JOB.json"
"""Which model scores, and since when."""
SHADOW_FILE = "SHADOW.json"
"""Which challenger scores in the shadow, and why it does not."""
KEPT_LINE = b'{"kept":'
"""How the line begins that has the sums of the micro-batches whose lines were removed."""
TYPICAL_LINE, MAX_LINE = 4 * 1024, 256 * 1024
"""Bytes of a line."""


@dataclass(frozen=True, slots=True)
class MicroBatch:
    """One micro-batch of one query, as Spark reported it when it was done."""

    query: str
    batch_id: int
    ended_at: float
    """Epoch seconds."""
    seconds: float
    messages: int
    """Input rows in Spark's words, without ticks: Kafka messages, or sessions where a report reads the lake."""
    rows: int = 0
    """Good rows that the session step read (of a shop: that reached the de-duplication); 0 in a query without one."""
    late: int = 0
    duplicate: int = 0
    alerts: int = 0
    """Alerts that were raised for open sessions."""
    watermark_at: float | None = None
    """The watermark after the rows of the batch (of a shop: before them), epoch seconds; None before there is one."""
    newest_at: float | None = None
    """The newest `event_time` of the batch; None where it had no rows."""
    oldest_at: float | None = None
    state_rows: dict[str, int] = field(default_factory=dict)
    """Rows of open sessions, by operator; of a shop, the rows of its state."""
    state_bytes: dict[str, int] = field(default_factory=dict)
    ends: dict[str, dict[int, int]] = field(default_factory=dict)
    """By topic and partition: the first offset that is not read yet."""
    behind: dict[str, int] = field(default_factory=dict)
    """By topic: messages that were in the topic when the micro-batch was planned, and are not in it."""

    @property
    def rows_per_s(self) -> float:
        """Rows per second; messages per second in a query that counts no rows."""
        return (self.rows or self.messages) / self.seconds if self.seconds else 0.0


def read_micro_batch(progress: dict[str, Any]) -> MicroBatch:
    """Read Spark's progress of a micro-batch (`StreamingQueryProgress.json`).

    >>> report = {"name": "sessions", "batchId": 3, "timestamp": "2025-03-04T00:00:00.000Z", "batchDuration": 500}
    >>> read_micro_batch(report).ended_at
    1741046400.5
    """
    seconds = progress.get("batchDuration", 0) / 1000
    late = duplicate = rows = 0
    operators = progress.get("stateOperators", [])
    for operator in operators:
        if operator["operatorName"] == DEDUPLICATION:
            late += operator["numRowsDroppedByWatermark"]
            duplicate += operator.get("customMetrics", {}).get("numDroppedDuplicateRows", 0)
            rows += operator["numRowsUpdated"]
    state_bytes = _by_operator(operators, "memoryUsedBytes")
    # the session step packs its rows: Spark's own operator sees one row per bucket
    step = progress.get("observedMetrics", {}).get(SESSION_STEP, {})
    late += step.get("late") or 0
    duplicate += step.get("duplicate") or 0
    times = progress.get("eventTime", {})
    ends = _by_topic(progress, "endOffset")
    latest = _by_topic(progress, "latestOffset")
    return MicroBatch(
        query=progress["name"],
        batch_id=progress["batchId"],
        ended_at=(_epoch(progress["timestamp"]) or 0.0) + seconds,
        seconds=seconds,
        messages=progress.get("numInputRows", 0) - _ticks(progress),
        rows=step.get("rows") or late + duplicate + rows,
        late=late,
        duplicate=duplicate,
        alerts=step.get("alerts") or 0,
        # Spark tells the one before the rows of the micro-batch
        watermark_at=(step.get("watermark_ms") or 0) / SECOND_MS or _epoch(times.get("watermark")),
        newest_at=_epoch(times.get("max")),
        oldest_at=_epoch(times.get("min")),
        state_rows={SESSION_STEP: step["open_rows"] or 0} if step else _by_operator(operators, "numRowsTotal"),
        state_bytes={SESSION_STEP: sum(state_bytes.values())} if step else state_bytes,
        ends=ends,
        behind={
            topic: sum(max(offset - ends.get(topic, {}).get(p, 0), 0) for p, offset in partitions.items())
            for topic, partitions in latest.items()
        },
    )


def read_line(line: bytes) -> MicroBatch | None:
    """Read a line of a progress file; None for what a crash or a full disk left of one."""
    try:
        return read_micro_batch(json.loads(line)) if line.endswith(b"\n") else None
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def kept_sums(line: bytes) -> dict[str, Any] | None:
    """Return the sums in the first line of a file that was shortened (`runtime.monitoring.totals`); None in others.

    None for a damaged one too: as with other lines that a crash has left, what is there still counts.
    """
    if not (line.startswith(KEPT_LINE) and line.endswith(b"\n")):
        return None
    try:
        return dict(json.loads(line)["kept"])
    except (ValueError, KeyError, TypeError):
        return None


def _ticks(progress: dict[str, Any]) -> int:
    """Return how many input rows came from the source that only makes a micro-batch happen at every trigger."""
    sources = progress.get("sources", [])
    return sum(s.get("numInputRows", 0) for s in sources if s.get("description", "").startswith(TICKS))


def _by_operator(operators: list[dict[str, Any]], key: str) -> dict[str, int]:
    """Add up a number of the operators of each name: a query may have several."""
    sums: dict[str, int] = {}
    for operator in operators:
        name = operator["operatorName"]
        sums[name] = sums.get(name, 0) + operator.get(key, 0)
    return sums


def _by_topic(progress: dict[str, Any], key: str) -> dict[str, dict[int, int]]:
    """Read the offsets of the Kafka sources; a file source, whose offset has another form, has none."""
    by_topic: dict[str, dict[int, int]] = {}
    for source in progress.get("sources", []):
        offsets = source.get(key)
        if source.get("description", "").startswith("Kafka") and isinstance(offsets, dict):
            for topic, partitions in offsets.items():
                by_topic[topic] = {int(partition): int(offset) for partition, offset in partitions.items()}
    return by_topic


def _epoch(text: str | None) -> float | None:
    """Read a time of Spark's as epoch seconds; None for 1970, which means "no watermark yet"."""
    at = datetime.fromisoformat(text).timestamp() if text else 0.0
    return at if at > 0 else None


def recent_micro_batches(unit: Unit, query: str, limit: int) -> list[MicroBatch]:
    """Return a query's newest micro-batches, at most `limit`, oldest first. A damaged line is left out."""
    path = unit.progress / f"{query}.jsonl"
    if not path.exists():
        return []
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - MAX_LINE - (limit - 1) * TYPICAL_LINE, 0))
        newest = [batch for line in file if (batch := read_line(line)) is not None]
    return newest[-limit:]


def last_micro_batch(unit: Unit, query: str) -> MicroBatch | None:
    """Return a query's newest micro-batch; None before the first."""
    return next(iter(recent_micro_batches(unit, query, 1)), None)


def last_micro_batches(unit: Unit) -> dict[str, MicroBatch]:
    """Return the newest micro-batch of every query that had one."""
    queries = sorted(path.stem for path in unit.progress.glob("*.jsonl"))
    newest = {query: last_micro_batch(unit, query) for query in queries}
    return {query: batch for query, batch in newest.items() if batch is not None}


def first_event_at(unit: Unit, query: str) -> float | None:
    """Return the oldest event_time of the first micro-batch of a query that had rows, epoch seconds; None before it."""
    path = unit.progress / f"{query}.jsonl"
    if not path.exists():
        return None
    with path.open("rb") as file:
        return next((at for line in file if (at := _oldest_event_at(line)) is not None), None)


def _oldest_event_at(line: bytes) -> float | None:
    sums = kept_sums(line)
    batch = read_line(line) if sums is None else None
    return batch.oldest_at if batch else (sums or {}).get("first_event_at")


def record_job(unit: Unit, model_version: str, started_at: float) -> None:
    """Record which model scores from now on. `started_at` is in epoch seconds."""
    write_record(_job_file(unit), {"model_version": model_version, "started_at": started_at})


def job_record(unit: Unit) -> dict[str, Any]:
    """Return what `record_job` wrote; empty before the job's first start."""
    return read_record(_job_file(unit))


def record_shadow(unit: Unit, model_version: str, trouble: str = "") -> None:
    """Record which challenger scores in the shadow from now on, or why it does not; no version where there is none."""
    write_record(unit.progress / SHADOW_FILE, {"model_version": model_version, "trouble": trouble})


def shadow_record(unit: Unit) -> dict[str, Any]:
    """Return what `record_shadow` wrote; empty before the job's first start."""
    return read_record(unit.progress / SHADOW_FILE)


def _job_file(unit: Unit) -> Path:
    return unit.progress / JOB_FILE
