"""Read what a small compacted topic holds now, and send to it: without a consumer group, from any process."""

import contextlib
import time
from collections.abc import Mapping

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from contracts.topics import FIRST_PARTITION
from runtime.errors import BrokerError
from runtime.kafka.access import explain
from runtime.kafka.connection import KafkaConnection

TIMEOUT_MS = 5000
"""A broker that does not answer for so long is called absent."""
POLL_MS = 200
MAX_MESSAGES = 100_000
"""More than a small topic holds before it is compacted."""


class CompactedTopic:
    """The messages of a topic's first partition. It keeps its connection and place, so a second `read` is quick."""

    def __init__(self, kafka: KafkaConnection, topic: str) -> None:
        self._kafka, self._partition = kafka, TopicPartition(topic, FIRST_PARTITION)
        self._consumer: KafkaConsumer | None = None
        self._messages: list[bytes] = []
        self._keys: dict[bytes, int] = {}

    def read(self) -> list[bytes]:
        """Return the newest message of each key, and all without one. Raises BrokerError where that cannot be read."""
        try:
            self._read_new()
        except Exception as error:  # the client has many, and who reads here must not end by one
            self.close()
            raise error if isinstance(error, BrokerError) else explain(self._kafka, error) from None
        return list(self._messages)

    def _read_new(self) -> None:
        consumer = self._consumer or self._connect()
        begin = consumer.beginning_offsets([self._partition], timeout_ms=TIMEOUT_MS)[self._partition]
        end = consumer.end_offsets([self._partition], timeout_ms=TIMEOUT_MS)[self._partition]
        place = consumer.position(self._partition, timeout_ms=TIMEOUT_MS)
        if place > end or place < begin:  # the topic was made again
            self._messages.clear()
            self._keys.clear()
            consumer.seek(self._partition, begin)
        until = time.monotonic() + 2 * TIMEOUT_MS / 1000
        while consumer.position(self._partition, timeout_ms=TIMEOUT_MS) < end:
            if time.monotonic() > until:
                raise KafkaError(f"topic {self._partition.topic} could not be read to its end")
            for record in consumer.poll(POLL_MS).get(self._partition, ()):
                self._add(record.key, record.value)

    def _add(self, key: bytes | None, value: bytes | None) -> None:
        value = value or b""
        if key in self._keys:
            self._messages[self._keys[key]] = value
        elif len(self._messages) < MAX_MESSAGES:
            if key is not None:
                self._keys[key] = len(self._messages)
            self._messages.append(value)

    def _connect(self) -> KafkaConsumer:
        self._messages.clear()
        self._keys.clear()
        self._consumer = KafkaConsumer(
            **self._kafka.python(),
            group_id=None,
            isolation_level="read_committed",
            allow_auto_create_topics=False,
            bootstrap_timeout_ms=TIMEOUT_MS,
            request_timeout_ms=TIMEOUT_MS,
        )
        if self._consumer.partitions_for_topic(self._partition.topic) is None:
            raise BrokerError(f"no topic {self._partition.topic} at {self._kafka.address}: run  playproof topics")
        self._consumer.assign([self._partition])
        self._consumer.seek_to_beginning(self._partition)
        return self._consumer

    def close(self) -> None:
        """Close the connection; the next `read` begins again."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            with contextlib.suppress(Exception):  # a connection that is broken may not even close well
                consumer.close()


def send_messages(kafka: KafkaConnection, topic: str, messages: Mapping[str, bytes]) -> None:
    """Send messages with their keys to the partition that is read, and return when the broker has them.

    Raises BrokerError.
    """
    try:
        with KafkaProducer(
            **kafka.python(), acks="all", max_block_ms=TIMEOUT_MS, request_timeout_ms=TIMEOUT_MS,
            delivery_timeout_ms=2 * TIMEOUT_MS, bootstrap_timeout_ms=TIMEOUT_MS,
        ) as producer:  # fmt: skip
            sent = [
                producer.send(topic, key=key.encode(), value=value, partition=FIRST_PARTITION)
                for key, value in messages.items()
            ]
            producer.flush(2 * TIMEOUT_MS / 1000)
            for future in sent:
                future.get(2 * TIMEOUT_MS / 1000)
    except (KafkaError, OSError) as error:
        raise explain(kafka, error) from None
