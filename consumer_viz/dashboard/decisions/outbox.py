"""Send decisions to topic `verdicts`: one loop, in order, each once for readers of committed messages.

SQLite is the truth; the topic follows, and a broker that is away costs nothing but delay. Sending and noting that it
was sent are two acts, so a server may end between them. The next connection therefore fences off whatever the one
before left on its way (a transaction of the same name), and looks in the topic what of the unsent is there already.
Readers of uncommitted messages may see a decision again: they de-duplicate by key, case and version.
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
from consumer_viz.feed.consumer import ANSWER_MS
from contracts.topics import VERDICTS
from runtime.kafka.connection import KafkaConnection

IDLE_S = 1.0
"""Between two looks for what is unsent."""
AT_ONCE = 100
"""Decisions in one transaction."""
AWAY_S = 5.0
"""After a broker that did not answer."""
CLOCKS_APART = timedelta(hours=1)
"""How far the broker's clock may lie behind ours: no message is older than its decision, less this."""

Deliver = Callable[[Sequence[Decision]], None]
"""Sends decisions, all or none, and returns when the broker has them. Raises KafkaError."""


def key_of(decision: Decision) -> bytes:
    """Return the key of a decision's message."""
    return f"{decision.case_id}:{decision.version}".encode()


def message(decision: Decision) -> bytes:
    """Return the value of a decision's message."""
    return orjson.dumps({name: getattr(decision, name) for name in COLUMNS})


def send_unsent(store: VerdictStore, deliver: Deliver) -> None:
    """Send all that is unsent, oldest first, and note it. Raises KafkaError."""
    while unsent := store.unsent(AT_ONCE):
        deliver(unsent)
        store.mark_sent(unsent)


class Link:
    """A connection of one world's outbox to the broker; only the newest of a world can send. Raises KafkaError."""

    def __init__(self, world: str, kafka: KafkaConnection, *, topic: str = VERDICTS) -> None:
        self._topic = topic
        self._settings = {**kafka.python(), "bootstrap_timeout_ms": ANSWER_MS}
        self._producer = KafkaProducer(
            transactional_id=f"playproof-{topic}-{world}", max_block_ms=ANSWER_MS, request_timeout_ms=ANSWER_MS,
            delivery_timeout_ms=2 * ANSWER_MS, **self._settings,
        )  # fmt: skip
        try:
            self._producer.init_transactions()
        except KafkaError:
            self.close()
            raise

    def deliver(self, decisions: Sequence[Decision]) -> None:
        """Send decisions in one transaction."""
        self._producer.begin_transaction()
        for decision in decisions:
            self._producer.send(self._topic, key=key_of(decision), value=message(decision))
        self._producer.commit_transaction()

    def already_there(self, unsent: Sequence[Decision]) -> list[Decision]:
        """Return those of some decisions that the topic holds."""
        since = datetime.fromisoformat(min(decision.decided_at for decision in unsent)) - CLOCKS_APART
        partition = TopicPartition(self._topic, 0)
        found = set()
        with KafkaConsumer(
            isolation_level="read_committed", allow_auto_create_topics=False, request_timeout_ms=ANSWER_MS,
            **self._settings,
        ) as consumer:  # fmt: skip
            consumer.assign([partition])
            start = consumer.offsets_for_times({partition: int(since.timestamp() * 1000)})[partition]
            if start is None:
                return []
            end = consumer.end_offsets([partition])[partition]
            consumer.seek(partition, start.offset)
            while consumer.position(partition) < end:
                for record in consumer.poll(ANSWER_MS).get(partition, ()):
                    found.add(record.key)
        return [decision for decision in unsent if key_of(decision) in found]

    def close(self) -> None:
        """Let go of the broker; what is on its way is dropped."""
        self._producer.close(timeout=0)


class Outbox:
    """The loop, as a context manager. It connects only when there is something to send."""

    def __init__(self, store: VerdictStore, connect: Callable[[], Link], *, away_s: float = AWAY_S) -> None:
        self._store = store
        self._connect = connect
        self._away_s = away_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(2 * ANSWER_MS / 1000)

    def _run(self) -> None:
        link, seen = None, -1
        while not self._stop.wait(IDLE_S):
            stamp = self._store.stamp()
            if stamp == seen:
                continue  # nothing was decided since all was sent
            try:
                if link is None and (unsent := self._store.unsent()):
                    link = self._connect()
                    self._store.mark_sent(link.already_there(unsent))
                if link is not None:
                    send_unsent(self._store, link.deliver)
                seen = stamp
            except (KafkaError, OSError):
                if link is not None:
                    link.close()
                    link = None
                self._stop.wait(self._away_s)
        if link is not None:
            link.close()
