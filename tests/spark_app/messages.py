"""Builders of messages as they lie in a topic: rows as sent (strings), with defaults, so a test shows what matters."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from contracts.events import ACTIVITY, HEADER_CLOCK_MS, HEADER_ROWS, PLAYS
from contracts.tables import LAKE, ddl
from runtime.event_text import format_time, parse_time
from spark_app.stages.parsing.parse import (
    all_rows,
    all_rows_ddl,
    fields_named,
    good_batches,
    with_clock,
    with_headers,
)
from spark_app.stages.sessions.session_rows import USED_FIELDS

NOON = "2026-03-01T12:00:00.000Z"
NOON_MS = parse_time(NOON) or 0
"""The sender's clock unless a test says otherwise."""

MESSAGE_SCHEMA = (
    "topic string, partition int, offset bigint, value binary, headers array<struct<key: string, value: binary>>, "
    "limit_ms bigint"
)
"""What spark_app.sources.read_topic hands on."""

PLAY = {
    "play_id": "p1", "user_id": "u1", "session_id": "c1", "event_time": format_time(NOON_MS - 3_600_000),
    "track_id": "t1", "listen_ms": "40000", "reason_start": "clickrow", "reason_end": "trackdone",
    "context_type": "collection", "context_id": "x1", "shuffle": "false", "device_id": "d1", "device_type": "mobile",
    "ip": "192.0.2.1", "country": "AU", "network": "residential", "ts": 1_772_000_000,
}  # fmt: skip
EVENT = {
    "event_id": "e1", "user_id": "u1", "session_id": "c1", "event_time": format_time(NOON_MS - 3_600_000),
    "action": "search", "item_id": "t1", "device_id": "d1", "device_type": "mobile", "drm": "widevine",
    "cdm_version": "1", "codec": "aac", "ip": "192.0.2.1", "country": "AU", "network": "residential",
    "ts": 1_772_000_000,
}  # fmt: skip
SENT = {PLAYS: PLAY, ACTIVITY: EVENT}


def sent(topic: str = PLAYS, **changes: Any) -> dict[str, Any]:
    """Return a good row as the producer sends it, with changes."""
    return {**SENT[topic], **changes}


def without(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in names}


def list_of(rows: Sequence[Any]) -> str:
    """Write a message's text; a row that is a string is JSON text already."""
    return "[" + ",".join(row if isinstance(row, str) else json.dumps(row) for row in rows) + "]"


def clock(ms: object = NOON_MS, rows: object = None) -> dict[str, object]:
    """Return a message's headers; the count of rows only where a test looks at it."""
    return {HEADER_CLOCK_MS: ms} | ({} if rows is None else {HEADER_ROWS: rows})


def message(
    value: str | bytes | None,
    *,
    topic: str = PLAYS,
    offset: int = 0,
    headers: Mapping[str, object] | None = None,
    limit_ms: int = 2**62,
) -> tuple[Any, ...]:
    """Return a row of MESSAGE_SCHEMA; it may have any time unless a test says otherwise."""
    pairs = [(key, str(text).encode()) for key, text in (clock() if headers is None else headers).items()]
    return (topic, 0, offset, value.encode() if isinstance(value, str) else value, pairs, limit_ms)


def arrived(spark: SparkSession, messages: Sequence[tuple[Any, ...]]) -> DataFrame:
    """Make a DataFrame of messages."""
    return spark.createDataFrame(messages, MESSAGE_SCHEMA)


def good_rows(messages: DataFrame, topic: str) -> DataFrame:
    """Parse messages of one topic into the good rows that sessions are made of, typed."""
    fields = fields_named(topic, USED_FIELDS[topic])
    names = {field.name for field in fields}
    schema = ddl(tuple(column for column in LAKE[topic] if column.name in names))
    parse = partial(good_batches, topic=topic, fields=fields)
    return with_clock(messages).mapInArrow(parse, schema)


def lines_of(messages: DataFrame, topic: str) -> DataFrame:
    """Parse messages of one topic, as the archive's workers do."""
    return with_headers(messages).mapInArrow(partial(all_rows, topic=topic), all_rows_ddl(topic))
