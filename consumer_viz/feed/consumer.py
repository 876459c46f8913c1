"""A plain Kafka consumer, without Spark and without a consumer group, that counts what it reads in a thread.

Delivery: every message once while the process lives, from the offsets chosen at start. The broker may be absent, or be
killed and restarted, topics may be created later, certificates may be replaced: the feed reports it in one line
(`Snapshot.trouble`) and goes on.
"""

import math
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from consumer_viz.feed.counts import LIVE_BATCHES, FeedCounts, Snapshot
from contracts.domain import MUSIC, Domain
from contracts.topics import ALERTS, FRAUD_COUNTS
from runtime.errors import in_one_line
from runtime.kafka.access import explain
from runtime.kafka.connection import KafkaConnection

POLL_MS = 200
CHECK_S = 1.0
"""How often the feed asks the broker for the ends of its topics, and for topics that are missing."""
CATCHING_UP_MESSAGES = 200
"""From so many unread messages on the feed is catching up; fewer are on their way at any moment."""
TIMEOUT_MS = 3000
"""A broker that does not answer for so long is called absent."""
STOP_S = 8.0
"""A stop waits so long for the thread: longer than one request that is not answered."""


def topics_read(domain: Domain) -> tuple[str, ...]:
    """Return the topics that a feed of a domain reads: those of its rows, and flags and alerts where it shows them."""
    has_flags = any(panel.quantity == "flags" for panel in domain.panels)
    return (*domain.topics, FRAUD_COUNTS, ALERTS) if has_flags else domain.topics


class KafkaFeed:
    """Reads a domain's topics, as a context manager. It begins `since_s` seconds ago; None: at the earliest message.

    Raises SecuritySettingError, when it is made, where a store cannot be opened.
    """

    def __init__(
        self,
        kafka: KafkaConnection,
        *,
        since_s: float | None,
        domain: Domain = MUSIC,
        max_batches: int = LIVE_BATCHES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        kafka.python()
        self._kafka = kafka
        self._since_s = since_s
        self._clock = clock
        self._topics = topics_read(domain)
        self._counts = FeedCounts(max_batches, domain=domain)
        self._next: dict[Any, int] = {}  # TopicPartition -> offset of the next message; survives a new connection
        self._checked: tuple[float, dict[Any, int]] = (-math.inf, {})  # time of the last check, ends of the partitions
        self._read_all_at = -math.inf  # time of the newest check whose ends have all been read
        self._failed_at = -math.inf  # when the broker last did not answer
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(STOP_S)

    @property
    def last_bad(self) -> str:
        """Position of the last unreadable message and what is wrong with it."""
        return self._counts.last_bad

    def snapshot(self, since: float = 0) -> Snapshot:
        """Return what has arrived with `ts` (windows: end) at or after `since`."""
        return self._counts.snapshot(at=self._clock(), since=since)

    def wait_until_read(self, within_s: float) -> bool:
        """Wait until everything that is in the topics now has been read.

        Returns False if that takes longer than `within_s`, or if no broker answers.
        """
        began = time.monotonic()
        while time.monotonic() < began + within_s:
            if self._read_all_at > began:
                return True
            if self._failed_at > began:
                return False
            time.sleep(0.05)
        return False

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with KafkaConsumer(
                    **self._kafka.python(),  # again for each connection: a certificate may have been replaced
                    group_id=None,
                    auto_offset_reset="earliest",
                    isolation_level="read_committed",
                    allow_auto_create_topics=False,
                    bootstrap_timeout_ms=TIMEOUT_MS,
                    request_timeout_ms=TIMEOUT_MS * 2,
                    reconnect_backoff_max_ms=1000,
                ) as consumer:
                    self._read(consumer)
            except Exception as error:  # whatever it is, the pages must not stay as they are until the next start
                self._counts.trouble = self._explained(error)
                self._counts.is_catching_up = False
                self._failed_at = time.monotonic()
                self._stop.wait(CHECK_S)

    def _explained(self, error: Exception) -> str:
        """Say in one line what keeps the feed from reading."""
        if isinstance(error, KafkaError | OSError):
            try:
                return str(explain(self._kafka, error))
            except Exception as unexplained:  # the broker may come and go while it is asked
                error = unexplained
        return f"the topics are not read: {in_one_line(error)}"

    def _read(self, consumer: Any) -> None:
        checked_at = -CHECK_S
        while not self._stop.is_set():
            if time.monotonic() - checked_at >= CHECK_S:
                self._check(consumer)
                checked_at = time.monotonic()
            for partition, records in consumer.poll(timeout_ms=POLL_MS).items():
                for record in records:
                    self._next[partition] = record.offset + 1  # first: what ends the reading here is not read again
                    self._counts.add_message(
                        record.topic,
                        record.value,
                        record.headers,
                        now=self._clock(),
                        position=f"{record.topic}[{record.partition}]@{record.offset}",
                    )

    def _check(self, consumer: Any) -> None:
        """Look for new partitions and for unread messages. Raises KafkaError where the broker does not answer."""
        now = time.monotonic()
        existing = consumer.topics()
        # a version that an earlier job wrote has no alerts
        missing = [topic for topic in self._topics if topic not in existing and topic != ALERTS]
        present = [topic for topic in self._topics if topic in existing]
        partitions = [TopicPartition(t, p) for t in present for p in sorted(consumer.partitions_for_topic(t))]
        ends = consumer.end_offsets(partitions, timeout_ms=TIMEOUT_MS) if partitions else {}
        self._choose_starts(consumer, ends)
        if consumer.assignment() != set(partitions):
            consumer.assign(partitions)
            for partition in partitions:
                consumer.seek(partition, self._next[partition])
        # ahead of the last message where a transaction ended behind it; none while the client looks for a beginning
        positions = {partition: consumer.position(partition, timeout_ms=TIMEOUT_MS) for partition in partitions}
        self._next |= {partition: at for partition, at in positions.items() if at is not None}
        unread = sum(end - self._next[partition] for partition, end in ends.items())
        checked_at, earlier_ends = self._checked
        if unread == 0:
            self._read_all_at = now
        elif all(self._next.get(partition, 0) >= end for partition, end in earlier_ends.items()):
            self._read_all_at = checked_at  # messages keep coming, and the feed keeps up with them
        self._checked = (now, ends)
        self._counts.is_catching_up = unread > CATCHING_UP_MESSAGES
        self._counts.trouble = f"no topic {', '.join(missing)} yet: run  playproof topics" if missing else ""

    def _choose_starts(self, consumer: Any, ends: dict[Any, int]) -> None:
        """Choose the first offset in partitions that are new, or whose log was replaced by a shorter one."""
        new = [partition for partition, end in ends.items() if self._next.get(partition, end + 1) > end]
        if not new:
            return
        self._next |= consumer.beginning_offsets(new, timeout_ms=TIMEOUT_MS)
        if self._since_s is not None:
            since_ms = int((self._clock() - self._since_s) * 1000)
            starts = consumer.offsets_for_times(dict.fromkeys(new, since_ms), timeout_ms=TIMEOUT_MS)
            self._next |= {partition: at.offset if at else ends[partition] for partition, at in starts.items()}
        consumer.unsubscribe()  # so that the caller assigns and seeks again
