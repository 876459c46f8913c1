"""What a topic holds, read to its end; who stops when nothing has come for a while reads less on a busy machine."""

from typing import Any, Literal

from kafka import KafkaConsumer, TopicPartition


def read_topic(
    address: str, topic: str, isolation: Literal["read_uncommitted", "read_committed"] = "read_uncommitted"
) -> list[Any]:
    """Return the records that a topic has now, each partition's in their order; none where there is no such topic."""
    with KafkaConsumer(bootstrap_servers=address, auto_offset_reset="earliest", isolation_level=isolation) as consumer:
        partitions = [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        found = []
        while any(consumer.position(partition) < ends[partition] for partition in partitions):
            for records in consumer.poll(500).values():
                found += records
    return found
