"""Keep topic `rules` as the record of the world's rules is: one thread, which sends what the topic lacks."""

import threading
import time
from typing import Self

from contracts.topics import RULES
from models.rules.store import RuleStore
from models.rules.sync import send_rules
from runtime.kafka.compacted import CompactedTopic
from runtime.kafka.connection import KafkaConnection
from runtime.monitoring.trouble import Trouble

POLL_S = 1.0
"""Seconds between two looks for changes."""
CHECK_S = 60.0
"""Seconds between two looks whether the topic still has everything: it may have been made again."""
RETRY_S = 5.0
STOP_S = 10.0


class RuleOutbox:
    """The sending thread, as a context manager. A broker that is away costs nothing but delay."""

    def __init__(self, store: RuleStore, kafka: KafkaConnection, *, retry_s: float = RETRY_S) -> None:
        self._store, self._kafka, self._retry_s = store, kafka, retry_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="rules outbox", daemon=True)
        self.trouble = Trouble("desk", f"nothing goes to topic {RULES}")
        """Why the topic is not as the record is."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(STOP_S)

    def _run(self) -> None:
        topic = CompactedTopic(self._kafka, RULES)
        sent: dict[str, int] = {}
        checked_at = -CHECK_S
        while not self._stop.wait(POLL_S):
            now = time.monotonic()
            try:
                sequences = self._store.sequences()
                if not sequences or (sequences == sent and now < checked_at + CHECK_S):
                    self.trouble.clear()
                    continue  # a world without rules needs no connection
                send_rules(self._store, self._kafka, topic)
                sent, checked_at = sequences, now
                self.trouble.clear()
            except Exception as error:  # whatever it is, what is unsent must not wait for the next start
                self.trouble.report(error)
                self._stop.wait(self._retry_s)
        topic.close()
