"""Read one Kafka message: the counts of its rows, one window of the fraud counts, or one alert.

A message comes from outside. A bad row is counted and left out; a bad message raises `BadMessage`.
"""

from datetime import UTC, datetime
from typing import Any, NamedTuple

import orjson

from contracts.domain import DOMAIN_OF_TOPIC, Success
from contracts.events import HEADER_BATCH, HEARTBEAT_USER
from contracts.topics import ALERTS, FRAUD_COUNTS, TOPICS
from runtime.event_text import Headers, header_number

MAX_TS = 253_402_300_799
"""9999-12-31 in epoch seconds: a larger `ts` is in another unit."""
MAX_BATCH_NUMBER = 2**53
"""A larger batch number is nonsense, and a float could not hold it."""
MAX_DIGITS = 8
"""Digits of a number that decides a success: those of `listen_ms` by the rules of rows."""


class BadMessage(Exception):
    """A message without anything that can be plotted; the text says what is wrong with it."""


class MessageCounts(NamedTuple):
    """Counts of the rows of one message, all of one batch. Heartbeat rows are not counted."""

    topic: str
    ts: int
    """When the batch was sent, epoch seconds; 0 for an empty list, which has none."""
    batch: int
    rows: int
    successes: int
    """Rows that the domain counts as a success: plays of at least 30 s, payments that went through."""
    bad_rows: int


class FraudWindow(NamedTuple):
    """One version of a fraud-count window; the one with the highest `batch_id` is valid. Times are epoch seconds."""

    start: float
    end: float
    sessions: int
    flagged: int
    flagged_streams: int
    batch_id: int


class Alert(NamedTuple):
    """An alert inside an open session, or its withdrawal. Times are epoch seconds."""

    session_key: str
    at: float
    """When it was written."""
    ts: float
    """When the newest of the session's rows by then was sent."""
    is_withdrawn: bool = False
    """Whether the session has closed, and is not flagged."""


def count_rows(topic: str, value: bytes, headers: Headers) -> MessageCounts:
    """Count the rows of a message of a topic that a replay writes. Raises BadMessage.

    >>> count_rows("plays", b'[{"user_id": "u1", "listen_ms": "30000", "ts": 5}]', [("batch", b"7")])
    MessageCounts(topic='plays', ts=5, batch=7, rows=1, successes=1, bad_rows=0)
    """
    domain = DOMAIN_OF_TOPIC[topic]
    user, success = domain.user_column, domain.success
    message = _parse_json(value)
    if not isinstance(message, list):
        raise BadMessage("not a list of rows")
    if not message and not domain.has_heartbeats:
        return MessageCounts(topic, 0, _batch_number(headers), 0, 0, 0)
    ts, rows, successes, bad_rows = None, 0, 0, 0
    for row in message:
        if not isinstance(row, dict) or not isinstance(row.get(user), str):
            bad_rows += 1
            continue
        ts = row.get("ts") if ts is None else ts
        if row[user] == HEARTBEAT_USER:
            continue
        if topic == success.topic:
            is_success = _is_success(row.get(success.field), success)
            if is_success is None:
                bad_rows += 1
                continue
            successes += is_success
        rows += 1
    if type(ts) is not int or not 0 <= ts <= MAX_TS:  # isinstance would accept a bool
        raise BadMessage("no row with an integer ts in epoch seconds")
    return MessageCounts(topic, ts, _batch_number(headers), rows, successes, bad_rows)


def read_fraud_window(value: bytes) -> FraudWindow:
    """Read a message of topic `fraud-counts`. Raises BadMessage.

    >>> read_fraud_window(b'{"window_start": "1970-01-01T00:00:00.000Z", "window_end": "1970-01-01T00:02:00.000Z",'
    ...     b'"sessions": 9, "flagged": 2, "flagged_streams": 70, "batch_id": 1}').end
    120.0
    """
    row = _parse_json(value)
    if not isinstance(row, dict):
        raise BadMessage("not an object")
    missing = [name for name in TOPICS[FRAUD_COUNTS].row_fields if name not in row]
    if missing:
        raise BadMessage(f"without {', '.join(missing)}")
    start, end = _parse_time(row["window_start"]), _parse_time(row["window_end"])
    if end <= start:
        raise BadMessage("window ends before it starts")
    counts = [row[name] for name in ("sessions", "flagged", "flagged_streams", "batch_id")]
    if any(type(count) is not int or count < 0 for count in counts):
        raise BadMessage("counts are not whole numbers")
    return FraudWindow(start, end, *counts)


def read_alert(value: bytes) -> Alert:
    """Read a message of topic `alerts`. Raises BadMessage.

    >>> read_alert(b'{"session_key": "u1:5", "alerted_at": "1970-01-01T00:00:09Z", "ts": 7, "withdrawn": false}')
    Alert(session_key='u1:5', at=9.0, ts=7.0, is_withdrawn=False)
    """
    row = _parse_json(value)
    if not isinstance(row, dict) or not isinstance(row.get("session_key"), str):
        raise BadMessage(f"no {ALERTS} row with a session_key")
    ts, is_withdrawn = row.get("ts"), row.get("withdrawn")
    if type(ts) is not int or not 0 <= ts <= MAX_TS or not isinstance(is_withdrawn, bool):
        raise BadMessage("without an integer ts in epoch seconds, or without withdrawn")
    return Alert(row["session_key"], _parse_time(row.get("alerted_at")), float(ts), is_withdrawn)


def _parse_json(value: bytes | None) -> Any:
    try:
        return orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        raise BadMessage("not JSON") from None


def _is_success(text: Any, success: Success) -> bool | None:
    """Say whether the field of a row makes it a success; None where the field is missing or no number."""
    if not isinstance(text, str):
        return None
    if success.min_number is None:
        return text == success.value
    if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS:
        return int(text) >= success.min_number
    return None


def _batch_number(headers: Headers) -> int:
    """Read the batch's number from the headers.

    A producer that is not ours may send no number. It counts as 0, so all rows with one `ts` become one batch.
    """
    return min(header_number(headers, HEADER_BATCH) or 0, MAX_BATCH_NUMBER)


def _parse_time(text: Any) -> float:
    """Read an ISO time as epoch seconds; a time without an offset is UTC, like everything that is stored."""
    if not isinstance(text, str):
        raise BadMessage("a time is not text")
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadMessage("a time is not ISO 8601") from None
    try:
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    except (OverflowError, OSError):
        raise BadMessage("a time is out of range") from None
