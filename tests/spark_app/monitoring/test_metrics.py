"""What the job exports: each metric of the contract, with the numbers of its micro-batches, on loopback."""

from dataclasses import replace
from pathlib import Path
from urllib.request import urlopen

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from prometheus_client import generate_latest

from contracts.metrics import JOB
from ops.stack.ports import free_port
from runtime.monitoring import exporter
from runtime.monitoring.progress import MicroBatch
from spark_app.monitoring.metrics import JobMetrics
from spark_app.queries import archive

DRIFT = {
    "measured_at": 50.0,
    "windows": {"7": {"quantities": {"score": {"corrected": 0.4, "low": 0.3}, "plays": None}}},
}


@pytest.fixture
def metrics(tmp_path: Path) -> JobMetrics:
    return JobMetrics("session_xgb-1", tmp_path, tmp_path / "rejected", monotonic=lambda: 0.0)


def batch(
    batch_id: int = 0, *, query: str = "sessions", late: int = 0, watermark_at: float | None = None
) -> MicroBatch:
    return MicroBatch(
        query, batch_id, ended_at=100.0, seconds=2.0, messages=4, rows=800, late=late, duplicate=1,
        watermark_at=watermark_at, newest_at=1000.0, state_rows={"session_step": 7}, state_bytes={"session_step": 70},
        ends={"plays": {0: 9}}, behind={"plays": 3},
    )  # fmt: skip


def test_every_metric_of_the_contract_is_exported_after_a_batch(metrics: JobMetrics) -> None:
    metrics.observe(batch(watermark_at=940.0))
    metrics.observe_drift(DRIFT)
    text = generate_latest(metrics.registry).decode()
    exported = {line.split("{")[0].split(" ")[0] for line in text.splitlines() if not line.startswith("#")}
    assert {metric.exported for metric in JOB} <= exported


def test_counters_add_up_and_gauges_show_the_last_batch(metrics: JobMetrics) -> None:
    metrics.observe(batch(0, late=3))
    metrics.observe(batch(1, late=4, watermark_at=940.0))
    value = metrics.registry.get_sample_value
    assert value("playproof_job_late_rows_total", {"query": "sessions"}) == 7
    assert value("playproof_job_rows_per_second", {"query": "sessions"}) == 400
    assert value("playproof_job_watermark_lag_seconds", {"query": "sessions"}) == 0, "both ended at the same moment"
    assert value("playproof_job_lag_messages", {"query": "sessions", "topic": "plays"}) == 3
    assert value("playproof_job_model_info", {"model_version": "session_xgb-1"}) == 1


def test_lag_and_pace_of_a_query_fall_to_zero_when_nothing_arrives_even_if_only_others_report(
    metrics: JobMetrics,
) -> None:
    def shown(name: str) -> float | None:
        return metrics.registry.get_sample_value(f"playproof_job_{name}", {"query": "sessions"})

    metrics.observe(replace(batch(0, watermark_at=940.0), behind={}))
    metrics.observe(replace(batch(query="fraud_counts"), ended_at=130.0, ends={}))
    assert (shown("watermark_lag_seconds"), shown("rows_per_second")) == (30, 400)
    metrics.observe(replace(batch(query="fraud_counts"), ended_at=161.0, ends={}))
    assert (shown("watermark_lag_seconds"), shown("rows_per_second")) == (0, 0)
    assert (
        metrics.registry.get_sample_value("playproof_job_watermark_lag_seconds", {"query": "fraud_counts"}) is None
    ), "a report reads no topic"


def test_drift_is_shown_by_quantity_and_window_and_an_unknown_one_is_not(metrics: JobMetrics) -> None:
    metrics.observe_drift({})
    value = metrics.registry.get_sample_value
    assert value("playproof_job_drift_timestamp_seconds") == 0
    metrics.observe_drift(DRIFT)
    assert value("playproof_job_drift_psi_low", {"quantity": "score", "days": "7"}) == 0.3
    assert value("playproof_job_drift_psi", {"quantity": "plays", "days": "7"}) is None
    metrics.observe_drift({"measured_at": 60.0, "windows": {"7": {"quantities": {"score": None}}}})
    assert value("playproof_job_drift_psi", {"quantity": "score", "days": "7"}) is None
    assert value("playproof_job_drift_timestamp_seconds") == 60


def test_rejected_rows_are_those_that_committed_files_stand_for(metrics: JobMetrics, tmp_path: Path) -> None:
    for folder, is_complete in (("batch_id=0", True), ("batch_id=1", False)):
        (tmp_path / "rejected" / folder).mkdir(parents=True)
        pq.write_table(pa.table({"rows": [1, 7]}), tmp_path / "rejected" / folder / "part.parquet")
        if is_complete:
            (tmp_path / "rejected" / folder / "_SUCCESS").touch()
    metrics.observe(batch(query=archive.NAME))
    assert metrics.registry.get_sample_value("playproof_job_rejected_rows") == 8


def test_files_of_the_version_are_counted_now_and_then(tmp_path: Path) -> None:
    now = iter([0.0, 1.0, 301.0])
    metrics = JobMetrics("session_xgb-1", tmp_path, tmp_path / "rejected", monotonic=lambda: next(now))
    counted = []
    for name in ("a", "b"):
        (tmp_path / name).touch()
        metrics.observe(batch(query=archive.NAME))
        counted.append(metrics.registry.get_sample_value("playproof_job_files"))
    assert counted == [0, 2]


def test_metrics_are_served_on_loopback_and_a_taken_port_is_said_in_one_line(
    metrics: JobMetrics, capsys: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    metrics.serve(port)
    with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        assert b"playproof_job_model_info" in answer.read()
    metrics.serve(port)
    assert capsys.readouterr().err.startswith(f"no metrics: port {port} is not free at 127.0.0.1")


def test_a_prometheus_elsewhere_is_served_at_the_address_that_was_set(
    metrics: JobMetrics, monkeypatch: pytest.MonkeyPatch
) -> None:
    bound = []
    monkeypatch.setattr(exporter, "start_http_server", lambda port, addr, registry: bound.append((addr, port)))
    metrics.serve(19404, "0.0.0.0")
    assert bound == [("0.0.0.0", 19404)]
