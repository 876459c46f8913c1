"""What the console says while no session is scored."""

from pathlib import Path

from runtime.monitoring.progress import MicroBatch
from runtime.world import Unit
from spark_app.queries.waiting import describe, waiting_message

FIRST = 1741005060.0
"""2025-03-03 12:31 UTC."""


def batch(watermark_at: float | None, behind: int = 0) -> MicroBatch:
    return MicroBatch("sessions", 3, 0.0, 1.0, 5, watermark_at=watermark_at, behind={"plays": behind, "activity": 0})


def test_before_a_row_was_read_it_names_the_command_that_sends_some(tmp_path: Path) -> None:
    assert waiting_message(Unit(tmp_path), "UTC").endswith("send some with  playproof replay")


def test_without_a_watermark_it_still_says_when_the_first_session_can_close() -> None:
    line = describe(batch(None), FIRST, False, "Australia/Melbourne")
    assert line.strip() == (
        "no session has closed yet: watermark none yet, the first can close at 2025-03-04 00:01 of listener time"
    )


def test_a_watermark_beyond_it_means_that_every_session_goes_on() -> None:
    assert "12:59 of" not in describe(batch(FIRST + 1740), FIRST, False, "UTC")
    line = describe(batch(FIRST + 1800), FIRST, False, "UTC")
    assert "watermark 2025-03-03 13:01 of listener time, and every session goes on" in line


def test_silence_after_sessions_says_whether_messages_wait() -> None:
    assert "every message has been read; watermark 2025-03-03 12:31" in describe(batch(FIRST), FIRST, True, "UTC")
    assert "1,200 messages wait in the topics" in describe(batch(FIRST, 1200), FIRST, True, "UTC")
