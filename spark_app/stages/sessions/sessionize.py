"""Session rows to sessions: drop duplicates and heartbeats, and collect the rows of each session."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from contracts.events import HEARTBEAT_USER

WATERMARK_DELAY = "1 minute"
"""How far the watermark stays behind the newest event_time of the slower topic."""
SESSION_GAP_MINUTES = 30
SESSION_GAP = f"{SESSION_GAP_MINUTES} minutes"


def drop_late_and_duplicates(rows: DataFrame) -> DataFrame:
    """Keep one row per topic and id; in a stream, also drop the rows at or before the watermark, and count both.

    Without this step Spark would compare the watermark with the end of the window that a row would open: rows up to 31
    minutes late would get in, and some of them would open a second session next to one that is written already.
    """
    key = ["topic", "id_hash"]
    return rows.dropDuplicatesWithinWatermark(key) if rows.isStreaming else rows.dropDuplicates(key)


def drop_heartbeats(rows: DataFrame) -> DataFrame:
    """Drop the rows that only move the watermark.

    Must follow `drop_late_and_duplicates`: otherwise Spark moves the filter before the watermark, which would then
    miss the heartbeats.
    """
    return rows.where(F.col("user_id") != HEARTBEAT_USER)


def sessionize(rows: DataFrame) -> DataFrame:
    """Collect the rows of each session: user_id, items (unsorted), first_event_ms.

    A session has no gap over 30 minutes and ends at the account's 3-h cut.
    """
    window = F.session_window("event_time", SESSION_GAP)
    sessions = rows.groupBy("user_id", "cut", window).agg(F.collect_list("item").alias("items"))
    # one row per (user, cut, session); without the window struct, which would block the eviction of later state
    return sessions.select("user_id", "items", F.array_min("items")["event_ms"].alias("first_event_ms"))
