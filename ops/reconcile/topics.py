"""Read both topics from their beginning to their end as it is now, as the rows that the job must have seen."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from kafka import KafkaConsumer, TopicPartition

from contracts.topics import MAX_MESSAGE_BYTES
from ops.reconcile.expectation import TOPIC_CODES, Rows
from ops.reconcile.rows import Parsed, parse
from runtime.arrays import Ints
from runtime.checkpoint import Progress
from runtime.kafka.connection import KafkaConnection

CHUNK_MESSAGES = 250
"""Messages parsed at once: 50,000 rows."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """Rows of one partition that break a rule: how many, by offset of their message."""

    partition: int
    offset: Ints
    rows: Ints


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic as it lies in Kafka, heartbeats left out."""

    name: str
    rows: Rows
    rejected: list[Rejected]

    @property
    def sent(self) -> int:
        return len(self.rows) + sum(int(part.rows.sum()) for part in self.rejected)

    def rejected_until(self, progress: Progress) -> int:
        """Count the rejected rows in messages that a query has read."""
        return sum(int(p.rows[p.offset < progress.end(self.name, p.partition)].sum()) for p in self.rejected)


def read_topic(kafka: KafkaConnection, topic: str, progress: Progress) -> Topic:
    """Read a topic; each row knows the micro-batch of `progress` that read it."""
    parts: list[Rows] = []
    rejected: list[Rejected] = []
    for partition, chunk in _chunks(kafka, topic):
        offset = np.array([record.offset for record in chunk], np.int64)
        parsed = parse(topic, [(record.value, record.headers) for record in chunk])
        parts.append(_as_rows(topic, parsed, progress.batch_of(topic, partition, offset)))
        if parsed.rejected.any():
            rejected.append(Rejected(partition, offset, parsed.rejected))
    return Topic(topic, concatenate(parts), rejected)


def _as_rows(topic: str, parsed: Parsed, batch: Ints) -> Rows:
    return Rows(
        topic=np.full(len(parsed.id_hash), TOPIC_CODES[topic], np.int64),
        id_hash=parsed.id_hash,
        user_hash=parsed.user_hash,
        event_ms=parsed.event_ms,
        start_ms=parsed.start_ms,
        batch=batch[parsed.message],
    )


def concatenate(parts: Sequence[Rows]) -> Rows:
    """Put rows one behind the other."""
    empty = np.empty(0, np.int64)
    return Rows(*(np.concatenate([empty, *(getattr(p, name) for p in parts)]) for name in Rows.__slots__))


def _chunks(kafka: KafkaConnection, topic: str) -> Iterator[tuple[int, list[Any]]]:
    """Read each partition's records in order, in chunks."""
    limits = {"max_partition_fetch_bytes": MAX_MESSAGE_BYTES, "fetch_max_bytes": 4 * MAX_MESSAGE_BYTES}
    with KafkaConsumer(
        **kafka.python(), **limits, enable_auto_commit=False, max_poll_records=CHUNK_MESSAGES
    ) as consumer:
        places = [TopicPartition(topic, p) for p in sorted(consumer.partitions_for_topic(topic) or ())]
        consumer.assign(places)
        starts, ends = consumer.beginning_offsets(places), consumer.end_offsets(places)
        for place in places:
            consumer.seek(place, starts[place])
        while any(consumer.position(place) < ends[place] for place in places):
            for place, records in consumer.poll(1000).items():
                yield place.partition, [record for record in records if record.offset < ends[place]]
