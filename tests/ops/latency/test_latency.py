"""The parts of `playproof latency`: its pace, its delays, what it reads from the tables. The whole is run by hand."""

import json
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import numpy as np
import pyarrow as pa
import pytest

from ops.errors import StackError
from ops.latency import driven_job, measure
from ops.latency.delays import Appended, watermark_passed_at
from ops.latency.pace import FLOOD, RatePace
from ops.latency.readings import RowsSent, read_alerts, read_sessions
from ops.stack.child_process import ChildProcess
from producer.errors import ReplayError
from runtime.event_text import format_time
from runtime.monitoring.totals import shorten
from runtime.settings import Settings
from runtime.world import Unit
from spark_app.stages.sessions.session_rows import SESSION_GAP_MS
from tests import lake_rows

MINUTE_MS = 60_000
NOON = datetime(2025, 3, 3, 12, tzinfo=UTC)
NOON_MS = int(NOON.timestamp()) * 1000


class StoppingClock(threading.Event):
    """A clock that moves on when somebody waits, and ends the wait of a held replay after a minute."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def wait(self, timeout: float | None = None) -> bool:
        self.now_s += timeout or 0.0
        if self.now_s > 60:
            self.set()
        return self.is_set()


def test_a_rate_is_kept_changed_and_held_and_a_stop_ends_a_held_replay() -> None:
    clock = StoppingClock()
    pace = RatePace(now=lambda: clock.now_s, stop=clock)
    pace.set_rate(FLOOD)
    assert all(pace.wait(0) for _ in range(1000))
    assert clock.now_s == 0
    pace.set_rate(4.0)
    assert all(pace.wait(0) for _ in range(41))
    assert abs(clock.now_s - 10) < 0.1
    pace.set_rate(0.0)
    assert not pace.wait(0)
    assert pace.batches == 1041


def test_the_watermark_passes_a_moment_when_the_slower_topic_is_a_minute_past_it() -> None:
    minutes = np.array([0, 31, 62]) * MINUTE_MS + NOON_MS
    topics = {
        # sent out of order: the newest event time by then counts
        "plays": Appended.of(np.array([30.0, 10.0, 20.0]), minutes[[2, 0, 1]]),
        "activity": Appended.of(np.array([11.0, 25.0, 31.0]), minutes),
    }
    ended_ms = np.array([NOON_MS - 1, NOON_MS, NOON_MS + 1, NOON_MS + 40 * MINUTE_MS])
    assert watermark_passed_at(topics, ended_ms + SESSION_GAP_MS).tolist() == [25.0, 25.0, 31.0, np.inf]


def batches_ended(unit: Unit, *ends: datetime) -> None:
    """Write the progress of micro-batches of a second that ended at these times."""
    unit.progress.mkdir(parents=True)
    began = [end - timedelta(seconds=1) for end in ends]
    reports = [
        {
            "name": "sessions",
            "timestamp": format_time(round(at.timestamp() * 1000)),
            "batchId": n,
            "batchDuration": 1000,
        }
        for n, at in enumerate(began)
    ]
    (unit.progress / "sessions.jsonl").write_text("".join(json.dumps(report) + "\n" for report in reports))


def times(*minutes: int) -> pa.Array:
    return pa.array([NOON + timedelta(minutes=m) for m in minutes], pa.timestamp("us", tz="UTC"))


def test_rows_can_be_read_since_the_micro_batch_ended_that_made_them(tmp_path: Path) -> None:
    unit = Unit(tmp_path)
    batches_ended(unit, NOON + timedelta(minutes=10), NOON + timedelta(minutes=20))
    lake_rows.commit(unit.table("sessions"), pa.table({"ended_at": times(0, 1), "scored_at": times(9, 10)}))
    lake_rows.commit(unit.table("sessions"), pa.table({"ended_at": times(2, 3), "scored_at": times(11, 21)}))
    ended_ms, since = read_sessions(unit)
    assert ((ended_ms - NOON_MS) // MINUTE_MS).tolist() == [0, 1, 2], "the last micro-batch has not ended"
    assert ((since - NOON_MS / 1000) // 60).tolist() == [10, 10, 20]
    raised = {"looked_at": times(5, 6), "alerted_at": times(12, 12), "withdrawn": pa.array([False, True])}
    lake_rows.commit(unit.table("alerts"), pa.table(raised))
    looked_ms, since = read_alerts(unit)
    assert ((looked_ms - NOON_MS) // MINUTE_MS).tolist() == [5]
    assert ((since - NOON_MS / 1000) // 60).tolist() == [20]
    assert read_alerts(Unit(tmp_path / "none"))[0].tolist() == []


def test_rows_of_micro_batches_whose_lines_were_removed_are_left_out(tmp_path: Path) -> None:
    unit = Unit(tmp_path)
    batches_ended(unit, *(NOON + timedelta(minutes=m) for m in (10, 20, 30)))
    file = unit.progress / "sessions.jsonl"
    line_bytes = file.stat().st_size // 3
    shorten(file, max_bytes=0, kept_bytes=2 * line_bytes)
    lake_rows.commit(unit.table("sessions"), pa.table({"ended_at": times(0, 1, 2), "scored_at": times(9, 19, 29)}))
    ended_ms, _ = read_sessions(unit)
    assert ((ended_ms - NOON_MS) // MINUTE_MS).tolist() == [2], "of the first line that is left it is not certain"


def test_keys_that_others_wrote_into_the_results_stay(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    file.write_text(json.dumps({"alerts": {"by_family": {}}, "highest_rows_per_s": 1}))
    assert measure.merged(file, {"highest_rows_per_s": 2}) == {"alerts": {"by_family": {}}, "highest_rows_per_s": 2}
    assert json.loads(file.read_text())["highest_rows_per_s"] == 2
    file.write_text("{")
    assert measure.merged(file, {"highest_rows_per_s": 3}) == {"highest_rows_per_s": 3}


def test_a_replay_that_fails_ends_the_measurement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ReplayError("no source")

    monkeypatch.setattr(driven_job, "replay", fail)
    settings, pace = Settings(data=tmp_path, world="w"), RatePace()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as job:
        unit = settings.the_world().unit
        child = ChildProcess("job", job, tmp_path / "log")
        measurement = driven_job.DrivenJob(settings.kafka(), unit, child, pace, lambda line: None)
        with pytest.raises(StackError, match="the replay ended: no source"), driven_job.replaying(settings, pace):
            measurement.highest_rate(1000)


def test_the_world_of_alerts_is_simulated_where_it_is_missing_and_used_where_it_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[tuple[str, ...]] = []
    monkeypatch.setattr(measure, "run_to_end", lambda command, environment: ran.append(tuple(command[4:6])))
    settings, parameters = Settings(data=tmp_path, world="latency"), measure.AlertParameters()
    measure.measure_alerts(settings, parameters, tmp_path / "results.json")
    assert ran == [("simulate", "--world"), ("model", "measure-alerts")]
    raw = tmp_path / measure.ALERTS_WORLD / "raw" / "plays" / "date=2025-03-03"
    raw.mkdir(parents=True)
    (raw / "part-0.parquet").touch()
    measure.measure_alerts(settings, parameters, tmp_path / "results.json")
    assert ran[2:] == [("model", "measure-alerts")]


class JobOfRates:
    """A job that does not catch up at half of the highest rate."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def hold(self, name: str, rows_per_s: float, seconds: float) -> driven_job.Phase:
        self.asked.append(name)
        return driven_job.Phase(name, rows_per_s, 0.0, seconds, 1.0, 0.0, is_caught_up=name != "half")


