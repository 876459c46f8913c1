"""Checks before the job starts: a broker that answers, every topic, and in the topics what was read already."""

import math
import sys
from collections.abc import Mapping, Sequence

from kafka import KafkaConsumer, TopicPartition

from contracts.events import ACTIVITY, PLAYS
from contracts.topics import ALERTS, FRAUD_COUNTS, SCORES
from runtime.checkpoint import Partition, planned_ends
from runtime.errors import AccessError, BrokerError
from runtime.kafka.access import require_topics, wait_until_up
from runtime.kafka.connection import KafkaConnection
from runtime.kafka.worlds import require_own_broker
from runtime.world import Unit, World
from spark_app.errors import PreflightError

READ, WRITTEN = (PLAYS, ACTIVITY), (SCORES, ALERTS, FRAUD_COUNTS)
"""Topics of the job."""
ANSWERS_WITHIN_S = 10.0
READERS = ("sessions", "archive")
"""Queries that read topics."""


def wait_for_broker(kafka: KafkaConnection) -> None:
    """Return once the broker answers, however long that takes. Raises AccessError where it refuses us.

    A job that ended would be started again by its supervisor, which gives up after some failed starts.
    """
    try:
        wait_until_up(kafka, ANSWERS_WITHIN_S)
    except AccessError:
        raise
    except BrokerError as error:
        print(f"waiting for the broker: {error}", file=sys.stderr, flush=True)
        wait_until_up(kafka, math.inf)


def check_topics(
    kafka: KafkaConnection,
    unit: Unit,
    read: Sequence[str] = READ,
    write: Sequence[str] = WRITTEN,
    readers: Sequence[str] = READERS,
) -> dict[str, int]:
    """Return how many messages the topics that the job reads have had so far.

    Raises BrokerError where the broker does not answer, refuses us, or lacks a topic; PreflightError where a topic
    ends before what was read, or begins behind it; CheckpointError where an offset file is unreadable.
    """
    wait_until_up(kafka, ANSWERS_WITHIN_S)
    require_own_broker(kafka, World(unit.root.parent))
    require_topics(kafka, read=read, write=write)
    # as the job reads: what an open transaction has sent is not there yet
    with KafkaConsumer(**kafka.python(), isolation_level="read_committed", request_timeout_ms=15_000) as consumer:
        for query in readers:
            done = planned_ends(unit, query)
            partitions = [TopicPartition(*partition) for partition in done]
            if partitions:
                check_read(query, done, consumer.beginning_offsets(partitions), consumer.end_offsets(partitions))
        return {topic: _messages(consumer, topic) for topic in read}


def _messages(consumer: KafkaConsumer, topic: str) -> int:
    partitions = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic) or ()]
    return sum(consumer.end_offsets(partitions).values())


def check_read(
    query: str, read: dict[Partition, int], begins: Mapping[Partition, int], ends: Mapping[Partition, int]
) -> None:
    """Raise PreflightError where a topic ends before what a query has read of it, or has lost what comes next.

    Spark would stop too, but at its first micro-batch, and with the message "some data may have been missed".
    """
    for (topic, partition), offset in read.items():
        begin, end = begins[topic, partition], ends[topic, partition]
        if end < offset:
            raise PreflightError(
                f"{topic}[{partition}] ends at offset {end}, but query {query} has read up to {offset}: the topic was "
                f"created again; begin a fresh version with  playproof up --fresh"
            )
        if begin > offset:
            raise PreflightError(
                f"{topic}[{partition}] begins at offset {begin}, but query {query} has read up to {offset}: Kafka "
                f"removed {begin - offset:,} messages before they were read (retention); to read what is left into a "
                "fresh version:  playproof up --reread"
            )
