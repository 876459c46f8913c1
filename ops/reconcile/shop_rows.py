"""Read the rows of a shop: from its topics, from its source, and from what the job wrote of them."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from contracts.events import HEADER_ROWS
from contracts.shop import BROWSING, ID_COLUMN, ORDER_COLUMN, TS
from ops.reconcile.row_rules import header_number
from ops.reconcile.topic_rows import all_partitions, record_chunks
from runtime.arrays import Ints
from runtime.checkpoint import OffsetLog
from runtime.kafka.connection import KafkaConnection
from runtime.parquet import open_parquet, read_parquet

SESSION = "session_id"
WHOLE_MESSAGE = -1
"""Position of a message that is no list of rows."""
Place = tuple[int, int, int]
"""Partition, offset, and position in the message's list."""


@dataclass(slots=True)
class ShopRows:
    """The rows of a topic, in the order that they were appended."""

    contents: Counter[int] = field(default_factory=Counter)
    """How often each row is there: by the hash of all of its fields but `ts`."""
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


def read_topic(kafka: KafkaConnection, topic: str) -> ShopRows:
    """Read a topic from its beginning to its end as it is now."""
    rows, key = ShopRows(), ID_COLUMN.get(topic, SESSION)
    for partition, records in record_chunks(kafka, all_partitions(kafka, topic)):
        for record in records:
            for position, row in enumerate(_rows_of(record.value)):
                rows.places.append((partition, record.offset, position))
                rows.weights.append(1)
                is_object = isinstance(row, dict)
                rows.keys.append(str(row.get(key)) if is_object else "")
                ts = row.pop(TS, None) if is_object else None
                rows.ts.append(ts if type(ts) is int else 0)
                rows.contents[content(row)] += 1
            if not _is_list(record.value):
                rows.places.append((partition, record.offset, WHOLE_MESSAGE))
                rows.weights.append(header_number(record.headers, HEADER_ROWS) or 1)
                rows.keys.append("")
                rows.ts.append(0)
    return rows


def _rows_of(value: bytes) -> list[Any]:
    try:
        message = json.loads(value)
    except ValueError:
        return []
    return message if isinstance(message, list) else []


def _is_list(value: bytes) -> bool:
    return value.lstrip().startswith(b"[") and (value.strip() == b"[]" or bool(_rows_of(value)))


def content(row: object) -> int:
    """Hash a row by all that it holds; the order of its fields does not matter."""
    return hash(tuple(sorted(row.items()))) if isinstance(row, Mapping) else hash(repr(row))


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
