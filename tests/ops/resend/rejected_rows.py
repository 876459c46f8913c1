"""Messages of topic plays, what the job rejected of them, and what was sent again."""

import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition

from contracts.events import FAR_CLOCK, HEADER_CLOCK_MS, HEADER_ROWS, NO_CLOCK, PLAYS, UNREADABLE
from ops.reconcile.row_rules import parse_messages
from ops.reconcile.topic_rows import all_partitions, record_chunks
from ops.resend.dead_letters import Place, places_in
from ops.stack.broker import Broker
from runtime.event_text import format_time, header_number
from runtime.world import World
from tests.producer.empty_topics import empty_topics
from tests.producer.raw_world import START_MS

Line = tuple[int, int | None, str]
"""A line of lake/rejected: offset, position and reason."""
BAD_MS = "listen_ms: expected whole milliseconds, at most 8 digits"
FAR_MS = 4_083_000_000_000


def play(name: str, minute: int = 0, **changes: Any) -> dict[str, Any]:
    at = format_time(START_MS + minute * 60_000)
    return {"play_id": name, "user_id": "u", "event_time": at, "track_id": "t", "listen_ms": "40000"} | changes


MESSAGES: list[tuple[list[Any], int | None]] = [
    ([play("a", 1), play("b", 2)], None),
    ([play("c", 3)], FAR_MS),
    ([play("good", 4), play("d", 4, listen_ms="-1"), "no object"], START_MS),
]
"""Rows, and the clock that they came with."""
REJECTED: list[Line] = [
    (0, 0, NO_CLOCK), (0, 1, NO_CLOCK), (1, 0, FAR_CLOCK), (2, 1, BAD_MS), (2, 2, "row: not an object"),
    (7, None, UNREADABLE),
]  # fmt: skip


def send_messages(broker: Broker) -> None:
    """Make the topics anew, with MESSAGES in partition 0 of topic plays."""
    empty_topics(broker.kafka)
    with KafkaProducer(bootstrap_servers=broker.address) as producer:
        for rows, clock_ms in MESSAGES:
            headers = [] if clock_ms is None else [(HEADER_CLOCK_MS, str(clock_ms).encode())]
            producer.send(PLAYS, json.dumps(rows).encode(), headers=headers, partition=0)


def write_rejected(world: World) -> None:
    folder = world.unit.table("rejected") / "batch_id=0"
    folder.mkdir(parents=True)
    lines = [
        {"topic": PLAYS, "partition": 0, "offset": offset, "position": position, "rows": 1, "reason": reason}
        for offset, position, reason in REJECTED
    ]
    pq.write_table(pa.Table.from_pylist(lines), folder / "part.parquet")
    (folder / "_SUCCESS").touch()


def remove(broker: Broker, before: int) -> None:
    """Remove the messages before an offset from the topic, as its retention does."""
    with KafkaAdminClient(bootstrap_servers=broker.address) as admin:
        admin.delete_records({TopicPartition(PLAYS, 0): before})


def sent_again(broker: Broker) -> list[tuple[list[str], set[Place]]]:
    """Return the rows of each message that was sent again, and the places that it names. The rules must accept it."""
    found = []
    for _, records in record_chunks(broker.kafka, all_partitions(broker.kafka, PLAYS)):
        for record in (record for record in records if record.offset >= len(MESSAGES)):
            rows = json.loads(record.value)
            assert header_number(record.headers, HEADER_ROWS) == len(rows)
            parsed = parse_messages(PLAYS, [(record.value, record.headers)], [record.timestamp])
            assert parsed.rejected.tolist() == [0]
            found.append(([row["play_id"] for row in rows], places_in(record.headers)))
    return found
