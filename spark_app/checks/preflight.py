"""Checks before the job starts: a broker that answers, every topic, and in the topics what was read already."""

import math
import sys
from collections.abc import Mapping, Sequence

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError

from contracts.events import ACTIVITY, PLAYS
from contracts.topics import ALERTS, FRAUD_COUNTS, RULES, SCORES
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
TIMESTAMPS, BY_BROKER = "message.timestamp.type", "LogAppendTime"
CLEANUP, COMPACTED, DELETED = "cleanup.policy", "compact", "delete"
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
    with KafkaConsumer(**kafka.python(), request_timeout_ms=15_000) as consumer:
        for query in readers:
            done = planned_ends(unit, query)
            partitions = [TopicPartition(*partition) for partition in done]
            if partitions:
                check_read(query, done, consumer.beginning_offsets(partitions), consumer.end_offsets(partitions))
        return {topic: _messages(consumer, topic) for topic in read}


def unguarded_topics(kafka: KafkaConnection, topics: Sequence[str] = READ) -> list[str]:
    """Return the topics whose messages have their producers' times: a wrong clock would not be noticed by them."""
    return _topics_without(kafka, TIMESTAMPS, BY_BROKER, topics)


def forgetful_topics(kafka: KafkaConnection, topics: Sequence[str] = (RULES,)) -> list[str]:
    """Return the topics that must keep the newest message of each key, and do not."""
    return _topics_without(kafka, CLEANUP, COMPACTED, topics)


def compacted_topics(kafka: KafkaConnection, topics: Sequence[str] = READ) -> list[str]:
    """Return the topics of which Kafka keeps the newest message of each key only, as of a table: rows would be lost."""
    return _topics_without(kafka, CLEANUP, DELETED, topics)


def _topics_without(kafka: KafkaConnection, setting: str, expected: str, topics: Sequence[str]) -> list[str]:
    """Return the topics with another value; none where the broker does not tell: that takes a right of its own."""
    resources = [ConfigResource(ConfigResourceType.TOPIC, topic) for topic in topics]
    try:
        with KafkaAdminClient(**kafka.python()) as admin:
            configs = admin.describe_configs(resources, config_filter="all")["topic"]
    except (KafkaError, KeyError):
        return []
    return [t for t in topics if configs.get(t, {}).get(setting, {}).get("value", expected) != expected]


def unguarded_message(topics: Sequence[str]) -> str:
    """Say in one line what is missing in such topics.

    >>> unguarded_message(["plays"])[:72]
    "topic plays has its producers' times (message.timestamp.type is not LogA"
    """
    return (
        f"topic {', '.join(topics)} has its producers' times ({TIMESTAMPS} is not {BY_BROKER}): one with a wrong clock "
        "makes the rows of all others late (docs/reference/reliability.md#clocks)"
    )


def compacted_message(topics: Sequence[str]) -> str:
    """Say in one line what is wrong with such topics.

    >>> compacted_message(["plays"])[:66]
    'topic plays is compacted (cleanup.policy is not delete): Kafka ref'
    """
    return (
        f"topic {', '.join(topics)} is compacted ({CLEANUP} is not {DELETED}): Kafka refuses messages without a key, "
        f"and forgets those whose key comes again; set {CLEANUP}={DELETED} on it"
    )


def forgetful_message(topics: Sequence[str]) -> str:
    """Say in one line what is missing in such topics.

    >>> forgetful_message(["rules"])[:63]
    'topic rules is not compacted (cleanup.policy is not compact): r'
    """
    return (
        f"topic {', '.join(topics)} is not compacted ({CLEANUP} is not {COMPACTED}): rules stop when the broker "
        f"deletes their messages; set {CLEANUP}={COMPACTED} on it"
    )


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
