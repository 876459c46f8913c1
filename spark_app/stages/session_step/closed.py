"""Closed sessions as columns, a row per session: what the session step hands to Spark."""

import pyarrow as pa

from spark_app.stages.session_step.step import ClosedSessions
from spark_app.stages.sessions.session_records import RECORD_DDL, write_records

SESSION_COLUMNS = ("user_id", "first_event_ms", "records", "tracks", "client_sessions")
SESSION_DDL = f"user_id string, first_event_ms bigint, {RECORD_DDL}"


def session_columns(closed: ClosedSessions) -> pa.RecordBatch:
    """Return SESSION_COLUMNS of closed sessions; by `first_event_ms` the own history of an account is chosen."""
    first = pa.array(closed.first)
    columns = {
        "user_id": closed.rows["user_id"].combine_chunks().take(first),
        "first_event_ms": closed.rows["event_ms"].combine_chunks().take(first),
        **write_records(closed.rows, closed.session, len(closed)),
    }
    return pa.RecordBatch.from_arrays([columns[name] for name in SESSION_COLUMNS], names=list(SESSION_COLUMNS))
