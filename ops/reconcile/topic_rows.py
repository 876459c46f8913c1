"""Read a topic from its beginning to its end as it is now, as the rows that the job must have read."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from kafka import KafkaConsumer, TopicPartition

from contracts.topics import MAX_MESSAGE_BYTES
from ops.errors import ReconciliationError
from ops.reconcile.expected_sessions import TOPIC_CODES, GoodRows, concatenate
from ops.reconcile.row_rules import ParsedMessages, parse_messages
from ops.reconcile.workers import ALONE, Workers
from runtime.arrays import Bools, Ints
from runtime.checkpoint import OffsetLog
from runtime.kafka.connection import KafkaConnection

_NEVER_MS = 2**63 - 1
CHUNK_MESSAGES = 250
"""Messages parsed at once: 50,000 rows."""
SPAN_MESSAGES = 5_000
"""Messages that a process reads at once: a million rows, 40 MB."""


@dataclass(frozen=True, slots=True)
class Span:
    """The messages of a partition from offset `first` on, before `end`."""

    topic: str
    partition: int
    first: int
    end: int

    def split(self, messages: int) -> list["Span"]:
        """Divide it into spans of at most so many offsets.

        >>> [(span.first, span.end) for span in Span("plays", 0, 3, 8).split(2)]
        [(3, 5), (5, 7), (7, 8)]
        """
        return [
            replace(self, first=first, end=min(first + messages, self.end))
            for first in range(self.first, self.end, messages)
        ]


@dataclass(frozen=True, slots=True)
class MessageRows:
    """How many rows some messages of one partition have, by offset of the message."""

    partition: int
    offset: Ints
    good: Ints
    id_hash: Ints
    """Sum of the hashes of the good rows' ids, as a wrapped 64-bit number."""
    rejected: Ints
    newest_ms: Ints
    """The newest time of the good rows, heartbeats among them; 0 without any."""


@dataclass(frozen=True, slots=True)
class RowSum:
    """A number of rows, and the sum of their ids' hashes: two sets of rows are the same where both are."""

    rows: int
    id_hash: int


@dataclass(frozen=True, slots=True)
class TopicRows:
    """The rows of a topic, good and rejected ones; heartbeats are left out."""

    name: str
    rows: list[GoodRows]
    """The good ones, in parts: an hour's in one array would be in memory twice for a moment."""
    messages: list[MessageRows]

    @property
    def count(self) -> int:
        return self.good + sum(int(chunk.rejected.sum()) for chunk in self.messages)

    @property
    def good(self) -> int:
        return sum(map(len, self.rows))

    def rejected_until(self, progress: OffsetLog) -> int:
        """Count the rejected rows in messages that a query has read."""
        return sum(int(chunk.rejected[self._is_read(chunk, progress)].sum()) for chunk in self.messages)

    def good_until(self, progress: OffsetLog) -> RowSum:
        """Add up the good rows in messages that a query has read, late ones and duplicates too."""
        read = [(chunk, self._is_read(chunk, progress)) for chunk in self.messages]
        return RowSum(
            sum(int(chunk.good[is_read].sum()) for chunk, is_read in read),
            wrapped_sum(int(chunk.id_hash[is_read].sum()) for chunk, is_read in read),
        )

    def newest_by_batch(self, progress: OffsetLog) -> Ints:
        """Return how far the topic is after each micro-batch, in ms: its slowest partition with good rows in it."""
        partitions = sorted({chunk.partition for chunk in self.messages})
        newest = np.zeros((len(progress), len(partitions)), np.int64)
        for chunk in self.messages:
            is_read = self._is_read(chunk, progress)
            batch = progress.batch_of(self.name, chunk.partition, chunk.offset[is_read])
            np.maximum.at(newest[:, partitions.index(chunk.partition)], batch, chunk.newest_ms[is_read])
        slowest = np.where(newest > 0, newest, _NEVER_MS).min(axis=1, initial=_NEVER_MS)
        return np.maximum.accumulate(np.where(slowest < _NEVER_MS, slowest, 0))

    def _is_read(self, chunk: MessageRows, progress: OffsetLog) -> Bools:
        return chunk.offset < progress.end(self.name, chunk.partition)


