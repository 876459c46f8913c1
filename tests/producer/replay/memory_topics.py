"""Topics in memory, in place of a broker: every message arrives at once, and a crash of the sender leaves them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Self

import orjson
import pytest

from producer.kafka.messages import Identity, Message
from producer.replay import attempt, replay
from runtime.kafka.connection import KafkaConnection


@dataclass
class MemoryTopics:
    """What a broker would hold; `before_send` and `after_send` are called around each message that arrives."""

    messages: dict[str, list[tuple[int, Message]]] = field(default_factory=dict)
    """Number and message by topic, in the order of arrival."""
    before_send: Callable[[], None] = lambda: None
    after_send: Callable[[], None] = lambda: None
    acknowledges_at_once: bool = True
    """Whether a message is known to be acknowledged as soon as it is sent, or only when somebody waits for it."""

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let replays send here and look here."""
        monkeypatch.setattr(replay, "wait_until_up", lambda kafka: None)
        monkeypatch.setattr(attempt, "Sender", lambda kafka, partitions: _MemorySender(self))
        monkeypatch.setattr(attempt, "arrived_messages", self._arrived_messages)
        monkeypatch.setattr(attempt, "message_counts", self._message_counts)

    def rows(self, topic: str) -> list[Any]:
        """Return the rows of every whole message, without `ts` and heartbeats; a torn message is its text."""
        rows: list[Any] = []
        for _, message in self.messages.get(topic, ()):
            try:
                rows += [] if message.is_heartbeat else map(_without_ts, orjson.loads(message.value))
            except orjson.JSONDecodeError:
                rows.append(message.value)
        return rows

    def numbers(self, topic: str) -> list[int]:
        return [number for number, _ in self.messages.get(topic, ())]

    def _arrived_messages(
        self, kafka: KafkaConnection, topic: str, partitions: int, last_known: dict[int, int]
    ) -> set[Identity]:
        sent = self.messages.get(topic, ())
        return {Identity(number, message.batch, message.clock_ms) for number, message in sent}

    def _message_counts(self, kafka: KafkaConnection, topics: Sequence[str]) -> dict[str, int]:
        return {topic: len(self.messages.get(topic, ())) for topic in topics}


def _without_ts(row: Any) -> Any:
    return {name: value for name, value in row.items() if name != "ts"} if isinstance(row, dict) else row


@dataclass
class _MemorySender:
    topics: MemoryTopics

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def send(self, message: Message, number: int, start_ms: int) -> Any:
        self.topics.before_send()
        arrived = self.topics.messages.setdefault(message.topic, [])
        arrived.append((number, message))
        self.topics.after_send()
        metadata = SimpleNamespace(topic=message.topic, partition=0, offset=len(arrived) - 1)
        return SimpleNamespace(is_done=self.topics.acknowledges_at_once, get=lambda within_s: metadata)
