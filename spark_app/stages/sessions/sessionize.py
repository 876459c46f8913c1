"""Session rows to sessions: de-duplicate, drop heartbeats, and gather the rows of each session."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from contracts.events import HEARTBEAT_USER

WATERMARK_DELAY = "1 minute"
"""How far the watermark stays behind the newest event_time of the slower topic."""
SESSION_GAP = "30 minutes"


def deduplicate(rows: DataFrame) -> DataFrame:
    """Drop every further row of the same topic and id; in a stream this is also where late rows end, and are counted.

    Without this step Spark would test lateness against the end of the window a row would open: rows up to 31 minutes
    late would get in, some into a second session beside an emitted one.
    """
    key = ["topic", "id_hash"]
    return rows.dropDuplicatesWithinWatermark(key) if rows.isStreaming else rows.dropDuplicates(key)


def drop_heartbeats(rows: DataFrame) -> DataFrame:
    """Drop the rows that only move the watermark.

    Only after `deduplicate`: Spark pushes a filter on user_id below the watermark, where it would undo them.
    """
    return rows.where(F.col("user_id") != HEARTBEAT_USER)


def sessionize(rows: DataFrame) -> DataFrame:
    """Gather the rows of each session: user_id, items (unsorted).

    A session has no gap over 30 minutes and ends at the account's 3-h cut.
    """
    window = F.session_window("event_time", SESSION_GAP)
    gathered = rows.groupBy("user_id", "cut", window).agg(F.collect_list("item").alias("items"))
    # one row per (user, cut, session); the window struct must go: keeping it blocks the eviction of later state
    return gathered.select("user_id", "items")
