"""The contender `raw_consume` of `playproof bench`: a plain kafka-python consumer that reads every message."""

import time
from collections import Counter
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from contracts.events import ACTIVITY, HEADER_HEARTBEAT, HEADER_ROWS, PLAYS
from contracts.topics import MAX_MESSAGE_BYTES
from runtime.kafka.connection import KafkaConnection

NAME = "raw_consume"
STEP_S = 0.2
"""How often it notes how far it is."""


def consume(kafka: KafkaConnection) -> dict[str, Any]:
    """Read both topics from the start to their present end: steps, and what the topics hold.

    Rows are counted by header; heartbeats are counted apart, as messages.
    """
    consumer = KafkaConsumer(
        **kafka.python(),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=MAX_MESSAGE_BYTES,
    )
    try:
        places = [TopicPartition(t, p) for t in (PLAYS, ACTIVITY) for p in sorted(consumer.partitions_for_topic(t))]
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        return _drain(consumer, consumer.end_offsets(places))
    finally:
        consumer.close()


def _drain(consumer: KafkaConsumer, ends: dict[TopicPartition, int]) -> dict[str, Any]:
    topics = {topic: Counter(messages=0, rows=0, heartbeats=0) for topic in (PLAYS, ACTIVITY)}
    began_at = noted_at = time.time()
    steps: list[dict[str, Any]] = []
    waiting: Counter[str] = Counter()
    left = sum(ends.values())
    while left:
        for place, records in consumer.poll(timeout_ms=1000).items():
            left -= len(records)
            waiting[place.topic] += len(records)
            seen = topics[place.topic]
            seen["messages"] += len(records)
            for record in records:
                headers = dict(record.headers)
                kind = "heartbeats" if headers[HEADER_HEARTBEAT] == b"1" else "rows"
                seen[kind] += int(headers[HEADER_ROWS])
        if waiting and (not left or time.time() - noted_at >= STEP_S):
            noted_at = time.time()
            steps.append({"ended_at": noted_at, "query": NAME, "messages": dict(waiting)})
            waiting.clear()
    return {"began_at": began_at, "steps": steps, "topics": {t: dict(counts) for t, counts in topics.items()}}
