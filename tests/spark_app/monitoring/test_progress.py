"""What the listener writes of each micro-batch, and how it counts late rows."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from runtime.errors import CheckpointError, StorageError
from runtime.monitoring.progress import read_micro_batch
from runtime.world import Unit
from spark_app.monitoring.progress import ProgressListener, late_message


def progress(late: int = 0, duplicate: int = 0, new: int = 0, batch: int = 5) -> dict[str, Any]:
    """Build what Spark reports of a micro-batch of the sessions query."""
    counts = {"rows": late + duplicate + new, "late": late, "duplicate": duplicate, "open_rows": 7, "open_bytes": 343}
    # one row per bucket
    buckets = {"operatorName": "applyInPandasWithState", "numRowsDroppedByWatermark": 99, "numRowsUpdated": 32}
    at = "2025-03-04T00:00:00.000Z"
    return {
        "name": "sessions", "batchId": batch, "timestamp": at, "stateOperators": [buckets],
        "observedMetrics": {"session_step": counts},
    }  # fmt: skip


def reported(listener: ProgressListener, **counts: int) -> None:
    listener.onQueryProgress(cast(Any, SimpleNamespace(progress=SimpleNamespace(json=json.dumps(progress(**counts))))))


def test_each_progress_is_a_line_of_its_querys_file(tmp_path: Path) -> None:
    listener = ProgressListener(Unit(tmp_path))
    reported(listener, batch=0)
    reported(listener, batch=1)
    lines = (tmp_path / "progress" / "sessions.jsonl").read_text().splitlines()
    assert [json.loads(line)["batchId"] for line in lines] == [0, 1]


def test_a_batch_that_is_mostly_late_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listener = ProgressListener(Unit(tmp_path))
    reported(listener, late=5, new=5)
    assert capsys.readouterr().err == ""
    reported(listener, late=1200, new=5, batch=8)
    message = capsys.readouterr().err
    assert message.startswith("1,200 of 1,205 rows of batch 8 are late")
    assert message.count("\n") == 1


def test_offsets_are_kept_of_queries_that_read_topics_only(tmp_path: Path) -> None:
    unit = Unit(tmp_path)
    kafka = {"description": "KafkaV2[plays]", "endOffset": {"plays": {"0": 3}}}
    for query, sources in (("sessions", [kafka]), ("scores", [{"description": "FileStreamSource[x]"}])):
        (unit.checkpoints / query / "offsets").mkdir(parents=True)
        (unit.checkpoints / query / "offsets" / "0").write_text("v1")
        report = progress() | {"name": query, "sources": sources}
        event = SimpleNamespace(progress=SimpleNamespace(json=json.dumps(report)))
        ProgressListener(unit).onQueryProgress(cast(Any, event))
    assert [path.relative_to(unit.offsets).as_posix() for path in unit.offsets.glob("*/*")] == ["sessions/0"]


@pytest.mark.parametrize("error", [StorageError("s3://b/w does not answer"), CheckpointError("0-9.zip is unreadable")])
def test_a_bucket_that_is_away_ends_no_listener_and_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def away(unit: Unit, query: str) -> None:
        raise error

    monkeypatch.setattr("spark_app.monitoring.progress.keep_offsets", away)
    report = progress() | {"sources": [{"description": "KafkaV2[plays]", "endOffset": {"plays": {"0": 3}}}]}
    event = SimpleNamespace(progress=SimpleNamespace(json=json.dumps(report)))
    ProgressListener(Unit(tmp_path)).onQueryProgress(cast(Any, event))
    assert capsys.readouterr().err == f"offsets of query sessions are kept later: {error}\n"
    assert (tmp_path / "progress" / "sessions.jsonl").exists()


def late_line(watermark: str, newest: str) -> str:
    times = {"watermark": f"2025-03-04T{watermark}:00.000Z", "max": f"2025-03-04T{newest}:00.000Z"}
    return late_message(read_micro_batch(progress(late=9) | {"eventTime": times}))


def test_a_watermark_that_is_ahead_of_every_row_is_named_with_the_way_back() -> None:
    line = late_line(watermark="10:00", newest="09:30")
    assert "the watermark is at 2025-03-04T10:00Z, the newest row at 2025-03-04T09:30Z" in line
    assert "playproof up --reread" in line
    assert "was the same world replayed again" in late_line(watermark="10:00", newest="10:30")