def read_topic(
    kafka: KafkaConnection, topic: str, progress: OffsetLog, clock_ahead_ms: int, workers: Workers = ALONE
) -> TopicRows:
    """Read a topic; each row knows the micro-batch of `progress` that read it.

    Rows are rejected that are over `clock_ahead_ms` ahead of the time at which the broker appended them. Raises
    ReconciliationError where messages are gone that the job has read.
    """
    partitions = all_partitions(kafka, topic)
    _require_what_was_read(partitions, progress)
    rows: list[GoodRows] = []
    messages: list[MessageRows] = []
    spans = [part for partition in partitions for part in partition.split(SPAN_MESSAGES)]
    read = workers.map(f"topic {topic}", partial(read_span, kafka, clock_ahead_ms), spans, len(spans))
    for span, chunks in zip(spans, read, strict=True):
        rows_of_span = []
        for offset, parsed in chunks:
            rows_of_span.append(_good_rows(topic, parsed, progress.batch_of(topic, span.partition, offset)))
            good = np.bincount(parsed.message, minlength=len(offset))
            id_hash = np.zeros(len(offset), np.int64)
            np.add.at(id_hash, parsed.message, parsed.id_hash)
            messages.append(MessageRows(span.partition, offset, good, id_hash, parsed.rejected, parsed.newest_ms))
        rows.append(concatenate(GoodRows, rows_of_span))
    return TopicRows(topic, rows, messages)


def _require_what_was_read(partitions: Sequence[Span], progress: OffsetLog) -> None:
    for span in partitions:
        ends = progress.ends.get((span.topic, span.partition))
        if ends is not None and len(ends) and span.first > ends[0]:
            raise ReconciliationError(
                f"partition {span.partition} of topic {span.topic} begins at offset {span.first:,}, and the job began "
                f"before {ends[0]:,}: Kafka has removed messages, and nobody can account for their rows; let the topic "
                f"keep more (its settings retention.bytes and retention.ms), then  playproof up --reread"
            )


def read_span(kafka: KafkaConnection, clock_ahead_ms: int, span: Span) -> list[tuple[Ints, ParsedMessages]]:
    """Read and parse the messages of a span, with their offsets, in chunks."""
    chunks = []
    for _, records in record_chunks(kafka, [span]):
        limits_ms = [record.timestamp + clock_ahead_ms for record in records]
        parsed = parse_messages(span.topic, [(record.value, record.headers) for record in records], limits_ms)
        chunks.append((np.array([record.offset for record in records], np.int64), parsed))
    return chunks


def wrapped_sum(hashes: Iterable[int]) -> int:
    """Add 64-bit hashes as NumPy does, without the digits above.

    >>> wrapped_sum([2**63 - 1, 1]) == -(2**63)
    True
    """
    return (sum(hashes) + 2**63) % 2**64 - 2**63


def _good_rows(topic: str, parsed: ParsedMessages, batch: Ints) -> GoodRows:
    return GoodRows(
        topic=np.full(len(parsed.id_hash), TOPIC_CODES[topic], np.int8),
        id_hash=parsed.id_hash,
        user_hash=parsed.user_hash,
        event_ms=parsed.event_ms,
        start_ms=parsed.start_ms,
        batch=batch.astype(np.int32)[parsed.message],
    )


def all_partitions(kafka: KafkaConnection, topic: str) -> list[Span]:
    """List what there is of a topic's partitions now."""
    with KafkaConsumer(**kafka.python(), enable_auto_commit=False) as consumer:
        partitions = [TopicPartition(topic, p) for p in sorted(consumer.partitions_for_topic(topic) or ())]
        starts, ends = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
    return [Span(topic, p.partition, starts[p], ends[p]) for p in partitions]


def record_chunks(kafka: KafkaConnection, spans: Sequence[Span]) -> Iterator[tuple[int, list[Any]]]:
    """Read the records of spans of different partitions, each in order, in chunks, with the partition."""
    # as the job reads: without what a producer took back
    options = {
        "isolation_level": "read_committed",
        "max_partition_fetch_bytes": MAX_MESSAGE_BYTES,
        "fetch_max_bytes": 4 * MAX_MESSAGE_BYTES,
    }
    ends = {TopicPartition(span.topic, span.partition): span.end for span in spans}
    with KafkaConsumer(
        **kafka.python(), **options, enable_auto_commit=False, max_poll_records=CHUNK_MESSAGES
    ) as consumer:
        consumer.assign(list(ends))
        for span in spans:
            consumer.seek(TopicPartition(span.topic, span.partition), span.first)
        while any(consumer.position(partition) < end for partition, end in ends.items()):
            for partition, records in consumer.poll(1000).items():
                yield partition.partition, [record for record in records if record.offset < ends[partition]]
