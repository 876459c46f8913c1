"""Send decisions to topic `verdicts`: one thread, in order, each once for readers of committed messages.

SQLite is the record; the topic follows it. An absent broker costs nothing but delay. Sending a decision and marking it
as sent are two steps, and the server may end between them. So the next connection first fences off what the one before
has in flight (both have the same transactional id), then looks which unsent decisions the topic already holds.
Readers of uncommitted messages may see a decision twice: they de-duplicate by key, which is case and version.
"""

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Self

import orjson
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from consumer_viz.dashboard.decisions.rules import Decision
from consumer_viz.dashboard.decisions.store import COLUMNS, VerdictStore
from consumer_viz.feed.consumer import TIMEOUT_MS
from contracts.topics import VERDICTS
from runtime.kafka.connection import KafkaConnection

POLL_S = 1.0
"""Seconds between two looks for unsent decisions."""
MAX_PER_TRANSACTION = 100
RETRY_S = 5.0
"""Seconds to wait after the broker did not answer."""
MAX_CLOCK_SKEW = timedelta(hours=1)
"""How far the broker's clock may be behind ours: no message is older than its decision, less this."""

Publish = Callable[[Sequence[Decision]], None]
"""Sends decisions, all or none, and returns when the broker has them. Raises KafkaError."""


def message_key(decision: Decision) -> bytes:
    """Return the key of a decision's message."""
    return f"{decision.case_id}:{decision.version}".encode()


def message_value(decision: Decision) -> bytes:
    """Return the value of a decision's message: the topic's columns as JSON."""
    return orjson.dumps({name: getattr(decision, name) for name in COLUMNS})


def send_unsent(store: VerdictStore, publish: Publish) -> None:
    """Send all unsent decisions, oldest first, and mark them as sent. Raises KafkaError."""
    while unsent := store.unsent(MAX_PER_TRANSACTION):
        publish(unsent)
        store.mark_sent(unsent)


class VerdictPublisher:
    """A connection of one world's outbox to the broker. Only the newest of a world can send. Raises KafkaError."""

    def __init__(self, world: str, kafka: KafkaConnection) -> None:
        self._settings = {**kafka.python(), "bootstrap_timeout_ms": TIMEOUT_MS}
        self._producer = KafkaProducer(
            transactional_id=f"playproof-{VERDICTS}-{world}", max_block_ms=TIMEOUT_MS, request_timeout_ms=TIMEOUT_MS,
            delivery_timeout_ms=2 * TIMEOUT_MS, **self._settings,
        )  # fmt: skip
        try:
            self._producer.init_transactions()
        except KafkaError:
            self.close()
            raise

    def publish(self, decisions: Sequence[Decision]) -> None:
        """Send decisions in one transaction."""
        self._producer.begin_transaction()
        for decision in decisions:
            self._producer.send(VERDICTS, key=message_key(decision), value=message_value(decision))
        self._producer.commit_transaction()

    def already_published(self, unsent: Sequence[Decision]) -> list[Decision]:
        """Return those of the unsent decisions that the topic holds."""
        since = datetime.fromisoformat(min(decision.decided_at for decision in unsent)) - MAX_CLOCK_SKEW
        partition = TopicPartition(VERDICTS, 0)
        keys = set()
        with KafkaConsumer(
            isolation_level="read_committed", allow_auto_create_topics=False, request_timeout_ms=TIMEOUT_MS,
            **self._settings,
        ) as consumer:  # fmt: skip
            consumer.assign([partition])
            start = consumer.offsets_for_times({partition: int(since.timestamp() * 1000)})[partition]
            if start is None:
                return []
            end = consumer.end_offsets([partition])[partition]
            consumer.seek(partition, start.offset)
            while consumer.position(partition) < end:
                for record in consumer.poll(TIMEOUT_MS).get(partition, ()):
                    keys.add(record.key)
        return [decision for decision in unsent if message_key(decision) in keys]

    def close(self) -> None:
        """Close the connection; what is in flight is dropped."""
        self._producer.close(timeout=0)


class Outbox:
    """The sending thread, as a context manager. It connects only when there is something to send."""

    def __init__(
        self, store: VerdictStore, connect: Callable[[], VerdictPublisher], *, retry_s: float = RETRY_S
    ) -> None:
        self._store = store
        self._connect = connect
        self._retry_s = retry_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(2 * TIMEOUT_MS / 1000)

    def _run(self) -> None:
        publisher, sent_stamp = None, -1
        while not self._stop.wait(POLL_S):
            stamp = self._store.stamp()
            if stamp == sent_stamp:
                continue  # no decision since everything was sent
            try:
                if publisher is None and (unsent := self._store.unsent()):
                    publisher = self._connect()
                    self._store.mark_sent(publisher.already_published(unsent))
                if publisher is not None:
                    send_unsent(self._store, publisher.publish)
                sent_stamp = stamp
            except (KafkaError, OSError):
                if publisher is not None:
                    publisher.close()
                    publisher = None
                self._stop.wait(self._retry_s)
        if publisher is not None:
            publisher.close()