def test_after_a_rate_that_the_job_does_not_catch_up_with_no_other_is_measured() -> None:
    job = JobOfRates()
    phases = measure.hold_rates(cast(driven_job.DrivenJob, job), 1000.0, 1.0)
    assert job.asked == ["tenth", "half"]
    assert {name: phase is not None for name, phase in phases.items()} == {
        "tenth": True, "half": True, "nine_tenths": False, "idle": False,
    }  # fmt: skip


def test_each_rate_has_the_delays_of_what_it_caused_and_one_that_was_not_sent_is_not_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    minutes = np.arange(0, 120) * MINUTE_MS + NOON_MS
    appended = Appended.of(np.arange(120.0), minutes)
    sent = RowsSent(np.arange(120.0), np.full(120, 10))
    monkeypatch.setattr(measure, "read_topics", lambda kafka: ({"plays": appended, "activity": appended}, sent))
    monkeypatch.setattr(measure, "read_sessions", lambda table: (minutes[:2], np.array([33.0, 36.0])))
    monkeypatch.setattr(measure, "read_alerts", lambda table: (np.empty(0, np.int64), np.empty(0)))
    phases = {
        "tenth": driven_job.Phase("tenth", 10.0, 0.0, 60.0, 6.0, 3.0),
        "half": driven_job.Phase("half", 50.0, 60.0, 120.0, 6.0, 3.0),
        "nine_tenths": None,
    }
    by_rate = measure.by_rate_of(Settings(data=tmp_path).kafka(), Unit(tmp_path), phases)
    # sessions that end at noon and a minute later are due 30 minutes on, and the watermark is a minute behind
    assert by_rate["tenth"]["sessions"] == {"rows": 2, "p50_s": 3.0, "p95_s": 3.9, "p99_s": 3.98}
    assert (by_rate["tenth"]["rows_per_s"], by_rate["tenth"]["is_reached"]) == (10, True)
    assert (by_rate["half"]["rows_per_s"], by_rate["half"]["is_reached"], by_rate["half"]["sessions"]) == (
        10,
        False,
        None,
    )
    assert by_rate["nine_tenths"] is None
    assert by_rate["tenth"]["alerts"] is None
