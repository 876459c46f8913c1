"""The parts of `playproof soak`: what it looks at, how it tells growth, its picture. `make soak` runs the whole."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from ops.bench.process_tree import TreeMeter
from ops.errors import StackError
from ops.latency.driven_job import DrivenJob
from ops.soak.outcome import failures, remarks, unread
from ops.soak.picture import draw
from ops.soak.samples import Sample, growth, take_sample
from ops.soak.soak import Delays, hold_and_watch
from runtime.world import Unit

SAMPLES = [Sample(float(s), 100 + s, 1.0, 500.0, 0, 2.0 if s < 4 else 3.0) for s in range(8)]


def test_a_sample_counts_the_files_of_the_job_and_none_of_the_broker(tmp_path: Path) -> None:
    for name in (
        "lake/sessions/date=2025-03-03/a.parquet",
        "checkpoints/sessions/offsets/0",
        "broker/log/plays-0/0.log",
    ):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(bytes(2**19))
    progress = {
        "name": "sessions", "batchId": 1, "timestamp": "2025-03-04T00:00:00.000Z", "batchDuration": 500,
        "stateOperators": [{"operatorName": "applyInPandasWithState", "memoryUsedBytes": 2**21, "numRowsTotal": 2}],
        "observedMetrics": {"session_step": {"rows": 9, "late": 0, "duplicate": 0, "open_rows": 7}},
    }  # fmt: skip
    (tmp_path / "progress").mkdir()
    (tmp_path / "progress" / "sessions.jsonl").write_text(json.dumps(progress) + "\n")
    meter = TreeMeter(os.getpid())
    meter.sample(time.time())
    sample = take_sample(2.04, Unit(tmp_path), meter)
    assert (sample.at_s, sample.files, sample.open_rows, sample.state_mb) == (2.0, 3, 7, 2.0)
    assert sample.files_by_folder == {"checkpoints/sessions": 1, "lake/sessions": 1, "progress": 1}
    assert 1.0 <= sample.disk_mb < 1.01
    assert sample.rss_mb > 10


class JobThatEnds:
    """Ends in its second second; only its processes and its version are real."""

    def __init__(self, unit: Unit) -> None:
        self.unit, self.meter = unit, TreeMeter(os.getpid())

    def hold(self, name: str, rows_per_s: float, seconds: float, on_sample: Callable[[float], None]) -> None:
        now = time.time()
        for second in (1, 2):
            on_sample(now + second)
        raise StackError("the job ended")


def test_what_was_seen_of_a_job_that_ends_too_early_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "samples.jsonl"
    with pytest.raises(StackError, match="the job ended"):
        hold_and_watch(cast(DrivenJob, JobThatEnds(Unit(tmp_path))), 1.0, 60.0, file)
    samples = [json.loads(line) for line in file.read_text().splitlines()]
    assert [round(sample["at_s"]) for sample in samples] == [0, 1, 2]
    assert all(sample["rss_mb"] > 10 for sample in samples)


def test_growth_compares_the_last_quarter_of_the_time_with_the_second_one() -> None:
    assert growth(SAMPLES, "rss_mb") == 1.0
    assert growth(SAMPLES, "state_mb") == 1.5
    assert growth(SAMPLES, "open_rows") is None
    assert growth(SAMPLES[:1], "files") is None
    assert growth([], "files") is None


def test_delays_are_those_of_the_rows_that_became_due_after_each_sample() -> None:
    caused = {"alerts": np.array([10.5, 12.0]), "sessions": np.array([10.2])}
    delays = Delays(10.0, caused, {"alerts": np.array([1.0, 5.0]), "sessions": np.array([3.0])})
    assert delays.p95_by_sample(SAMPLES[:3]) == [2.9, None, 5.0]
    assert delays.summary("sessions") == {"rows": 1, "p50_s": 3.0, "p95_s": 3.0, "p99_s": 3.0}


def test_the_picture_is_drawn_also_where_no_row_became_due(tmp_path: Path) -> None:
    samples = [{"at_s": s.at_s, "files": s.files, "rss_mb": s.rss_mb, "state_mb": s.state_mb, "open_rows": s.open_rows,
                "p95_s": None} for s in SAMPLES]  # fmt: skip
    picture = tmp_path / "soak.png"
    draw({"samples": samples, "rows_per_s": 900, "asked_rows_per_s": 1000, "parameters": {"seed": 7}}, picture)
    assert picture.read_bytes().startswith(b"\x89PNG")


def read_until(unit: Unit, query: str, plays: int, activity: int) -> None:
    """Let a query have read so many messages of both topics in its first micro-batch."""
    for log in ("offsets", "commits"):
        (unit.checkpoints / query / log).mkdir(parents=True)
    offsets = f'v1\n{{"batchWatermarkMs":0}}\n{{"plays":{{"0":{plays}}}}}\n{{"activity":{{"0":{activity}}}}}'
    (unit.checkpoints / query / "offsets" / "0").write_text(offsets)
    (unit.checkpoints / query / "commits" / "0").write_text("v1\n{}")


def test_messages_that_a_query_has_not_read_are_named_and_open_sessions_are_not(tmp_path: Path) -> None:
    ends = {("plays", 0): 1200, ("activity", 0): 20}
    done, behind, never = (Unit(tmp_path / name) for name in ("done", "behind", "never"))
    for unit, archived in ((done, 1200), (behind, 100)):
        read_until(unit, "sessions", 1200, 20)
        read_until(unit, "archive", archived, 20)
    assert unread(done, ends) == []
    assert unread(behind, ends) == ["query archive has not read 1,100 messages of plays"]
    assert len(unread(never, ends)) == 4


def test_a_rate_that_was_not_held_is_one_line_and_no_success() -> None:
    held: dict[str, Any] = {
        "asked_rows_per_s": 20_000, "rows_per_s": 20_010, "is_reached": True, "is_caught_up": True, "speed": None,
        "rows": 9000, "sessions": 40, "lost": 0, "open": 353_890, "duplicated": 0, "wrong": 0, "reconciliation": [],
        "p95_latency_s": 4.0, "files": 4000, "peak_rss_mb": 6000, "growth": {"files": 1.0, "rss_mb": None},
    }  # fmt: skip
    assert failures(held) == []
    assert "lost 0, open 353,890, duplicated 0, wrong 0; open rows are of sessions that had not ended" in remarks(held)
    slower = held | {"rows_per_s": 15_000, "is_reached": False}
    assert failures(slower) == [
        "the rate was not held: 20,000 rows/s were asked for, 15,000 were sent; ask for less with --rows-per-s, or let "
        "nothing else run"
    ]
    behind = held | {"is_reached": False, "is_caught_up": False, "reconciliation": ["1 sessions are missing"]}
    assert [phrase.partition(",")[0] for phrase in failures(behind)] == [
        "1 sessions are missing",
        "the rate was not held: at 20",
    ]
