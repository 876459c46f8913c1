"""What is read of the progress that Spark reports, on a report as Spark 4.0 wrote it."""

import json
from pathlib import Path
from typing import Any

import pytest

from runtime.monitoring.drift import drift_record, record_drift
from runtime.monitoring.progress import (
    first_event_at,
    job_record,
    last_micro_batch,
    last_micro_batches,
    read_micro_batch,
    record_job,
)
from runtime.monitoring.totals import totals
from runtime.world import Unit


def report(batch: int = 11, late: int = 3, duplicate: int = 2, kept: int = 10, **more: Any) -> dict[str, Any]:
    """Build a report of query `sessions`: two topics, one partition of each behind, and two operators with state.

    The job of a shop has such operators; that of music has the session step.
    """
    window = {
        "operatorName": "sessionWindowStateStoreSaveExec", "numRowsTotal": 40, "numRowsUpdated": 1,
        "memoryUsedBytes": 748136, "numRowsDroppedByWatermark": 99,
    }  # fmt: skip
    step = {
        "operatorName": "dedupeWithinWatermark", "numRowsTotal": 7, "numRowsUpdated": kept, "memoryUsedBytes": 597536,
        "numRowsDroppedByWatermark": late, "customMetrics": {"numDroppedDuplicateRows": duplicate},
    }  # fmt: skip

    def source(topic: str, end: int, latest: int) -> dict[str, Any]:
        return {
            "description": f"KafkaV2[Subscribe[{topic}]]",
            "endOffset": {topic: {"0": end, "1": 9}},
            "latestOffset": {topic: {"0": latest, "1": 9}},
        }

    return {
        "name": "sessions",
        "timestamp": "2026-11-22T03:11:15.093Z",
        "batchId": batch,
        "batchDuration": 1500,
        "numInputRows": 6,
        "eventTime": {"max": "2025-03-04T00:32:00.000Z", "watermark": "2025-03-04T00:30:00.500Z"},
        "stateOperators": [window, step],
        "sources": [source("plays", 68, 70), source("activity", 135, 135)],
        **more,
    }


def test_late_and_duplicate_rows_of_a_shop_are_those_of_its_deduplication_alone() -> None:
    batch = read_micro_batch(report())
    assert (batch.late, batch.duplicate, batch.rows) == (3, 2, 15)
    assert batch.rows_per_s == 10


def test_the_session_step_counts_the_rows_that_it_packs() -> None:
    packed = {"operatorName": "applyInPandasWithState", "numRowsTotal": 32, "numRowsUpdated": 32, "memoryUsedBytes": 9}
    counts = {"rows": 15, "late": 3, "duplicate": 2, "open_rows": 40, "open_bytes": 7}
    batch = read_micro_batch(report(stateOperators=[packed], observedMetrics={"session_step": counts}))
    assert (batch.late, batch.duplicate, batch.rows) == (3, 2, 15)
    assert (batch.state_rows, batch.state_bytes) == ({"session_step": 40}, {"session_step": 9})
    silent = read_micro_batch(report(stateOperators=[packed], observedMetrics={"session_step": dict.fromkeys(counts)}))
    assert (silent.late, silent.duplicate, silent.rows, silent.state_rows) == (0, 0, 0, {"session_step": 0})


def test_a_query_without_either_has_none_and_counts_its_messages() -> None:
    batch = read_micro_batch(
        report(stateOperators=[], sources=[{"description": "FileStreamSource[x]", "endOffset": {"log": 3}}])
    )
    assert (batch.late, batch.rows, batch.ends) == (0, 0, {})
    assert batch.rows_per_s == 4


def test_a_tick_is_no_message() -> None:
    sources = [{"description": "RatePerMicroBatchStream[rowsPerBatch=1]", "numInputRows": 1}]
    assert read_micro_batch(report(stateOperators=[], sources=sources)).messages == 5


def test_the_first_event_is_the_oldest_of_the_first_micro_batch_that_had_rows(tmp_path: Path) -> None:
    unit = Unit(tmp_path)
    assert first_event_at(unit, "sessions") is None
    unit.progress.mkdir()
    times: tuple[dict[str, str], ...] = ({}, {"min": "2025-03-04T00:00:00.500Z"}, {"min": "2025-03-03T00:00:00.000Z"})
    lines = "".join(json.dumps(report(eventTime=time)) + "\n" for time in times)
    (unit.progress / "sessions.jsonl").write_text(lines)
    assert first_event_at(unit, "sessions") == 1741046400.5


def test_what_is_behind_is_counted_by_topic() -> None:
    batch = read_micro_batch(report())
    assert batch.behind == {"plays": 2, "activity": 0}
    assert batch.ends["plays"] == {0: 68, 1: 9}


def sums(unit: Unit) -> tuple[int, int, int]:
    found = totals(unit, "sessions")
    return found.rows, found.late, found.duplicate


def test_the_newest_whole_line_counts_and_totals_sum_all_of_them(tmp_path: Path) -> None:
    unit = Unit(tmp_path)
    unit.progress.mkdir()
    lines = [json.dumps(report(batch)) for batch in range(3)]
    (unit.progress / "sessions.jsonl").write_text("\n".join(lines) + '\n{"name": "sess')
    newest = last_micro_batch(unit, "sessions")
    assert newest is not None
    assert newest.batch_id == 2
    assert list(last_micro_batches(unit)) == ["sessions"]
    assert sums(unit) == (45, 9, 6)
    # the cut line is completed, another one comes; then the file is made again
    (unit.progress / "sessions.jsonl").write_text("\n".join([*lines, lines[0], lines[0], ""]))
    assert sums(unit) == (75, 15, 10)
    (unit.progress / "sessions.jsonl").write_text(lines[0] + "\n")
    assert sums(unit) == (15, 3, 2)


@pytest.mark.parametrize("torn", [b'{"name": "sess', b'{"name": "sessions", "ti', b"{}", b"\0\0\0", b"\xff", b"[1]"])
def test_what_a_crash_left_of_a_line_is_left_out(tmp_path: Path, torn: bytes) -> None:
    unit = Unit(tmp_path)
    unit.progress.mkdir()
    whole = json.dumps(report()).encode()
    (unit.progress / "sessions.jsonl").write_bytes(b"\n".join([whole, torn, whole, torn, b""]))
    newest = last_micro_batch(unit, "sessions")
    assert newest is not None
    assert newest.batch_id == 11
    assert sums(unit) == (30, 6, 4)
    assert first_event_at(unit, "sessions") is None


@pytest.mark.parametrize("left", ["", "{", "[]", '{"model_version": "ses'])
def test_what_a_crash_left_of_a_record_is_no_record(tmp_path: Path, left: str) -> None:
    unit = Unit(tmp_path)
    record_job(unit, "session_xgb-1", 5.0)
    record_drift(unit, {"windows": {}})
    for name in ("JOB.json", "DRIFT.json"):
        (unit.progress / name).write_text(left)
    assert (job_record(unit), drift_record(unit)) == ({}, {})


def test_before_the_first_batch_there_is_nothing(tmp_path: Path) -> None:
    unit = Unit(tmp_path)
    assert last_micro_batch(unit, "sessions") is None
    assert last_micro_batches(unit) == {}
    assert sums(unit) == (0, 0, 0)
    assert job_record(unit) == {}


def test_the_job_notes_which_model_scores(tmp_path: Path) -> None:
    record_job(Unit(tmp_path), "session_xgb-1", 5.0)
    assert job_record(Unit(tmp_path)) == {"model_version": "session_xgb-1", "started_at": 5.0}
