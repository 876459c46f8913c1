"""A world of three messages, one per micro-batch and one unread, and what the job must have written of them."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from kafka import KafkaProducer

from contracts.events import ACTIVITY, HEADER_CLOCK_MS, HEADER_ROWS, HEARTBEAT_USER, PLAYS
from ops.reconcile.reconciliation import Reconciliation, reconcile
from ops.reconcile.row_rules import hash64
from ops.stack.broker import Broker
from runtime.event_text import format_time
from runtime.units import MINUTE_MS
from runtime.world import Unit, World
from tests import lake_rows
from tests.producer.empty_topics import empty_topics
from tests.producer.raw_world import START_MS

WATERMARK_MS = START_MS + 60 * MINUTE_MS
Session = dict[str, Any]


def play(play_id: str, user: str, minute: float) -> dict[str, Any]:
    when = format_time(START_MS + int(minute * MINUTE_MS))
    return {"play_id": play_id, "user_id": user, "event_time": when, "track_id": "t", "listen_ms": "30000", "ts": 1}


def session(user: str, plays: dict[str, float]) -> Session:
    """Describe a session of plays (id -> minute) as the job would write it."""
    ids = sum(hash64(play_id) for play_id in plays)
    return {
        "user_id": user,
        "started_at": START_MS + int(min(plays.values()) * MINUTE_MS) - 30_000,
        "ended_at": START_MS + int(max(plays.values()) * MINUTE_MS),
        "plays_rows": len(plays),
        "plays_hash": int(np.uint64(ids % 2**64).view(np.int64)),
        "activity_rows": 0,
        "activity_hash": 0,
    }


RIGHT = [session("ann", {"p1": 5, "p2": 10}), session("bob", {"p3": 6})]
"""What the job must have written of the first message below, whose heartbeat moves the watermark to an hour."""
MESSAGES: list[list[Any]] = [
    [
        play("p1", "ann", 5),
        play("p2", "ann", 10),
        play("p3", "bob", 6),
        play("p1", "ann", 5),
        5,
        play("beat", HEARTBEAT_USER, 61),
    ],
    [play("late", "ann", 20), play("open", "ann", 65)],
    [play("unread", "bob", 66), "unread and bad"],
]
BEAT = {
    "event_id": "beat",
    "action": "search",
    "user_id": HEARTBEAT_USER,
    "event_time": format_time(WATERMARK_MS + MINUTE_MS),
}
"""The activity that micro-batch 0 reads, as far as its plays."""


def write_sessions(unit: Unit, sessions: list[Session]) -> None:
    """Make sessions the content of the table."""
    times = pa.timestamp("us", "UTC")
    columns = {name: [s[name] for s in sessions] for name in RIGHT[0]}
    table = pa.table(columns)
    for name in ("started_at", "ended_at"):
        milliseconds = table.column(name).cast(pa.int64()).cast(pa.timestamp("ms", "UTC"))
        table = table.set_column(table.schema.get_field_index(name), name, milliseconds.cast(times))
    shutil.rmtree(unit.table("sessions"), ignore_errors=True)
    lake_rows.commit(unit.table("sessions"), table, writer="sessions", batch=1)


def write_offsets(unit: Unit, batch: int, watermark_ms: int, plays_end: int) -> None:
    folder = unit.checkpoints / "sessions" / "offsets"
    folder.mkdir(parents=True, exist_ok=True)
    lines = {"batchWatermarkMs": watermark_ms}, {PLAYS: {"0": plays_end}}, {ACTIVITY: {"0": 1}}
    (folder / str(batch)).write_text("\n".join(["v1", *map(json.dumps, lines)]))


def headers(rows: int, **more: bytes) -> list[tuple[str, bytes]]:
    """Return the headers of a message of so many rows, sent after an hour and 5 minutes."""
    clock_ms = START_MS + 65 * MINUTE_MS
    return [(HEADER_CLOCK_MS, str(clock_ms).encode()), (HEADER_ROWS, str(rows).encode()), *more.items()]


def write_world(broker: Broker, root: Path) -> World:
    """Three messages: the first read by micro-batch 0, the second by 1 under an hour's watermark, the third unread."""
    made = World(root)
    empty_topics(broker.kafka)
    producer = KafkaProducer(bootstrap_servers=broker.address)
    for topic, rows in [*((PLAYS, rows) for rows in MESSAGES), (ACTIVITY, [BEAT])]:
        producer.send(topic, json.dumps(rows).encode(), headers=headers(len(rows)), partition=0)
    producer.close()
    write_offsets(made.unit, 0, WATERMARK_MS - 1, 1)
    write_offsets(made.unit, 1, WATERMARK_MS, 2)
    return made


def reconciled(world: World, broker: Broker, sessions: list[Session]) -> Reconciliation:
    """Reconcile a world whose table has these sessions."""
    write_sessions(world.unit, sessions)
    return reconcile(world, broker.kafka)
