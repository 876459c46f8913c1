"""Every metric that is exported to Prometheus, once for the exporters, the Grafana board and the documents."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. A counter's exported name ends in `_total`, which the client library adds."""

    name: str
    kind: Literal["gauge", "counter"]
    meaning: str
    labels: tuple[str, ...] = ()

    @property
    def exported(self) -> str:
        """Return the name in a query.

        >>> Metric("playproof_job_batches", "counter", "micro-batches done").exported
        'playproof_job_batches_total'
        """
        return f"{self.name}_total" if self.kind == "counter" else self.name


JOB = (
    Metric("playproof_job_batches", "counter", "micro-batches done since the job started", ("query",)),
    Metric("playproof_job_messages", "counter", "Kafka messages (reports: sessions) read", ("query",)),
    Metric("playproof_job_rows", "counter", "good rows that were read, late and duplicate ones among them", ("query",)),
    Metric("playproof_job_late_rows", "counter", "rows at or behind the watermark, counted and left out", ("query",)),
    Metric("playproof_job_duplicate_rows", "counter", "rows seen before, counted and left out", ("query",)),
    Metric("playproof_job_alerts", "counter", "alerts raised inside open sessions", ("query",)),
    Metric("playproof_job_rows_per_second", "gauge", "rows per second of the last batch; 0 when idle", ("query",)),
    Metric("playproof_job_batch_seconds", "gauge", "length of the last micro-batch", ("query",)),
    Metric("playproof_job_last_batch_timestamp_seconds", "gauge", "when the last micro-batch ended", ("query",)),
    Metric("playproof_job_watermark_lag_seconds", "gauge", "age of the watermark by the clock; idle: 0", ("query",)),
    Metric("playproof_job_watermark_timestamp_seconds", "gauge", "the watermark, in event time", ("query",)),
    Metric("playproof_job_lag_messages", "gauge", "messages not read when the batch was planned", ("query", "topic")),
    Metric("playproof_job_state_rows", "gauge", "rows that wait in open sessions", ("query", "operator")),
    Metric("playproof_job_state_bytes", "gauge", "memory of the state store", ("query", "operator")),
    Metric("playproof_job_rejected_rows", "gauge", "rows in lake/rejected since the version began"),
    Metric("playproof_job_files", "gauge", "files of the version: lake, checkpoints and what goes with them"),
    Metric("playproof_job_drift_psi", "gauge", "stability index since training, without chance", ("quantity", "days")),
    Metric("playproof_job_drift_psi_low", "gauge", "lower end of its 95 % interval", ("quantity", "days")),
    Metric("playproof_job_drift_timestamp_seconds", "gauge", "when drift was measured last; 0 before the first time"),
    Metric("playproof_job_rules", "gauge", "versions of rules that the newest micro-batch had", ("state",)),
    Metric("playproof_job_rules_refused", "gauge", "broken messages and versions of rules that were left out"),
    Metric("playproof_job_rules_stale", "gauge", "1 while topic rules cannot be read and the last rules go on"),
    Metric("playproof_job_model_info", "gauge", "1, with the version of the model that scores", ("model_version",)),
)
REPLAY = (
    Metric("playproof_replay_batches", "counter", "batches handed to the broker"),
    Metric("playproof_replay_rows_sent", "counter", "rows handed to the broker, copies included", ("topic",)),
    Metric("playproof_replay_rows_acknowledged", "counter", "rows the broker has acknowledged", ("topic",)),
    Metric("playproof_replay_errors", "counter", "times that the broker failed and the replay continued"),
    Metric("playproof_replay_behind_seconds", "gauge", "how late the last batch left, in wall-clock seconds"),
    Metric("playproof_replay_clock_timestamp_seconds", "gauge", "the event-time clock of the last batch"),
)
FEED = (
    Metric("playproof_feed_rows", "counter", "rows the live plot or page has read", ("topic",)),
    Metric("playproof_feed_bad_messages", "counter", "messages it could not read"),
    Metric("playproof_feed_bad_rows", "counter", "rows it could not read"),
    Metric("playproof_feed_catching_up", "gauge", "1 while older messages are still being read"),
    Metric("playproof_feed_connected", "gauge", "1 while the broker answers and every topic is there"),
    Metric("playproof_feed_last_ts_timestamp_seconds", "gauge", "ts of the newest batch"),
    Metric("playproof_feed_flagged_sessions", "gauge", "flagged sessions of the newest window"),
)
METRICS: dict[str, tuple[Metric, ...]] = {"job": JOB, "replay": REPLAY, "feed": FEED}
"""By the process that exports them."""
PORT_OFFSETS = {"job": 0, "replay": 1, "feed": 2, "pages": 3}
"""Each process serves on PLAYPROOF_METRICS_PORT plus its own; live plot and pages both export the feed's metrics."""
