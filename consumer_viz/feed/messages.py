"""What one Kafka message says to the plot: how many rows, how many streams, sent when; or one fraud count.

A message comes from outside: a bad row is counted and left out, a bad message raises `BadMessage`.
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from contracts.events import HEADER_BATCH, HEARTBEAT_USER, PLAYS, STREAM_MS
from contracts.topics import FRAUD_COUNTS, TOPICS

LATEST_TS = 253_402_300_799
"""9999-12-31 in epoch seconds: a larger `ts` is in another unit."""

MAX_BATCH = 2**53
"""A larger batch number is nonsense, and would not survive a trip through a float."""

MAX_MS_DIGITS = 8
"""Digits of `listen_ms` by the row rules (contracts.events.MS_PATTERN)."""

Headers = Iterable[tuple[str, bytes]]


class BadMessage(Exception):
    """A message that says nothing that can be plotted; the text says what is wrong with it."""


class Arrival(NamedTuple):
    """Rows of one batch that came in one message; heartbeats are not among them."""

    topic: str
    ts: int
    """When the batch was sent, epoch seconds."""
    batch: int
    rows: int
    streams: int
    """Plays of at least 30 s; 0 for activity."""
    bad_rows: int


class FraudWindow(NamedTuple):
    """One version of a fraud-count window. Times are epoch seconds; the newest `batch_id` of a window holds."""

    start: float
    end: float
    sessions: int
    flagged: int
    flagged_streams: int
    batch_id: int


def read_rows(topic: str, value: bytes, headers: Headers) -> Arrival:
    """Count the rows of a message of topic `plays` or `activity`. Raises BadMessage.

    >>> read_rows("plays", b'[{"user_id": "u1", "listen_ms": "30000", "ts": 5}]', [("batch", b"7")])
    Arrival(topic='plays', ts=5, batch=7, rows=1, streams=1, bad_rows=0)
    """
    listed = _load(value)
    if not isinstance(listed, list):
        raise BadMessage("not a list of rows")
    ts, rows, streams, bad_rows = None, 0, 0, 0
    for row in listed:
        if not isinstance(row, dict) or not isinstance(row.get("user_id"), str):
            bad_rows += 1
            continue
        ts = row.get("ts") if ts is None else ts
        if row["user_id"] == HEARTBEAT_USER:
            continue
        if topic == PLAYS:
            listen_ms = _milliseconds(row.get("listen_ms"))
            if listen_ms is None:
                bad_rows += 1
                continue
            streams += listen_ms >= STREAM_MS
        rows += 1
    if type(ts) is not int or not 0 <= ts <= LATEST_TS:  # a bool is an int too
        raise BadMessage("no row with an integer ts in epoch seconds")
    return Arrival(topic, ts, _batch_number(headers), rows, streams, bad_rows)


def read_fraud_window(value: bytes) -> FraudWindow:
    """Read a message of topic `fraud-counts`. Raises BadMessage.

    >>> read_fraud_window(b'{"window_start": "1970-01-01T00:00:00.000Z", "window_end": "1970-01-01T00:02:00.000Z",'
    ...     b'"sessions": 9, "flagged": 2, "flagged_streams": 70, "batch_id": 1}').end
    120.0
    """
    row = _load(value)
    if not isinstance(row, dict):
        raise BadMessage("not an object")
    missing = [name for name in TOPICS[FRAUD_COUNTS].row_fields if name not in row]
    if missing:
        raise BadMessage(f"without {', '.join(missing)}")
    start, end = _moment(row["window_start"]), _moment(row["window_end"])
    if end <= start:
        raise BadMessage("window ends before it starts")
    counts = [row[name] for name in ("sessions", "flagged", "flagged_streams", "batch_id")]
    if any(type(count) is not int or count < 0 for count in counts):
        raise BadMessage("counts are not whole numbers")
    return FraudWindow(start, end, *counts)


def _load(value: bytes | None) -> Any:
    try:
        return orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        raise BadMessage("not JSON") from None


def _milliseconds(text: Any) -> int | None:
    if isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= MAX_MS_DIGITS:
        return int(text)
    return None


def _batch_number(headers: Headers) -> int:
    """Read the batch's number; 0 where a foreign producer sends none, which puts all it sends at one `ts` together."""
    for name, value in headers:
        if name == HEADER_BATCH and value is not None and value.isdigit():
            return min(int(value), MAX_BATCH)
    return 0


def _moment(text: Any) -> float:
    """Read an ISO time as epoch seconds; one without an offset is UTC, as everything stored is."""
    if not isinstance(text, str):
        raise BadMessage("a time is not text")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadMessage("a time is not ISO 8601") from None
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (OverflowError, OSError):
        raise BadMessage("a time is out of range") from None
