"""Read the rows of a shop: from its topics, from its source, and from what the job wrote of them."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from contracts.events import HEADER_ROWS
from contracts.shop import BROWSING, ID_COLUMN, ORDER_COLUMN, TS
from ops.reconcile.topic_rows import all_partitions, record_chunks, require_what_was_read
from runtime.arrays import Ints
from runtime.checkpoint import OffsetLog
from runtime.event_text import as_text, header_number
from runtime.kafka.connection import KafkaConnection
from runtime.parquet import open_parquet, read_parquet

SESSION = "session_id"
_DECODER = json.JSONDecoder()
_MAX_TS = 2**31 - 1
"""The job reads `ts` as a number of 32 bits, and rejects a row with a greater one."""
_NESTED = hash("nested")
"""Content of a row with a list or an object in it: a row of the source has neither."""
WHOLE_MESSAGE = -1
"""Position of a message that is no list of rows."""
Place = tuple[int, int, int]
"""Partition, offset, and position in the message's list."""


@dataclass(slots=True)
class ShopRows:
    """The rows of a topic, in the order that they were appended."""

    contents: Counter[int] = field(default_factory=Counter)
    """How often each row is there: by the hash of all of its fields but `ts`."""
    rejected: Counter[int] = field(default_factory=Counter)
    """How often each of those that the job rejected is there."""
    places: list[Place] = field(default_factory=list)
    weights: list[int] = field(default_factory=list)
    """Rows that an entry stands for: 1, or what the header of an unreadable message says."""
    keys: list[str] = field(default_factory=list)
    """What the job's table counts the row by: its transaction_id, or its session_id."""
    ts: list[int] = field(default_factory=list)

    @property
    def count(self) -> int:
        return sum(self.weights)

    def micro_batches(self, topic: str, progress: OffsetLog) -> Ints:
        """Return the micro-batch that read each row; the number of all for a row that none has read."""
        batch = np.empty(len(self.places), np.int64)
        partition = np.array([place[0] for place in self.places], np.int64)
        offset = np.array([place[1] for place in self.places], np.int64)
        for number in np.unique(partition).tolist():
            mask = partition == number
            batch[mask] = progress.batch_of(topic, number, offset[mask])
        return batch


def read_topic(kafka: KafkaConnection, topic: str, rejected: AbstractSet[Place], progress: OffsetLog) -> ShopRows:
    """Read a topic from its beginning to its end as it is now; `rejected` are the places of rows that the job rejected.

    Raises ReconciliationError where messages are gone that the job has read, BrokerError where it cannot be read.
    """
    positions: dict[tuple[int, int], set[int]] = defaultdict(set)
    for partition, offset, position in rejected:
        positions[partition, offset].add(position)
    rows, key = ShopRows(), ID_COLUMN.get(topic, SESSION)
    spans = all_partitions(kafka, topic)
    require_what_was_read(spans, progress)
    for partition, records in record_chunks(kafka, spans):
        for record in records:
            of_message = positions.get((partition, record.offset), set())
            for position, row in rows_by_position(record.value, of_message).items():
                is_whole = position == WHOLE_MESSAGE
                rows.places.append((partition, record.offset, position))
                rows.weights.append((header_number(record.headers, HEADER_ROWS) or 1) if is_whole else 1)
                rows.keys.append(_text(row.get(key)))
                rows.ts.append(_sent_at(row.pop(TS, None)))
                if not is_whole:
                    rows.contents[what := content(row)] += 1
                    rows.rejected[what] += position in of_message
    # the client passes over messages that Kafka removes before they are read
    require_what_was_read(all_partitions(kafka, topic), progress)
    return rows


def rows_by_position(value: bytes | None, rejected: AbstractSet[int] = frozenset()) -> dict[int, dict[str, Any]]:
    """Return a message's rows by position; at WHOLE_MESSAGE alone where it is no list of rows. Never raises.

    `rejected` are the positions that the job rejected. What it rejected counts as it has counted it: its reader of JSON
    gives up at other depths and numbers than ours. A row that is null, or that only the job could read, is empty.
    """
    rows = _rows_of(value)
    if WHOLE_MESSAGE in rejected or (rows is None and not rejected):
        return {WHOLE_MESSAGE: {}}
    by_position: dict[int, dict[str, Any]] = {position: {} for position in rejected}
    by_position.update(enumerate(rows or ()))
    return by_position


def _rows_of(value: bytes | None) -> list[dict[str, Any]] | None:
    """Read a message as the job does: what comes behind the list is ignored, and an object alone is a list of one."""
    try:
        message = _DECODER.raw_decode((value or b"").decode(errors="replace").lstrip(" \t\r\n"))[0]
    except (ValueError, RecursionError):
        return None
    rows = [message] if isinstance(message, dict) else message
    if not isinstance(rows, list) or not all(row is None or isinstance(row, dict) for row in rows):
        return None
    return [row or {} for row in rows]


def _text(value: object) -> str:
    """Return an id as the job has it; empty without one."""
    return as_text(value) or ""


def _sent_at(ts: object) -> int:
    """Return `ts` where it is one; else 0, as the job rejects the row."""
    return ts if isinstance(ts, int) and not isinstance(ts, bool) and abs(ts) <= _MAX_TS else 0


def content(row: Mapping[str, Any]) -> int:
    """Hash a row by all that it holds; the order of its fields does not matter."""
    try:
        return hash(tuple(sorted(row.items())))
    except TypeError:
        return _NESTED


def read_source(files: Sequence[Path], rows: int) -> Counter[int]:
    """Return how often each of the first rows of a raw table is in it."""
    contents: Counter[int] = Counter()
    for path in files:
        for batch in open_parquet(path).iter_batches():
            taken = batch.slice(0, rows).drop_columns([ORDER_COLUMN]).to_pylist()
            contents.update(map(content, taken))
            rows -= len(taken)
    return contents


@dataclass(slots=True)
class ShopTable:
    """What the job's table of sessions holds: rows by topic and key."""

    sessions: int = 0
    rows: dict[str, Counter[str]] = field(default_factory=dict)


def read_table(files: Sequence[Path], topics: Sequence[str]) -> ShopTable:
    """Read the committed files of the table: browsing rows by session_id, transactions by transaction_id."""
    table = ShopTable(rows={topic: Counter() for topic in topics})
    for path in files:
        for row in read_parquet(path, [SESSION, "browsing_rows", "transaction_ids"]).to_pylist():
            table.sessions += 1
            for topic in topics:
                if topic == BROWSING:
                    table.rows[topic][row[SESSION]] += row["browsing_rows"]
                else:
                    table.rows[topic].update(row["transaction_ids"] or ())
    return table


def read_rejected(files: Sequence[Path]) -> dict[str, set[Place]]:
    """Return the places of rejected rows, by topic."""
    places: dict[str, set[Place]] = {}
    for path in files:
        for row in read_parquet(path, ["topic", "partition", "offset", "position"]).to_pylist():
            position = WHOLE_MESSAGE if row["position"] is None else row["position"]
            places.setdefault(row["topic"], set()).add((row["partition"], row["offset"], position))
    return places
