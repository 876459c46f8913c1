"""What must be there before the job starts: a broker that answers, every topic, and in it what was read already."""

import json
from pathlib import Path

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from contracts.events import ACTIVITY, PLAYS
from contracts.topics import TOPICS, VERDICTS
from runtime.world import Unit
from spark_app.errors import PreflightError

NEEDED = [name for name in TOPICS if name != VERDICTS]
ANSWERS_WITHIN_MS = 10_000
"""kafka-python would try for 30 s before it says that nobody is there."""


READERS = ("sessions", "archive")
"""Queries that read topics."""


def check_topics(broker: str, security: dict[str, str], unit: Unit) -> dict[str, int]:
    """Return how many messages plays and activity have had so far.

    Raises PreflightError where the broker does not answer, a topic is missing, or one ends before what was read.
    """
    options = {key.replace(".", "_"): value for key, value in security.items()}
    try:
        consumer = KafkaConsumer(
            bootstrap_servers=broker, request_timeout_ms=15_000, bootstrap_timeout_ms=ANSWERS_WITHIN_MS, **options
        )
    except KafkaError as error:
        raise PreflightError(f"no Kafka broker answers at {broker} ({type(error).__name__}): run  make up") from None
    try:
        there = consumer.topics()
        missing = [name for name in NEEDED if name not in there]
        if missing:
            raise PreflightError(f"topic {', '.join(missing)} does not exist at {broker}: run  python -m ops topics")
        for query in READERS:
            _check_read(consumer, query, read_so_far(unit.checkpoints / query / "offsets"))
        return {topic: _messages(consumer, topic) for topic in (PLAYS, ACTIVITY)}
    finally:
        consumer.close()


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
                f"{offset}: the topic was made anew; begin a fresh version with  python -m ops up --fresh"
            )
