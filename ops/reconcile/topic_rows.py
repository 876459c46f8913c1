"""Read a topic from its beginning to its end as it is now, as the rows that the job must have read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from kafka import KafkaConsumer, TopicPartition

from contracts.topics import MAX_MESSAGE_BYTES
from ops.reconcile.expected_sessions import TOPIC_CODES, GoodRows
from ops.reconcile.row_rules import ParsedMessages, parse_messages
from runtime.arrays import Ints
from runtime.checkpoint import OffsetLog
from runtime.kafka.connection import KafkaConnection

CHUNK_MESSAGES = 250
"""Messages parsed at once: 50,000 rows."""


@dataclass(frozen=True, slots=True)
class RejectedRows:
    """Rows of one partition that break a rule: how many, by offset of their message."""

    partition: int
    offset: Ints
    rows: Ints


@dataclass(frozen=True, slots=True)
class TopicRows:
    """The rows of a topic, good and rejected ones; heartbeats are left out."""

    name: str
    rows: GoodRows
    rejected: list[RejectedRows]

    @property
    def count(self) -> int:
        return len(self.rows) + sum(int(partition.rows.sum()) for partition in self.rejected)

    def rejected_until(self, progress: OffsetLog) -> int:
        """Count the rejected rows in messages that a query has read."""
        return sum(int(p.rows[p.offset < progress.end(self.name, p.partition)].sum()) for p in self.rejected)


def read_topic(kafka: KafkaConnection, topic: str, progress: OffsetLog) -> TopicRows:
    """Read a topic; each row knows the micro-batch of `progress` that read it."""
    chunks: list[GoodRows] = []
    rejected: list[RejectedRows] = []
    for partition, records in record_chunks(kafka, topic):
        offset = np.array([record.offset for record in records], np.int64)
        parsed = parse_messages(topic, [(record.value, record.headers) for record in records])
        chunks.append(_good_rows(topic, parsed, progress.batch_of(topic, partition, offset)))
        if parsed.rejected.any():
            rejected.append(RejectedRows(partition, offset, parsed.rejected))
    return TopicRows(topic, concatenate(chunks), rejected)


def _good_rows(topic: str, parsed: ParsedMessages, batch: Ints) -> GoodRows:
    return GoodRows(
        topic=np.full(len(parsed.id_hash), TOPIC_CODES[topic], np.int64),
        id_hash=parsed.id_hash,
        user_hash=parsed.user_hash,
        event_ms=parsed.event_ms,
        start_ms=parsed.start_ms,
        batch=batch[parsed.message],
    )


def concatenate(chunks: Sequence[GoodRows]) -> GoodRows:
    """Join chunks of rows in their order."""
    empty = np.empty(0, np.int64)
    columns = ([empty, *(getattr(chunk, name) for chunk in chunks)] for name in GoodRows.__slots__)
    return GoodRows(*map(np.concatenate, columns))


def record_chunks(kafka: KafkaConnection, topic: str) -> Iterator[tuple[int, list[Any]]]:
    """Read each partition's records in order, in chunks."""
    # as the job reads: without what a producer took back
    options = {
        "isolation_level": "read_committed",
        "max_partition_fetch_bytes": MAX_MESSAGE_BYTES,
        "fetch_max_bytes": 4 * MAX_MESSAGE_BYTES,
    }
    with KafkaConsumer(
        **kafka.python(), **options, enable_auto_commit=False, max_poll_records=CHUNK_MESSAGES
    ) as consumer:
        partitions = [TopicPartition(topic, p) for p in sorted(consumer.partitions_for_topic(topic) or ())]
        consumer.assign(partitions)
        starts, ends = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
        for partition in partitions:
            consumer.seek(partition, starts[partition])
        while any(consumer.position(partition) < ends[partition] for partition in partitions):
            for partition, records in consumer.poll(1000).items():
                yield partition.partition, [record for record in records if record.offset < ends[partition]]
