"""What the topics must still have: all that the broker acknowledged to the replay, and all that the job has read."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import orjson

from ops.reconcile.message_rows import TopicRows
from ops.reconcile.topic_rows import all_partitions
from producer.replay.ledger import read_state
from runtime import storage
from runtime.checkpoint import LOG_BEGINS, Partition
from runtime.errors import CheckpointError
from runtime.kafka.connection import KafkaConnection
from runtime.world import Unit


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What the broker acknowledged of a topic to the replay, and where the topic ended after that."""

    rows: int
    offsets: Mapping[int, int]
    """The last acknowledged offset by partition."""
    ends: Mapping[int, int]
    """By partition, with what open transactions have sent: these hide what comes behind them."""

    def missing(self, topic: TopicRows) -> int:
        """Count the rows that a topic does not show. What others sent, or was sent again, stands for none of them."""
        return max(self.rows - topic.replayed, 0)

    def is_hidden(self, topic: TopicRows) -> bool:
        """Return whether an open transaction hides messages of a topic that was read after the ends were asked for."""
        return any(topic.ends.get(partition, 0) < end for partition, end in self.ends.items())

    def faults(self, topic: str) -> list[str]:
        """Say which partitions end before what was acknowledged, a phrase each."""
        return [
            f"{topic}[{partition}] ends at offset {self.ends.get(partition, 0):,}, and the broker acknowledged offset "
            f"{offset:,}"
            for partition, offset in sorted(self.offsets.items())
            if self.ends.get(partition, 0) <= offset
        ]


def read_acknowledged(unit: Unit, kafka: KafkaConnection, topics: Iterable[str]) -> dict[str, Acknowledged]:
    """Read the ledger of a version, and then where the topics end. Raises ReplayError, BrokerError."""
    state = read_state(unit.ledger)
    return {
        topic: Acknowledged(
            state.rows_acknowledged[topic],
            {partition: offset for (name, partition), offset in state.offsets.items() if name == topic},
            {span.partition: span.end for span in all_partitions(kafka, topic, "read_uncommitted")},
        )
        for topic in topics
    }


def first_offsets(unit: Unit, query: str) -> dict[Partition, int]:
    """Return where a query began to read each partition, as Spark noted it at its first start.

    A zero byte, a version line, then a JSON object: `{"plays": {"0": 12, ...}}`. Empty where nothing is noted. Raises
    CheckpointError where a file is unreadable.
    """
    storage.refresh_checkpoints(unit.checkpoints / query / "sources")
    first: dict[Partition, int] = {}
    for file in sorted((unit.checkpoints / query / "sources").glob("*/0")):
        head, _, offsets = file.read_bytes().removeprefix(b"\0").partition(b"\n")
        try:
            if head != LOG_BEGINS.encode():
                raise ValueError(f"it does not begin with {LOG_BEGINS}")
            for topic, partitions in orjson.loads(offsets).items():
                first |= {(topic, int(partition)): int(offset) for partition, offset in partitions.items()}
        except (ValueError, AttributeError, TypeError) as error:
            raise CheckpointError(f"offset file {file} is unreadable ({error}): restore it from a copy") from None
    return first
