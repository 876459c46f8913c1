"""Builders of scored sessions, as reports read them back from lake/sessions."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from contracts.tables import SESSIONS, ddl

SCORED_AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def scored(
    second: float = 0, *, is_flagged: bool = False, tracks: Mapping[str, int] | None = None, **values: Any
) -> dict[str, Any]:
    """Build a session scored at a second, by default a genuine one of 3 plays; `tracks` are streams by track."""
    counts = dict(tracks or {"t1": 2})
    row = {"session_key": f"s{second}", "user_id": "u1", "plays": 3.0, "hours": 0.5, "is_flagged": is_flagged}
    row["date"] = SCORED_AT.date()
    row |= {"scored_at": SCORED_AT + timedelta(seconds=second), "streams": float(sum(counts.values()))}
    return row | {"track_counts": list(counts.items())} | values


def table_of(spark: SparkSession, *sessions: Mapping[str, Any]) -> DataFrame:
    """Make lake/sessions of them."""
    return spark.createDataFrame([tuple(s.get(c.name) for c in SESSIONS) for s in sessions], ddl(SESSIONS))
