"""What must be there before the job starts: a broker that answers, every topic, and in it what was read already."""

import json
from pathlib import Path

from kafka import KafkaConsumer, TopicPartition

from contracts.events import ACTIVITY, PLAYS
from contracts.topics import FRAUD_COUNTS, SCORES
from runtime.kafka.access import require_topics, wait_until_up
from runtime.kafka.connection import KafkaConnection
from runtime.world import Unit
from spark_app.errors import PreflightError

READ, WRITTEN = (PLAYS, ACTIVITY), (SCORES, FRAUD_COUNTS)
"""Topics of the job."""
ANSWERS_WITHIN_S = 10.0
READERS = ("sessions", "archive")
"""Queries that read topics."""


def check_topics(kafka: KafkaConnection, unit: Unit) -> dict[str, int]:
    """Return how many messages plays and activity have had so far.

    Raises BrokerError where the broker does not answer, refuses us, or lacks a topic; PreflightError where a topic
    ends before what was read.
    """
    wait_until_up(kafka, ANSWERS_WITHIN_S)
    require_topics(kafka, read=READ, write=WRITTEN)
    with KafkaConsumer(**kafka.python(), request_timeout_ms=15_000) as consumer:
        for query in READERS:
            _check_read(consumer, query, read_so_far(unit.checkpoints / query / "offsets"))
        return {topic: _messages(consumer, topic) for topic in READ}


def _messages(consumer: KafkaConsumer, topic: str) -> int:
    places = [TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic) or ()]
    return sum(consumer.end_offsets(places).values())


def read_so_far(offsets: Path) -> dict[TopicPartition, int]:
    """Read where the newest micro-batch of a query ends, by partition; nothing before the first."""
    numbered = [file for file in offsets.glob("[0-9]*") if file.name.isdigit()]
    if not numbered:
        return {}
    newest = max(numbered, key=lambda file: int(file.name))
    _, _, *sources = newest.read_text().splitlines()
    return {
        TopicPartition(topic, int(partition)): int(offset)
        for source in sources
        if source != "-"
        for topic, partitions in json.loads(source).items()
        for partition, offset in partitions.items()
    }


def _check_read(consumer: KafkaConsumer, query: str, read: dict[TopicPartition, int]) -> None:
    """Spark would stop too, at its first micro-batch, with the words "some data may have been missed"."""
    ends = consumer.end_offsets(list(read)) if read else {}
    for place, offset in read.items():
        if ends[place] < offset:
            raise PreflightError(
                f"{place.topic}[{place.partition}] ends at offset {ends[place]}, but query {query} has read up to "
                f"{offset}: the topic was made anew; begin a fresh version with  playproof up --fresh"
            )
