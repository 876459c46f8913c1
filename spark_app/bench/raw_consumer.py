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
"""Seconds between two steps that it records."""


def consume(kafka: KafkaConnection) -> dict[str, Any]:
    """Read both topics from the start to their present end; return steps, and what the topics hold.

    Rows are counted by header; heartbeats are counted apart, as messages.
    """
    consumer = KafkaConsumer(
        **kafka.python(),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=MAX_MESSAGE_BYTES,
    )
    try:
        partitions = [TopicPartition(t, p) for t in (PLAYS, ACTIVITY) for p in sorted(consumer.partitions_for_topic(t))]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        return _drain(consumer, consumer.end_offsets(partitions))
    finally:
        consumer.close()


def _drain(consumer: KafkaConsumer, ends: dict[TopicPartition, int]) -> dict[str, Any]:
    topics = {topic: Counter(messages=0, rows=0, heartbeats=0) for topic in (PLAYS, ACTIVITY)}
    began_at = noted_at = time.time()
    steps: list[dict[str, Any]] = []
    waiting: Counter[str] = Counter()
    left = sum(ends.values())
    while left:
        for partition, records in consumer.poll(timeout_ms=1000).items():
            left -= len(records)
            waiting[partition.topic] += len(records)
            counts = topics[partition.topic]
            counts["messages"] += len(records)
            for record in records:
                headers = dict(record.headers)
                kind = "heartbeats" if headers[HEADER_HEARTBEAT] == b"1" else "rows"
                counts[kind] += int(headers[HEADER_ROWS])
        if waiting and (not left or time.time() - noted_at >= STEP_S):
            noted_at = time.time()
            steps.append({"ended_at": noted_at, "query": NAME, "messages": dict(waiting)})
            waiting.clear()
    return {"began_at": began_at, "steps": steps, "topics": {topic: dict(counts) for topic, counts in topics.items()}}
