"""Send decisions to topic `verdicts`: one loop, in order, at least once, keyed by case and version.

SQLite is the truth; the topic follows. A broker that is away costs nothing but delay: what was not acknowledged is
sent again, and readers de-duplicate by key.
"""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

import orjson
from kafka import KafkaProducer
from kafka.errors import KafkaError

from consumer_viz.dashboard.store import COLUMNS, Decision, VerdictStore
from consumer_viz.feed import ANSWER_MS, client_settings
from contracts.topics import VERDICTS

IDLE_S = 1.0
"""Between two looks for what is unsent."""
AWAY_S = 5.0
"""After a broker that did not answer."""


class Sender(Protocol):
    """Sends one message and returns when the broker has it. Raises KafkaError."""

    def __call__(self, key: bytes, value: bytes) -> None: ...


def message(decision: Decision) -> tuple[bytes, bytes]:
    """Return key and value of a decision's message."""
    value = orjson.dumps({name: getattr(decision, name) for name in COLUMNS})
    return f"{decision.case_id}:{decision.version}".encode(), value


def send_unsent(store: VerdictStore, send: Sender) -> int:
    """Send what is unsent, oldest first, and return how many the broker has acknowledged. Raises KafkaError."""
    sent = 0
    for decision in store.unsent():
        send(*message(decision))
        store.mark_sent(decision)
        sent += 1
    return sent


class Outbox:
    """The loop, as a context manager. It connects only when there is something to send."""

    def __init__(self, store: VerdictStore, broker: str, security: str = "") -> None:
        self._store = store
        self._connect: Callable[[], Any] = lambda: KafkaProducer(
            bootstrap_servers=broker, acks="all", request_timeout_ms=ANSWER_MS, bootstrap_timeout_ms=ANSWER_MS,
            max_block_ms=ANSWER_MS, delivery_timeout_ms=2 * ANSWER_MS, **client_settings(security),
        )  # fmt: skip
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)

    def __enter__(self) -> "Outbox":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(2 * ANSWER_MS / 1000)

    def _run(self) -> None:
        producer, seen = None, -1
        while not self._stop.wait(IDLE_S):
            stamp = self._store.stamp()
            if stamp == seen:
                continue  # nothing was decided since all was sent
            try:
                producer = producer or self._connect()
                while send_unsent(self._store, partial(_send, producer)):
                    pass
                seen = stamp
            except (KafkaError, OSError):
                if producer is not None:
                    producer.close(timeout=0)
                    producer = None
                self._stop.wait(AWAY_S)
        if producer is not None:
            producer.close(timeout=1)


def _send(producer: Any, key: bytes, value: bytes) -> None:
    producer.send(VERDICTS, key=key, value=value).get(timeout=2 * ANSWER_MS / 1000)
