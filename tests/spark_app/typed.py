"""Builders of typed rows as the parser hands them on, of static tables, and of both as DataFrames."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

import xxhash
from pyspark.sql import DataFrame, SparkSession

from contracts.events import ACTIVITY, HEARTBEAT_USER, ID_FIELD, PLAYS
from contracts.tables import LAKE, STATIC, USER_BASELINES, ddl
from runtime.event_text import parse_time
from spark_app.pipeline import build_sessions, score_sessions
from spark_app.stages.session_step.operator import broadcast_tracks, pack_rows
from spark_app.stages.sessions.account_baselines import AccountBaselines
from spark_app.stages.sessions.features.own_history import BASELINE_STATISTICS
from spark_app.stages.sessions.session_rows import WATERMARK_DELAY

TypedRow = dict[str, Any]

NOON_MS = parse_time("2026-03-01T12:00:00.000Z") or 0
"""Second 0 of every built row."""
SPARK_SEED = 42
"""Spark's xxhash64 starts from it."""


def at(second: float) -> datetime:
    """Return the moment a number of seconds after noon; milliseconds exact."""
    return datetime.fromtimestamp((NOON_MS + round(second * 1000)) / 1000, UTC)


def hash_of(text: str) -> int:
    """Hash as Spark's xxhash64 does: a signed 64-bit integer."""
    unsigned = xxhash.xxh64_intdigest(text.encode(), seed=SPARK_SEED)
    return unsigned - 2**64 if unsigned >= 2**63 else unsigned


def play(second: float = 0, listen_s: float = 40, *, user: str = "u1", **values: Any) -> TypedRow:
    """Build a play that ends at a second; its id follows from account and time unless given."""
    row = {"play_id": f"{user}@{second}", "user_id": user, "event_time": at(second), "track_id": "t1"}
    return {**row, "listen_ms": round(listen_s * 1000), "ts": 0, **values}


def event(second: float = 0, action: str = "search", *, user: str = "u1", **values: Any) -> TypedRow:
    """Build an activity row."""
    row = {"event_id": f"{user}@{second}", "user_id": user, "event_time": at(second), "action": action, "ts": 0}
    return {**row, **values}


def heartbeats(second: float) -> list[TypedRow]:
    """Build a heartbeat of both topics."""
    return [play(second, 0, user=HEARTBEAT_USER), event(second, "heartbeat", user=HEARTBEAT_USER)]


def topic_of(row: TypedRow) -> str:
    return PLAYS if ID_FIELD[PLAYS] in row else ACTIVITY


def frame(spark: SparkSession, schema: str, names: Sequence[str], rows: Sequence[TypedRow]) -> DataFrame:
    return spark.createDataFrame([tuple(row.get(name) for name in names) for row in rows], schema)


def of_topic(spark: SparkSession, topic: str, rows: Sequence[TypedRow]) -> DataFrame:
    """Make a typed DataFrame of the rows that belong to a topic."""
    mine = [row for row in rows if topic_of(row) == topic]
    return frame(spark, ddl(LAKE[topic]), [c.name for c in LAKE[topic]], mine)


def static(spark: SparkSession, table: str, *rows: TypedRow) -> DataFrame:
    """Make a static table, for which a test names only the values that matter."""
    return frame(spark, ddl(STATIC[table]), [c.name for c in STATIC[table]], rows)


def tracks(spark: SparkSession) -> DataFrame:
    """t1 and t2 of one artist, t3 of another; others are unknown."""
    return static(
        spark,
        "tracks",
        {"track_id": "t1", "artist_id": "a1", "duration_ms": 200_000, "total_track_popularity": 1e-3},
        {"track_id": "t2", "artist_id": "a1", "duration_ms": 100_000, "total_track_popularity": 1e-5},
        {"track_id": "t3", "artist_id": "a2", "duration_ms": 30_000},
    )


def account_baselines(spark: SparkSession) -> AccountBaselines:
    """The own histories of u1 and u2, as of the day of second 0."""
    as_of = date(2026, 3, 1)
    statistics = dict.fromkeys(BASELINE_STATISTICS, 0.25)
    rows = [{"user_id": user, "as_of": as_of, "history_days": 9, **statistics} for user in ("u1", "u2")]
    columns = ("as_of", *(c.name for c in USER_BASELINES))
    return AccountBaselines(frame(spark, f"as_of date, {ddl(USER_BASELINES)}", columns, rows), (as_of,))


def users(spark: SparkSession) -> DataFrame:
    """u1, on a paid plan in Melbourne, and u2; others are unknown."""
    return static(
        spark,
        "users",
        {"user_id": "u1", "signed_up_on": date(2026, 1, 1), "plan": "premium", "timezone": "Australia/Melbourne"},
        {"user_id": "u2", "signed_up_on": date(2026, 2, 28), "plan": "free", "timezone": "UTC"},
    )


def sessions_with_features(
    plays: DataFrame,
    activity: DataFrame,
    tracks: DataFrame,
    users: DataFrame,
    baselines: AccountBaselines | None = None,
) -> DataFrame:
    """Turn typed rows into sessions with features, by the stages of the job."""
    packed = pack(plays, activity, tracks)
    return build_sessions(*packed, users, baselines).transform(score_sessions, (), scorer=None)


def pack(plays: DataFrame, activity: DataFrame, tracks: DataFrame) -> tuple[DataFrame, DataFrame]:
    """Pack typed rows of both topics by bucket; of streams, with the job's watermark on each."""
    lookup = broadcast_tracks(tracks)
    packed = pack_rows(plays, PLAYS, lookup), pack_rows(activity, ACTIVITY, lookup)
    if not plays.isStreaming:
        return packed
    with_watermarks = [rows.withWatermark("event_time", WATERMARK_DELAY) for rows in packed]
    return with_watermarks[0], with_watermarks[1]
