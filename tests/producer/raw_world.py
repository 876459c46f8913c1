"""Builders of a world's raw tables, with defaults, so a test shows just the values that matter."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.events import ACTIVITY, FIELDS, ID_FIELD, PLAYS
from runtime.world import World

START_MS = 1_767_225_600_000
"""2026-01-01T00:00:00Z."""
_DEFAULTS: dict[str, Any] = {
    "user_id": "u1", "track_id": "t1", "listen_ms": 40_000, "reason_start": "clickrow", "reason_end": "trackdone",
    "shuffle": False, "action": "search",
}  # fmt: skip


def raw_table(topic: str, rows: Sequence[dict[str, Any]]) -> pa.Table:
    """Make a raw table; a row needs an `event_ms`, other fields have defaults or are null."""
    columns: dict[str, pa.Array] = {}
    for field in FIELDS[topic]:
        if field.name == "ts":
            continue
        if field.kind == "time":
            times = pa.array([row["event_ms"] for row in rows], pa.int64())
            columns[field.name] = times.cast(pa.timestamp("ms", "UTC"))
            continue
        kind = {"ms": pa.int32(), "bool": pa.bool_()}.get(field.kind, pa.string())
        default = _DEFAULTS.get(field.name)
        values = [row.get(field.name, default) for row in rows]
        if field.name == ID_FIELD[topic]:
            values = [row.get(field.name, f"{topic[0]}{place}") for place, row in enumerate(rows)]
        columns[field.name] = pa.array(values, kind)
    return pa.table(columns)


def write_raw(root: Path, plays: Sequence[dict[str, Any]], activity: Sequence[dict[str, Any]], files: int = 2) -> World:
    """Write a world's raw tables, each split over `files` files."""
    world = World(root)
    for topic, rows in ((PLAYS, plays), (ACTIVITY, activity)):
        table = raw_table(topic, rows)
        size = -(-len(rows) // files)
        for part in range(files):
            path = world.raw(topic) / f"date=2026-01-{part + 1:02d}" / "part.parquet"
            path.parent.mkdir(parents=True)
            pq.write_table(table.slice(part * size, size), path)
    return world


def at(*event_ms: int) -> list[dict[str, Any]]:
    """Make rows at times given in ms after START_MS."""
    return [{"event_ms": START_MS + ms} for ms in event_ms]
