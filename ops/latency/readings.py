"""What the topics and the tables hold after a run: when a message was appended, and since when a row can be read."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from kafka import KafkaConsumer, TopicPartition

from contracts.events import ACTIVITY, HEADER_ROWS, PLAYS
from contracts.topics import MAX_MESSAGE_BYTES
from ops.latency.delays import Appended
from runtime.arrays import Floats, Ints
from runtime.event_text import parse_time
from runtime.kafka.connection import KafkaConnection
from runtime.lake import committed_files
from runtime.monitoring.progress import recent_micro_batches
from runtime.parquet import read_parquet
from runtime.units import SECOND_MS
from runtime.world import Unit

SESSIONS, ALL = "sessions", 10**7
"""The query that writes both tables; more micro-batches than any run has."""


@dataclass(frozen=True, slots=True)
class RowsSent:
    """When the broker appended the messages of both topics (epoch s), and how many rows each has."""

    at: Floats
    rows: Ints

    def between(self, began_at: float, ended_at: float) -> int:
        """Count the rows that were sent in a span of time."""
        return int(self.rows[(self.at >= began_at) & (self.at < ended_at)].sum())


def read_topics(kafka: KafkaConnection) -> tuple[dict[str, Appended], RowsSent]:
    """Read both topics to their end."""
    consumer = KafkaConsumer(
        **kafka.python(),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=MAX_MESSAGE_BYTES,
    )
    sent_at: dict[str, list[float]] = {PLAYS: [], ACTIVITY: []}
    event_ms: dict[str, list[int]] = {PLAYS: [], ACTIVITY: []}
    rows: list[tuple[float, int]] = []
    try:
        partitions = [TopicPartition(t, p) for t in sent_at for p in sorted(consumer.partitions_for_topic(t))]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        left = sum(consumer.end_offsets(partitions).values())
        while left:
            for partition, records in consumer.poll(timeout_ms=1000).items():
                left -= len(records)
                for record in records:
                    at = record.timestamp / SECOND_MS
                    sent_at[partition.topic].append(at)
                    # the rows of a message are in the order of their times
                    event_ms[partition.topic].append(parse_time(last_row(record.value)["event_time"]) or 0)
                    rows.append((at, int(dict(record.headers)[HEADER_ROWS])))
    finally:
        consumer.close()
    appended = {topic: Appended.of(np.array(sent_at[topic]), np.array(event_ms[topic])) for topic in sent_at}
    return appended, RowsSent(np.array([at for at, _ in rows]), np.array([n for _, n in rows]))


def last_row(message: bytes) -> dict[str, str]:
    """Read the last row of a message, and no other: rows are flat, and in a text a quote has a backslash before it.

    >>> last_row(rb'[{"a":"1"},{"a":"{\\"b"}]')
    {'a': '{"b'}
    """
    row: dict[str, str] = orjson.loads(message[message.rindex(b'{"') : -1])
    return row


def read_sessions(unit: Unit) -> tuple[Ints, Floats]:
    """Return the end of every session (epoch ms), and since when it can be read: since its micro-batch ended."""
    rows = _read(unit.table("sessions"), ["ended_at", "scored_at"])
    return _with_end_of_batch(unit, rows["ended_at"], rows["scored_at"])


def read_alerts(unit: Unit) -> tuple[Ints, Floats]:
    """Return for every alert the event time of the look that raised it (epoch ms), and since when it can be read."""
    rows = _read(unit.table("alerts"), ["looked_at", "alerted_at", "withdrawn"])
    raised = rows.filter(pc.invert(rows["withdrawn"].cast(pa.bool_())))
    return _with_end_of_batch(unit, raised["looked_at"], raised["alerted_at"])


def _read(table: Path, names: list[str]) -> pa.Table:
    files = committed_files(table)
    return pa.concat_tables([read_parquet(f, names) for f in files]) if files else pa.table({n: [] for n in names})


def _with_end_of_batch(unit: Unit, times: pa.ChunkedArray, made_at: pa.ChunkedArray) -> tuple[Ints, Floats]:
    """Return times (epoch ms), and when the micro-batch of query `sessions` ended that made each row (epoch s).

    A row of a micro-batch whose end is not noted is left out: the job was ended in it, or its line was removed since.
    """
    batches = recent_micro_batches(unit, SESSIONS, ALL)
    ended_at = np.array([batch.ended_at for batch in batches])
    number = np.searchsorted(ended_at, _epoch_ms(made_at) / SECOND_MS)
    # what is older than the first line that is left would count as of that micro-batch
    first = 1 if batches and batches[0].batch_id > 0 else 0
    is_noted = (number >= first) & (number < len(ended_at))
    return _epoch_ms(times)[is_noted], ended_at[number[is_noted]]


def _epoch_ms(times: pa.ChunkedArray) -> Ints:
    return times.cast(pa.timestamp("ms", tz="UTC"), safe=False).cast(pa.int64()).to_numpy()
