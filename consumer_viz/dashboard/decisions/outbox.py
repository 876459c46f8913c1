"""Send decisions and actions to their topics: a thread each, in order, each once for readers of committed messages.

SQLite is the record; the topics follow it. An absent broker costs nothing but delay. Sending and marking as sent are
two steps, and the server may end between them. So the next connection first fences off what the one before has in
flight (both have the same transactional id), then looks which unsent messages the topic already holds.
Readers of uncommitted messages may see a message twice: they de-duplicate by its key.
"""

import contextlib
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, Self, TypeVar

import orjson
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from consumer_viz.dashboard.decisions.actions import message_of
from consumer_viz.dashboard.decisions.holds import Action
from consumer_viz.dashboard.decisions.rules import Decision
from consumer_viz.dashboard.decisions.store import COLUMNS, VerdictStore
from consumer_viz.feed.consumer import TIMEOUT_MS
from contracts.topics import ACTIONS, FIRST_PARTITION, MAX_MESSAGE_BYTES, VERDICTS
from runtime.kafka.connection import KafkaConnection
from runtime.monitoring.trouble import Trouble

T = TypeVar("T", Decision, Action)
"""What goes to a topic."""
POLL_S = 1.0
"""Seconds between two looks for unsent decisions."""
MAX_PER_TRANSACTION = 100
MAX_VALUE_BYTES = MAX_MESSAGE_BYTES - 1024
"""Of a message, which has a key and a head too."""
RETRY_S = 5.0
"""Seconds to wait after the broker did not answer."""
MAX_CLOCK_SKEW = timedelta(hours=1)
"""How far the broker's clock may be behind ours: no message is older than its row, less this.

Where our clock was set back since the row was made, it is this long before now."""


@dataclass(frozen=True, slots=True)
class Channel(Generic[T]):
    """What of the store goes to a topic, and how."""

    topic: str
    unsent: Callable[[int | None], list[T]]
    mark_sent: Callable[[Iterable[T]], None]
    stamp: Callable[[], int]
    """Returns a number that grows with every row."""
    key: Callable[[T], bytes]
    value: Callable[[T], bytes]
    made_at: Callable[[T], str]


def verdict_channel(store: VerdictStore) -> Channel[Decision]:
    """Return how decisions go to topic `verdicts`: key case and version, value the topic's columns as JSON."""
    return Channel(
        VERDICTS, store.unsent, store.mark_sent, store.stamp, lambda d: f"{d.case_id}:{d.version}".encode(),
        lambda d: orjson.dumps({name: getattr(d, name) for name in COLUMNS}), lambda d: d.decided_at,
    )  # fmt: skip


def action_channel(store: VerdictStore) -> Channel[Action]:
    """Return how actions go to topic `actions`: key action_id."""
    return Channel(
        ACTIONS, store.unsent_actions, store.mark_actions_sent, store.action_stamp, lambda a: a.action_id.encode(),
        lambda a: orjson.dumps(message_of(a)), lambda a: a.created_at,
    )  # fmt: skip


def send_unsent(channel: Channel[T], publish: Callable[[Sequence[T]], None]) -> list[T]:
    """Send all that is unsent, oldest first, and mark it as sent; return what no message can hold. Raises KafkaError.

    A row that is too large stays unsent, where page Quality counts it, and those after it are sent: one hold of very
    many tracks may not keep all later ones from who pays. `publish` sends rows, all or none, and returns when the
    broker has them.
    """
    too_large: list[T] = []
    while unsent := channel.unsent(MAX_PER_TRANSACTION + len(too_large))[len(too_large) :]:
        fitting: list[T] = []
        for row in unsent:
            (fitting if len(channel.value(row)) <= MAX_VALUE_BYTES else too_large).append(row)
        if fitting:
            publish(fitting)
            channel.mark_sent(fitting)
    return too_large


