"""A plain Kafka consumer, without Spark and without a group, that keeps the counts from its own thread.

Delivery: from the offsets it chose at start, every message once while the process lives. The broker may be absent,
killed and restarted, and topics may come later: the feed says so in one line (`Snapshot.trouble`) and goes on.
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
from contracts.events import ACTIVITY, PLAYS
from contracts.topics import FRAUD_COUNTS
from runtime.kafka.access import explain
from runtime.kafka.connection import KafkaConnection

READ = (PLAYS, ACTIVITY, FRAUD_COUNTS)
POLL_MS = 200
CHECK_S = 1.0
"""How often the feed asks whether the broker answers, what it has not read yet, and for topics it misses."""
CATCHING_UP = 200
"""Unread messages that are called catching up; fewer are on their way at any moment."""
ANSWER_MS = 3000
"""A broker that does not answer for so long is called absent."""
STOP_S = 8.0
"""A stop waits so long for the thread, more than one unanswered question."""


class KafkaFeed:
    """Reads the three topics, as a context manager. `since_s`: how far back it begins, None for the very beginning."""

    def __init__(
        self,
        kafka: KafkaConnection,
        *,
        since_s: float | None,
        max_batches: int = LIVE_BATCHES,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._kafka = kafka
        self._client = kafka.python()
        self._since_s = since_s
        self._clock = clock
        self._tally = FeedCounts(max_batches)
        self._next: dict[Any, int] = {}  # TopicPartition -> offset of the next message, over all connections
        self._read_all_at = -math.inf  # when the feed last asked what there is and knew that it had read it
        self._goal: tuple[float, dict[Any, int]] = (-math.inf, {})  # when the feed last asked, and where topics ended
        self._failed_at = -math.inf  # when a question last went unanswered
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
        """Where the last unreadable message is and what is wrong with it."""
        return self._tally.last_bad

    def snapshot(self, since: float = 0) -> Snapshot:
        """Return what has arrived with `ts` at or after `since`."""
        return self._tally.snapshot(at=self._clock(), since=since)

    def wait_until_read(self, within_s: float) -> bool:
        """Wait until all that is in the topics by now has been read; False if that takes longer or nobody answers."""
        asked = time.monotonic()
        while time.monotonic() < asked + within_s:
            if self._read_all_at > asked:
                return True
            if self._failed_at > asked:
                return False
            time.sleep(0.05)
        return False

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with KafkaConsumer(
                    **self._client,
                    group_id=None,
                    auto_offset_reset="earliest",
                    allow_auto_create_topics=False,
                    bootstrap_timeout_ms=ANSWER_MS,
                    request_timeout_ms=ANSWER_MS * 2,
                    reconnect_backoff_max_ms=1000,
                ) as consumer:
                    self._read(consumer)
            except (KafkaError, OSError) as error:
                self._tally.trouble = str(explain(self._kafka, error))
                self._tally.is_catching_up = False
                self._failed_at = time.monotonic()
                self._stop.wait(CHECK_S)

    def _read(self, consumer: Any) -> None:
        checked = -CHECK_S
        while not self._stop.is_set():
            if time.monotonic() - checked >= CHECK_S:
                self._check(consumer)
                checked = time.monotonic()
            for partition, records in consumer.poll(timeout_ms=POLL_MS).items():
                for record in records:
                    self._tally.add_message(
                        record.topic,
                        record.value,
                        record.headers,
                        now=self._clock(),
                        position=f"{record.topic}[{record.partition}]@{record.offset}",
                    )
                self._next[partition] = records[-1].offset + 1

    def _check(self, consumer: Any) -> None:
        """Look for new partitions and for what is left to read. Raises KafkaError where nobody answers."""
        asked = time.monotonic()
        found = consumer.topics()
        missing = [topic for topic in READ if topic not in found]
        here = [TopicPartition(t, p) for t in READ if t in found for p in sorted(consumer.partitions_for_topic(t))]
        ends = consumer.end_offsets(here, timeout_ms=ANSWER_MS) if here else {}
        self._start_new(consumer, ends)
        if consumer.assignment() != set(here):
            consumer.assign(here)
            for partition in here:
                consumer.seek(partition, self._next[partition])
        left = sum(end - self._next[partition] for partition, end in ends.items())
        goal_at, goal = self._goal
        if left == 0:
            self._read_all_at = asked
        elif all(self._next.get(partition, 0) >= end for partition, end in goal.items()):
            self._read_all_at = goal_at  # messages keep coming, and the feed keeps up with them
        self._goal = (asked, ends)
        self._tally.is_catching_up = left > CATCHING_UP
        self._tally.trouble = f"no topic {', '.join(missing)} yet: run  playproof topics" if missing else ""

    def _start_new(self, consumer: Any, ends: dict[Any, int]) -> None:
        """Choose where to begin in partitions that are new, or whose log is not the one we read from."""
        new = [partition for partition, end in ends.items() if self._next.get(partition, end + 1) > end]
        if not new:
            return
        self._next |= consumer.beginning_offsets(new, timeout_ms=ANSWER_MS)
        if self._since_s is not None:
            since_ms = int((self._clock() - self._since_s) * 1000)
            starts = consumer.offsets_for_times(dict.fromkeys(new, since_ms), timeout_ms=ANSWER_MS)
            self._next |= {partition: at.offset if at else ends[partition] for partition, at in starts.items()}
        consumer.unsubscribe()  # so that the caller assigns and seeks anew
