"""`status` on the job: lag against the checkpoint, lateness, state and batches, from files as the job leaves them."""

import json
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.domain import SHOP
from ops.stack.job_health import QUERY_COLUMNS, Ends, ends_of_topics, format_health, job_health, query_rows
from ops.stack.ports import free_port
from runtime.kafka.connection import KafkaConnection
from runtime.monitoring.progress import record_job, record_shadow
from runtime.world import Unit
from tests.local_bucket import there_and_here

WATERMARK_MS = 1_741_046_400_000
ENDED_AT = 1_795_317_077.0
"""2026-11-22T03:11:17Z, when the micro-batch was done."""
ENDS: Ends = {("plays", 0): 12, ("plays", 1): 9, ("activity", 0): 20}


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    """A version in which the job did one micro-batch: 12 and 8 messages of plays, 20 of activity, 3 late rows."""
    unit = Unit(tmp_path)
    for log in ("offsets", "commits"):
        (unit.checkpoints / "sessions" / log).mkdir(parents=True)
    offsets = [
        "v1", json.dumps({"batchWatermarkMs": WATERMARK_MS}), '{"plays":{"0":12,"1":8}}', '{"activity":{"0":20}}',
    ]  # fmt: skip
    (unit.checkpoints / "sessions" / "offsets" / "0").write_text("\n".join(offsets))
    (unit.checkpoints / "sessions" / "commits" / "0").write_text("v1\n{}")
    record_job(unit, "session_xgb-1", 5.0)
    buckets = {"operatorName": "applyInPandasWithState", "numRowsTotal": 32, "memoryUsedBytes": 2_500_000}
    counts = {"rows": 13, "late": 3, "duplicate": 0, "open_rows": 7, "open_bytes": 343}
    report = {
        "name": "sessions", "timestamp": "2026-11-22T03:11:15.000Z", "batchId": 0, "batchDuration": 2000,
        "numInputRows": 40, "stateOperators": [buckets], "observedMetrics": {"session_step": counts},
        "eventTime": {"max": "2025-03-04T00:01:00.000Z", "watermark": "2025-03-04T00:00:00.000Z"},
    }  # fmt: skip
    (unit.progress / "sessions.jsonl").write_text(json.dumps(report) + "\n")
    rejected = unit.table("rejected") / "batch_id=0"
    rejected.mkdir(parents=True)
    pq.write_table(pa.table({"rows": [1, 1, 2]}), rejected / "part.parquet")
    (rejected / "_SUCCESS").touch()
    return unit


def test_lag_is_what_the_checkpoint_has_not_read_of_the_topics(unit: Unit) -> None:
    assert job_health(unit, ENDS, now=0.0)["lag_messages"] == {"plays": 1, "activity": 0}


def test_without_a_broker_the_lag_is_unknown_not_zero(unit: Unit) -> None:
    found = job_health(unit, None, now=0.0)
    assert found["lag_messages"] is None
    assert format_health(found)["lag (messages)"].startswith("unknown")


def test_rows_by_fate_state_watermark_and_model_are_told(unit: Unit) -> None:
    found = job_health(unit, ENDS, now=ENDED_AT + 90)
    assert (found["rows"], found["late_rows"], found["rejected_rows"]) == (13, 3, 4)
    assert (found["state_rows"], found["state_bytes"]) == (7, 2_500_000)
    assert found["watermark_lag_s"] == 90, "a message waits"
    said = format_health(found)
    assert (said["model"], said["in its shadow"]) == ("session_xgb-1", "none")
    assert said["watermark lag"] == "90 s"
    assert said["late, duplicate, rejected"] == "3 · 0 · 4"
    assert said["state"] == "7 rows, 2.5 MB"


def test_a_challenger_is_told_and_what_keeps_it_out_of_the_shadow(unit: Unit) -> None:
    record_shadow(unit, "candidate@0badcafe", "query shadow stopped: no trees")
    assert format_health(job_health(unit, ENDS, now=0.0))["in its shadow"] == (
        "candidate@0badcafe: query shadow stopped: no trees"
    )


def test_each_query_has_a_line_with_the_age_of_its_last_batch(unit: Unit) -> None:
    (line,) = query_rows(job_health(unit, ENDS, now=ENDED_AT + 30))
    assert dict(zip(QUERY_COLUMNS, line, strict=True)) == {
        "query": "sessions", "batch": "0", "took": "2.0 s", "rows/s": "6", "ended": "30 s ago",
    }  # fmt: skip


def test_a_version_that_never_ran_has_nothing_to_tell_and_no_error(tmp_path: Path) -> None:
    found = job_health(Unit(tmp_path), ENDS, now=time.time())
    assert found["lag_messages"] == {"plays": 21, "activity": 20}
    assert format_health(found)["watermark lag"] == "no row yet"
    assert query_rows(found) == []


def test_on_a_machine_without_copies_of_a_bucket_the_job_is_as_far_as_it_is(
    unit: Unit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, here = there_and_here(tmp_path, monkeypatch)
    unit.checkpoints.rename(there.checkpoints)
    assert job_health(here, ENDS, now=0.0)["lag_messages"] == {"plays": 1, "activity": 0}


def test_an_absent_broker_is_told_as_none_soon() -> None:
    assert ends_of_topics(KafkaConnection(f"127.0.0.1:{free_port()}")) is None


def test_the_health_of_a_shop_is_that_of_its_own_query_and_topics(tmp_path: Path) -> None:
    unit = Unit(tmp_path)
    for log in ("offsets", "commits"):
        (unit.checkpoints / "predictions" / log).mkdir(parents=True)
    offsets = ["v1", json.dumps({"batchWatermarkMs": WATERMARK_MS}), '{"browsing":{"0":7}}', '{"logOffset":2}']
    (unit.checkpoints / "predictions" / "offsets" / "0").write_text("\n".join(offsets))
    (unit.checkpoints / "predictions" / "commits" / "0").write_text("v1\n{}")
    unit.progress.mkdir()
    times = {"watermark": "2025-03-04T00:00:00.000Z", "max": "2025-03-04T00:01:00.000Z"}
    report = {"name": "predictions", "timestamp": "2026-11-22T03:11:15.000Z", "batchId": 0, "eventTime": times}
    (unit.progress / "predictions.jsonl").write_text(json.dumps(report) + "\n")
    found = job_health(unit, {("browsing", 0): 9, ("transactions", 0): 9}, ENDED_AT + 58, SHOP)
    assert found["lag_messages"] == {"browsing": 2, "transactions": 9}
    assert found["watermark_lag_s"] == 60
