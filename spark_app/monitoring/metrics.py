"""The job's metrics for Prometheus: what each micro-batch reported, and which model scores."""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
from prometheus_client import CollectorRegistry, Counter, Gauge

from contracts.metrics import JOB
from contracts.rules import RUNNING
from runtime.lake import committed_files
from runtime.monitoring.exporter import LOOPBACK, serve_metrics
from runtime.monitoring.progress import MicroBatch
from runtime.monitoring.rules import rules_record
from runtime.monitoring.watermark_lag import IDLE_S, WatermarkLag
from runtime.parquet import read_parquet
from runtime.world import Unit

RULE_HITS = "rule_hits"
"""The query that evaluates rules (`queries/rule_hits.py`)."""
WRITE_REJECTED = ("archive", "rejected")
"""The queries that write lake/rejected: of music (`queries/archive.py`), and of a shop."""
COUNT_FILES_EVERY_S = 300.0
KINDS = {"gauge": Gauge, "counter": Counter}


class JobMetrics:
    """The metrics of one job. A micro-batch in, numbers out; `serve` shows them."""

    def __init__(
        self, model_version: str, unit: Path, rejected: Path, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """`unit` is the folder whose files are counted, `rejected` the table of rejected rows."""
        self.registry = CollectorRegistry()
        self._of = {m.name: KINDS[m.kind](m.name, m.meaning, m.labels, registry=self.registry) for m in JOB}
        self._of["playproof_job_model_info"].labels(model_version).set(1)
        self._unit, self._rejected, self._monotonic = unit, rejected, monotonic
        self._files_counted_at: float | None = None
        self._drift_at = 0.0
        self._lag: dict[str, WatermarkLag] = {}
        self._last: dict[str, MicroBatch] = {}
        self._rejected_rows: dict[Path, int] = {}
        self._count_rejected()
        self._count_files()
        self._show_rules()

    def observe(self, batch: MicroBatch) -> None:
        """Update the metrics with a micro-batch."""
        counted = {
            "batches": 1, "messages": batch.messages, "rows": batch.rows,
            "late_rows": batch.late, "duplicate_rows": batch.duplicate, "alerts": batch.alerts,
        }  # fmt: skip
        for name, count in counted.items():
            self._of[f"playproof_job_{name}"].labels(batch.query).inc(count)
        current = {
            "rows_per_second": batch.rows_per_s,
            "batch_seconds": batch.seconds,
            "last_batch_timestamp_seconds": batch.ended_at,
            "watermark_timestamp_seconds": batch.watermark_at,
        }
        for name, value in current.items():
            if value is not None:
                self._of[f"playproof_job_{name}"].labels(batch.query).set(value)
        if batch.ends:  # a report's watermark is of rows that the job itself writes, and of ticks
            self._lag.setdefault(batch.query, WatermarkLag()).add(batch)
        self._last[batch.query] = batch
        self._show_silence(batch.ended_at)
        for topic, messages in batch.behind.items():
            self._of["playproof_job_lag_messages"].labels(batch.query, topic).set(messages)
        for operator, rows in batch.state_rows.items():
            self._of["playproof_job_state_rows"].labels(batch.query, operator).set(rows)
            self._of["playproof_job_state_bytes"].labels(batch.query, operator).set(batch.state_bytes[operator])
        if batch.query == RULE_HITS:
            self._show_rules()
        if batch.query in WRITE_REJECTED:
            self._count_rejected()
            self._count_files()

    def _show_silence(self, now: float) -> None:
        """Show lag and pace of every query as they are at `now`: one without new rows may have no micro-batch."""
        for query, last in self._last.items():
            lag_s = self._lag[query].seconds(now, any(last.behind.values())) if query in self._lag else None
            if lag_s is not None:
                self._of["playproof_job_watermark_lag_seconds"].labels(query).set(lag_s)
            if now - last.ended_at > IDLE_S:
                self._of["playproof_job_rows_per_second"].labels(query).set(0)

    def observe_drift(self, drift: Mapping[str, Any]) -> None:
        """Show the drift that was measured last (`runtime.monitoring.drift`); nothing where it is shown already."""
        measured_at = drift.get("measured_at", 0.0)
        if measured_at == self._drift_at:
            return
        self._drift_at = measured_at
        self._of["playproof_job_drift_timestamp_seconds"].set(measured_at)
        for name, key in (("playproof_job_drift_psi", "corrected"), ("playproof_job_drift_psi_low", "low")):
            self._of[name].clear()  # a quantity that is unknown now must not keep its old value
            for days, window in drift["windows"].items():
                for quantity, entry in window["quantities"].items():
                    if entry is not None:
                        self._of[name].labels(quantity, days).set(entry[key])

    def _show_rules(self) -> None:
        """Show which rules the newest micro-batch had, and whether topic `rules` could be read for it."""
        record = rules_record(Unit(self._unit))
        states = [row[2] for row in record.get("rules", ())]
        for state in RUNNING:
            self._of["playproof_job_rules"].labels(state).set(states.count(state))
        self._of["playproof_job_rules_refused"].set(len(record.get("refused", ())))
        self._of["playproof_job_rules_stale"].set(bool(record.get("trouble")))

    def _count_rejected(self) -> None:
        """Sum the rows that the lines of lake/rejected count for; each file is read once."""
        known = self._rejected_rows
        files = committed_files(self._rejected)  # upkeep may have merged some of those before
        self._rejected_rows = {file: known[file] if file in known else _rejected_rows(file) for file in files}
        self._of["playproof_job_rejected_rows"].set(sum(self._rejected_rows.values()))

    def _count_files(self) -> None:
        """Count the version's files, now and then: with many of them it takes seconds."""
        now = self._monotonic()
        if self._files_counted_at is None or now - self._files_counted_at >= COUNT_FILES_EVERY_S:
            self._files_counted_at = now
            self._of["playproof_job_files"].set(sum(len(files) for _, _, files in os.walk(self._unit)))

    def serve(self, port: int, address: str = LOOPBACK) -> None:
        """Serve until the process ends; a port that is taken is reported, and does not stop the job."""
        serve_metrics(self.registry, port, address)


def _rejected_rows(file: Path) -> int:
    return int(pc.sum(read_parquet(file, ["rows"])["rows"]).as_py() or 0)
