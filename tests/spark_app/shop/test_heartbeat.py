"""The job's heartbeat: the sender's clock, when a beat is due, and when the job may stop."""

import json
from pathlib import Path

from runtime.monitoring.progress import DEDUPLICATION, MicroBatch
from runtime.world import Unit
from spark_app.shop.heartbeat import EVERY_S, Heartbeat, SenderClock
from spark_app.shop.start import Monitor, is_settled


class Clock:
    """A clock that stands still until it is moved."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def batch(number: int, newest_at: float | None, behind: int = 0, state: int = 0) -> MicroBatch:
    return MicroBatch(
        "predictions",
        number,
        0.0,
        1.0,
        1,
        newest_at=newest_at,
        behind={"browsing": behind},
        state_rows={"sessionWindowStateStoreSaveExec": state, DEDUPLICATION: 9},
    )


def beats(folder: Path) -> list[float]:
    return sorted(json.loads(file.read_text())["ts"] for file in folder.glob("*.json"))


def test_the_clock_is_never_ahead_of_the_sender_and_goes_on_in_silence() -> None:
    ours = Clock()
    senders = SenderClock(ours)
    assert senders.now is None
    senders.observe(5000.0)  # sent at 5000, seen at 100
    ours.now += 7
    assert senders.now == 5007.0
    senders.observe(5001.0)  # an older row, seen later, does not put it back
    assert senders.now == 5007.0
    senders.observe(5020.0)
    assert senders.now == 5020.0


def test_a_heartbeat_is_due_only_where_everything_that_was_sent_is_read(tmp_path: Path) -> None:
    ours = Clock()
    heartbeat = Heartbeat([tmp_path], ours)
    ours.now += EVERY_S
    heartbeat.beat(None)
    heartbeat.beat(batch(1, 5000.0, behind=3))
    assert beats(tmp_path) == []
    ours.now += 1
    heartbeat.beat(batch(2, 5000.5))
    assert beats(tmp_path) == [5001.0]
    heartbeat.beat(batch(2, 5000.5))
    assert len(beats(tmp_path)) == 1
    ours.now += EVERY_S
    heartbeat.beat(batch(2, 5000.5))
    assert beats(tmp_path) == [5001.0, 5001.0 + EVERY_S]


def test_a_job_is_settled_where_nothing_waits_and_no_session_is_open() -> None:
    assert is_settled(batch(1, None))
    assert not is_settled(batch(1, None, behind=1))
    assert not is_settled(batch(1, None, state=1))


def write_progress(unit: Unit, number: int, end: int, in_sessions: int) -> None:
    """Append what Spark reports of a micro-batch that has read `end` messages of browsing."""
    report = {
        "name": "predictions", "batchId": number, "timestamp": "2025-04-28T05:26:52.000Z",
        "eventTime": {"max": "2025-04-28T05:26:52.000Z"},
        "stateOperators": [{"operatorName": "symmetricHashJoin", "numRowsTotal": in_sessions,
                            "numRowsDroppedByWatermark": 0}],
        "sources": [{"description": "KafkaV2[Subscribe[browsing]]", "endOffset": {"browsing": {"0": end}},
                     "latestOffset": {"browsing": {"0": end}}}],
    }  # fmt: skip
    unit.progress.mkdir(parents=True, exist_ok=True)
    with (unit.progress / "predictions.jsonl").open("a") as log:
        log.write(json.dumps(report) + "\n")


def test_the_job_ends_so_many_seconds_after_the_last_row_and_not_while_a_session_is_open(tmp_path: Path) -> None:
    unit, ours = Unit(tmp_path), Clock()
    monitor = Monitor(unit, 20.0, lambda: None, ours)
    ours.now += 60
    assert not monitor.is_done()  # nothing has come yet
    write_progress(unit, 1, end=5, in_sessions=7)
    assert not monitor.is_done()
    ours.now += 21
    assert not monitor.is_done()  # a session is open
    write_progress(unit, 2, end=5, in_sessions=0)
    assert monitor.is_done()
    write_progress(unit, 3, end=6, in_sessions=0)
    assert not monitor.is_done()  # one more message
    ours.now += 21
    assert monitor.is_done()
    assert len(beats(unit.root / "heartbeats" / "browsing")) == 3
