"""Put rows into Kafka messages: a JSON list of up to 200 rows, with headers the job and the plot can trust."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import orjson

from contracts.events import (
    FIELDS,
    HEADER_BATCH,
    HEADER_CLOCK_MS,
    HEADER_HEARTBEAT,
    HEADER_MESSAGE,
    HEADER_ROWS,
    HEARTBEAT_USER,
    ID_FIELD,
    ROWS_PER_BATCH,
    Field,
)
from producer.kafka.encode import join_rows
from runtime.event_text import Headers, format_time, header_number


class Identity(NamedTuple):
    """Which of a topic's messages one is, by its headers."""

    number: int
    batch: int
    clock_ms: int


@dataclass(frozen=True, slots=True)
class Message:
    """One message, before it has a partition. `rows` says how many objects its list has."""

    topic: str
    value: bytes
    rows: int
    batch: int
    clock_ms: int
    is_heartbeat: bool = False

    def headers(self, number: int) -> list[tuple[str, bytes]]:
        """Return the Kafka headers; `number` is the message's place among its topic's messages."""
        pairs = {
            HEADER_ROWS: self.rows,
            HEADER_BATCH: self.batch,
            HEADER_CLOCK_MS: self.clock_ms,
            HEADER_HEARTBEAT: int(self.is_heartbeat),
            HEADER_MESSAGE: number,
        }
        return [(name, str(value).encode()) for name, value in pairs.items()]


def read_identity(headers: Headers) -> Identity | None:
    """Return which message of a replay one is; None for a message of another producer.

    >>> read_identity([("message", b"4"), ("batch", b"2"), ("clock_ms", b"99")])
    Identity(number=4, batch=2, clock_ms=99)
    >>> read_identity([("message", b"abc"), ("batch", b"2"), ("clock_ms", b"99")])
    """
    number, batch, clock_ms = (header_number(headers, name) for name in (HEADER_MESSAGE, HEADER_BATCH, HEADER_CLOCK_MS))
    if number is None or batch is None or clock_ms is None:
        return None
    return Identity(number, batch, clock_ms)


def pack(topic: str, rows: Sequence[str], batch: int, clock_ms: int, ts: int) -> list[Message]:
    """Pack row texts into messages of up to 200 rows."""
    parts = (rows[i : i + ROWS_PER_BATCH] for i in range(0, len(rows), ROWS_PER_BATCH))
    return [Message(topic, join_rows(part, ts), len(part), batch, clock_ms) for part in parts]


def empty(topic: str, batch: int, clock_ms: int) -> Message:
    """Make the message of a batch that has no rows of a topic: its count is 0, and not unknown."""
    return Message(topic, b"[]", 0, batch, clock_ms)


def heartbeat(topic: str, batch: int, clock_ms: int, ts: int) -> Message:
    """Make the message that only moves a topic's watermark to `clock_ms`."""
    row_id = f"heartbeat-{topic}-{batch}"
    row = {f.name: _heartbeat_value(f, row_id, clock_ms) for f in FIELDS[topic] if f.is_required}
    text = orjson.dumps({ID_FIELD[topic]: row_id, **row}).decode()
    return Message(topic, join_rows([text[:-1]], ts), 1, batch, clock_ms, is_heartbeat=True)


def _heartbeat_value(field: Field, row_id: str, clock_ms: int) -> str:
    if field.name in ID_FIELD.values():
        return row_id
    by_kind = {"time": format_time(clock_ms), "ms": "0", "code": "heartbeat", "id": HEARTBEAT_USER}
    return by_kind[field.kind]