class Publisher(Generic[T]):
    """A connection of one world's outbox to the broker. Only the newest of a world and topic can send.

    Raises KafkaError.
    """

    def __init__(self, channel: Channel[T], world: str, kafka: KafkaConnection) -> None:
        self._channel: Channel[T] = channel
        self._settings = {**kafka.python(), "bootstrap_timeout_ms": TIMEOUT_MS}
        self._producer = KafkaProducer(
            transactional_id=f"playproof-{channel.topic}-{world}", max_block_ms=TIMEOUT_MS,
            request_timeout_ms=TIMEOUT_MS, delivery_timeout_ms=2 * TIMEOUT_MS, max_request_size=MAX_MESSAGE_BYTES,
            **self._settings,
        )  # fmt: skip
        try:
            self._producer.init_transactions()
        except Exception:
            self.close()
            raise

    def publish(self, rows: Sequence[T]) -> None:
        """Send rows in one transaction."""
        self._producer.begin_transaction()
        messages = [
            self._producer.send(
                self._channel.topic,
                key=self._channel.key(row),
                value=self._channel.value(row),
                partition=FIRST_PARTITION,
            )
            for row in rows
        ]
        self._producer.commit_transaction()
        for message in messages:
            # kafka-python 3.0 also commits without a message that the broker refused of a producer that is shut out
            message.get(TIMEOUT_MS / 1000)

    def already_published(self, unsent: Sequence[T]) -> list[T]:
        """Return those of the unsent rows that the topic holds."""
        first = datetime.fromisoformat(min(self._channel.made_at(row) for row in unsent))
        since = min(first, datetime.now(UTC)) - MAX_CLOCK_SKEW
        partition = TopicPartition(self._channel.topic, FIRST_PARTITION)
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
        return [row for row in unsent if self._channel.key(row) in keys]

    def close(self) -> None:
        """Close the connection; what is in flight is dropped."""
        self._producer.close(timeout=0)


class Outbox(Generic[T]):
    """The sending thread of a topic, as a context manager. It connects only when there is something to send."""

    def __init__(self, channel: Channel[T], connect: Callable[[], Publisher[T]], *, retry_s: float = RETRY_S) -> None:
        self._channel: Channel[T] = channel
        self._connect: Callable[[], Publisher[T]] = connect
        self._retry_s = retry_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"outbox-{self._channel.topic}", daemon=True)
        self.trouble = Trouble("desk", f"nothing goes to topic {self._channel.topic}")
        """Why what is unsent is not sent."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(2 * TIMEOUT_MS / 1000)

    def _run(self) -> None:
        publisher, sent_stamp = None, -1
        named: set[bytes] = set()
        while not self._stop.wait(POLL_S):
            try:
                stamp = self._channel.stamp()
                if stamp == sent_stamp:
                    self.trouble.clear()
                    continue  # no new row since everything was sent
                if publisher is None and self._channel.unsent(1):
                    publisher = self._connect()
                    # asked now: until it connected, another server may have sent a row that was saved meanwhile
                    if unsent := self._channel.unsent(None):
                        self._channel.mark_sent(publisher.already_published(unsent))
                if publisher is not None:
                    too_large = {self._channel.key(row) for row in send_unsent(self._channel, publisher.publish)}
                    for key in too_large - named:
                        message = f"{key.decode()} is too large for topic {self._channel.topic}, and not sent"
                        print(f"desk: {message}", file=sys.stderr, flush=True)
                    named |= too_large
                sent_stamp = stamp
                self.trouble.clear()
            except Exception as error:  # whatever it is, what is unsent must not wait for the next start
                self.trouble.report(error)
                _close(publisher)
                publisher = None
                self._stop.wait(self._retry_s)
        _close(publisher)


def _close(publisher: Publisher[T] | None) -> None:
    # a connection that is broken may not even close well
    with contextlib.suppress(Exception):
        if publisher is not None:
            publisher.close()
