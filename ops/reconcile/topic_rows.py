"""Read a topic from its beginning to its end as it is now, as the rows that the job must have read."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from contracts.events import HEADER_MESSAGE
from contracts.topics import MAX_MESSAGE_BYTES
from ops.errors import ReconciliationError
from ops.reconcile.expected_sessions import TOPIC_CODES, GoodRows, concatenate
from ops.reconcile.message_rows import MessageRows, TopicRows
from ops.reconcile.row_rules import ParsedMessages, parse_messages
from ops.reconcile.workers import ALONE, Workers
from runtime.arrays import Bools, Ints
from runtime.checkpoint import OffsetLog, Partition
from runtime.errors import BrokerError
from runtime.kafka.access import explain
from runtime.kafka.connection import KafkaConnection

COMMITTED = "read_committed"
"""How the job reads: without what a producer took back, and up to the first transaction that is open."""
POLL_MS = 1000
GIVE_UP_AFTER_S = 90.0
"""How long nothing may come of a topic that has more: longer than Kafka keeps the transaction of a dead producer open,
by default 60 s and up to 10 s until it looks."""
NOT_NOTED: Mapping[Partition, int] = MappingProxyType({})
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


def read_topic(
    kafka: KafkaConnection,
    topic: str,
    progress: OffsetLog,
    begun: Mapping[Partition, int],
    clock_ahead_ms: int,
    workers: Workers = ALONE,
) -> TopicRows:
    """Read a topic; each row knows the micro-batch of `progress` that read it. `begun`: where the job began to read.

    Rows are rejected that are over `clock_ahead_ms` ahead of the time at which the broker appended them. Raises
    ReconciliationError where messages are gone that the job has read, BrokerError where the topic cannot be read.
    """
    partitions = all_partitions(kafka, topic)
    require_what_was_read(partitions, progress, begun)
    rows: list[GoodRows] = []
    messages: list[MessageRows] = []
    spans = [part for partition in partitions for part in partition.split(SPAN_MESSAGES)]
    read = workers.map(f"topic {topic}", partial(read_span, kafka, clock_ahead_ms), spans, len(spans))
    for span, chunks in zip(spans, read, strict=True):
        rows_of_span = []
        for offset, is_replayed, parsed in chunks:
            rows_of_span.append(_good_rows(topic, parsed, progress.batch_of(topic, span.partition, offset)))
            good = np.bincount(parsed.message, minlength=len(offset))
            id_hash = np.zeros(len(offset), np.int64)
            np.add.at(id_hash, parsed.message, parsed.id_hash)
            messages.append(
                MessageRows(span.partition, offset, good, id_hash, parsed.rejected, parsed.newest_ms, is_replayed)
            )
        rows.append(concatenate(GoodRows, rows_of_span))
    # the client passes over messages that Kafka removes before they are read
    require_what_was_read(all_partitions(kafka, topic), progress, begun)
    return TopicRows(topic, rows, messages, {span.partition: span.end for span in partitions})


def require_what_was_read(
    partitions: Sequence[Span], progress: OffsetLog, begun: Mapping[Partition, int] = NOT_NOTED
) -> None:
    """Raise ReconciliationError where messages of a topic are gone that the job has read.

    `begun`: where it began to read; of a partition that is not in it, only the end of the first micro-batch is known.
    """
    for span in partitions:
        ends = progress.ends.get((span.topic, span.partition))
        if ends is None or not len(ends):
            continue
        first = begun.get((span.topic, span.partition))
        is_gone = span.first > ends[0] if first is None else first < min(span.first, ends[-1])
        if is_gone:
            began = f"before {ends[0]:,}" if first is None else f"at {first:,}"
            raise ReconciliationError(
                f"partition {span.partition} of topic {span.topic} begins at offset {span.first:,}, and the job began "
                f"{began}: Kafka has removed messages, and nobody can account for their rows; let the topic "
                f"keep more (its settings retention.bytes and retention.ms), then  playproof up --reread"
            )


def read_span(kafka: KafkaConnection, clock_ahead_ms: int, span: Span) -> list[tuple[Ints, Bools, ParsedMessages]]:
    """Read and parse the messages of a span in chunks, with their offsets, and which of them the replay sent."""
    chunks = []
    for _, records in record_chunks(kafka, [span]):
        limits_ms = [record.timestamp + clock_ahead_ms for record in records]
        parsed = parse_messages(span.topic, [(record.value, record.headers) for record in records], limits_ms)
        # it numbers its messages; what is sent again has no number
        is_replayed = [any(name == HEADER_MESSAGE for name, _ in record.headers) for record in records]
        offset = np.array([record.offset for record in records], np.int64)
        chunks.append((offset, np.array(is_replayed, bool), parsed))
    return chunks


def _good_rows(topic: str, parsed: ParsedMessages, batch: Ints) -> GoodRows:
    return GoodRows(
        topic=np.full(len(parsed.id_hash), TOPIC_CODES[topic], np.int8),
        id_hash=parsed.id_hash,
        user_hash=parsed.user_hash,
        event_ms=parsed.event_ms,
        start_ms=parsed.start_ms,
        batch=batch.astype(np.int32)[parsed.message],
    )


def all_partitions(kafka: KafkaConnection, topic: str, isolation: str = COMMITTED) -> list[Span]:
    """List what there is of a topic's partitions now, as the job may read it.

    With isolation `read_uncommitted`, to their very ends. Raises BrokerError where the broker does not tell.
    """
    with (
        explained(kafka),
        KafkaConsumer(**kafka.python(), isolation_level=isolation, enable_auto_commit=False) as consumer,
    ):
        partitions = [TopicPartition(topic, p) for p in sorted(consumer.partitions_for_topic(topic) or ())]
        starts, ends = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
    return [Span(topic, p.partition, starts[p], ends[p]) for p in partitions]


def record_chunks(kafka: KafkaConnection, spans: Sequence[Span]) -> Iterator[tuple[int, list[Any]]]:
    """Read the records of spans of different partitions, each in order, in chunks, with the partition.

    Raises BrokerError where they do not come.
    """
    options = {
        "isolation_level": COMMITTED,
        "max_partition_fetch_bytes": MAX_MESSAGE_BYTES,
        "fetch_max_bytes": 4 * MAX_MESSAGE_BYTES,
    }
    ends = {TopicPartition(span.topic, span.partition): span.end for span in spans}
    with (
        explained(kafka),
        KafkaConsumer(
            **kafka.python(), **options, enable_auto_commit=False, max_poll_records=CHUNK_MESSAGES
        ) as consumer,
    ):
        consumer.assign(list(ends))
        for span in spans:
            consumer.seek(TopicPartition(span.topic, span.partition), span.first)
        left, until = -1, 0.0
        while now_left := _count_left(consumer, ends):
            if now_left != left:
                left, until = now_left, time.monotonic() + GIVE_UP_AFTER_S
            elif time.monotonic() > until:
                raise BrokerError(
                    f"nothing of topic {spans[0].topic} came from {kafka.address} for {GIVE_UP_AFTER_S:g} s, and there "
                    f"are {left:,} messages more: see that the broker runs (playproof status), and that no producer "
                    "keeps a transaction open; then try again"
                )
            for partition, records in consumer.poll(POLL_MS).items():
                yield partition.partition, [record for record in records if record.offset < ends[partition]]


def _count_left(consumer: Any, ends: Mapping[TopicPartition, int]) -> int:
    """Count the offsets before the ends that were not read yet."""
    # a message is no measure: of what was taken back, only the position tells that it was read
    positions = {partition: consumer.position(partition, timeout_ms=POLL_MS) for partition in ends}
    # the client has no position while it looks where a partition begins that lost its first messages
    return sum(max(end - (positions[partition] or 0), 0) for partition, end in ends.items())


@contextmanager
def explained(kafka: KafkaConnection) -> Iterator[None]:
    """Turn what the client raises into BrokerError, which says in one line why a topic cannot be read."""
    try:
        yield
    except (KafkaError, OSError) as error:
        raise explain(kafka, error) from None
