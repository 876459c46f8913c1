"""What the job waits for while no session is scored, in one line for the console."""

from datetime import UTC, datetime

from runtime.monitoring import progress
from runtime.monitoring.progress import MicroBatch
from runtime.units import MINUTE_MS
from runtime.world import Unit
from spark_app.queries.console import local_time
from spark_app.queries.sessions import NAME as SESSIONS
from spark_app.stages.sessions.session_rows import SESSION_GAP_MS

SESSION_GAP_MINUTES = SESSION_GAP_MS // MINUTE_MS
LISTENER_TIME = "%Y-%m-%d %H:%M"
"""A replayed world has days of its own, so the time alone would mislead."""


def waiting_message(unit: Unit, time_zone: str) -> str:
    """Say why there is no session in the last 2 minutes. Reads the progress of query `sessions`."""
    has_sessions = any(unit.table(SESSIONS).glob("date=*"))
    return describe(
        progress.last_micro_batch(unit, SESSIONS), progress.first_event_at(unit, SESSIONS), has_sessions, time_zone
    )


def describe(last: MicroBatch | None, first_event_at: float | None, has_sessions: bool, time_zone: str) -> str:
    """Write the line. `last` is the newest micro-batch of query `sessions`, `first_event_at` epoch seconds.

    >>> describe(None, None, False, "UTC")
    '  no row has been read yet: send some with  playproof replay'
    >>> batch = MicroBatch("sessions", 3, 0, 1, 5, watermark_at=1741005060.0)
    >>> describe(batch, 1741005060.0, False, "UTC")
    '  no session has closed yet: watermark 2025-03-03 12:31, the first can close at 2025-03-03 13:01 of listener time'
    """
    if last is None or first_event_at is None:
        return "  no row has been read yet: send some with  playproof replay"

    def listener_time(at: float) -> str:
        return local_time(datetime.fromtimestamp(at, UTC), time_zone, LISTENER_TIME)

    watermark = "none yet" if last.watermark_at is None else listener_time(last.watermark_at)
    if has_sessions:
        waiting = sum(last.behind.values())
        topics = f"{waiting:,} messages wait in the topics" if waiting else "every message has been read"
        return f"  no session of these 2 minutes has been read: {topics}; watermark {watermark} of listener time"
    first_close = first_event_at + SESSION_GAP_MINUTES * 60
    if last.watermark_at is not None and last.watermark_at >= first_close:
        return (
            f"  no session has closed yet: watermark {watermark} of listener time, and every session goes on; "
            f"one closes {SESSION_GAP_MINUTES} minutes after its last row"
        )
    return (
        f"  no session has closed yet: watermark {watermark}, the first can close at {listener_time(first_close)} "
        "of listener time"
    )
