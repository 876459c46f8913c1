"""A small world to replay, and what is in the topics afterwards."""

import json
from dataclasses import dataclass
from typing import Any

from contracts.events import ID_FIELD
from producer.replay import replay
from producer.replay.faults.injector import with_faults
from producer.replay.faults.settings import Faults
from producer.replay.pace import Pace
from producer.replay.replay import Outcome
from runtime.kafka.connection import KafkaConnection
from runtime.units import MINUTE_MS
from runtime.world import World
from tests.producer.raw_world import START_MS
from tests.read_topic import read_topic

PLAY_TIMES = [place * 2 * MINUTE_MS for place in range(50)]
"""Fifty plays, two minutes apart: five batches of ten."""
ACTIVITY_TIMES = [*range(-5, 20), *(place * 5 * MINUTE_MS for place in range(4, 10)), 200 * MINUTE_MS]
"""Some before the first play, none in the fourth batch, one far behind the last play."""
LAST_MS = START_MS + ACTIVITY_TIMES[-1]
PLAY_IDS = [f"p{place}" for place in range(len(PLAY_TIMES))]
ACTIVITY_IDS = [f"a{place}" for place in range(len(ACTIVITY_TIMES))]


@dataclass
class Sent:
    """What one message holds."""

    partition: int
    headers: dict[str, int]
    rows: list[dict[str, Any]]


@dataclass
class Setting:
    """A world, a broker with empty topics, and a look into them."""

    world: World
    kafka: KafkaConnection

    def replay(self, faults: Faults | None = None, batches: int | None = None, pace: Pace | None = None) -> Outcome:
        open_maker = with_faults(faults or Faults())
        return replay.replay(self.world, self.kafka, pace or Pace(speed=0), open_maker, batches=batches)

    def messages(self, topic: str) -> list[Sent]:
        """Read a topic's messages in the order of their numbers."""
        found = [
            Sent(record.partition, {key: int(value) for key, value in record.headers}, json.loads(record.value))
            for record in read_topic(self.kafka.address, topic)
        ]
        return sorted(found, key=lambda sent: sent.headers["message"])

    def rows(self, topic: str) -> list[dict[str, Any]]:
        return [row for sent in self.messages(topic) if not sent.headers["heartbeat"] for row in sent.rows]

    def ids(self, topic: str) -> list[str]:
        return [row[ID_FIELD[topic]] for row in self.rows(topic)]
