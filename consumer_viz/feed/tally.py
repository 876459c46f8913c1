"""What has arrived so far, batch by batch and window by window; what the plot reads is an immutable snapshot of it.

The feed's thread adds, the plot's thread takes snapshots. Both ends are bounded, so an hour costs what a minute does.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from consumer_viz.feed.messages import Arrival, BadMessage, FraudWindow, read_fraud_window, read_rows
from contracts.events import PLAYS
from contracts.topics import FRAUD_COUNTS

LIVE_BATCHES = 20_000
"""Batches a live plot keeps: ten minutes at 33 batches (6,600 plays) a second."""
RUN_BATCHES = 200_000
"""Batches a recording keeps: 40 million plays, about 60 MB."""
MAX_WINDOWS = 20_000
"""Fraud-count windows kept: one every 10 s makes two days."""
AHEAD_S = 300
"""A `ts` further than this ahead of our clock is refused: one message from 2099 would stretch the axis for good."""


class Batch(NamedTuple):
    """What came at one `ts` under one batch number."""

    ts: int
    number: int
    plays: int
    streams: int
    activity: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that a chart needs, as it stood at one moment."""

    at: float
    """When it was taken, epoch seconds."""
    batches: tuple[Batch, ...] = ()
    windows: tuple[FraudWindow, ...] = ()
    """Newest version of each, by window end."""
    plays: int = 0
    activity: int = 0
    bad_messages: int = 0
    bad_rows: int = 0
    trouble: str = ""
    """What stands between the feed and the broker, in one line; empty when all is well."""
    is_catching_up: bool = False
    """Whether older messages are still being read."""

    def until(self, at: float) -> "Snapshot":
        """Return what was known at an earlier moment: the frames of a film."""
        return Snapshot(
            at,
            tuple(b for b in self.batches if b.ts <= at),
            tuple(w for w in self.windows if w.end <= at),
            self.plays, self.activity, self.bad_messages, self.bad_rows,
        )  # fmt: skip


@dataclass
class Tally:
    """Counts by batch, newest version by window, and what could not be read."""

    max_batches: int = LIVE_BATCHES
    trouble: str = ""
    is_catching_up: bool = False
    plays: int = 0
    activity: int = 0
    bad_messages: int = 0
    bad_rows: int = 0
    last_bad: str = ""
    """Why the last bad message was bad, with its place; never its content."""
    _batches: dict[tuple[int, int], Batch] = field(default_factory=dict)
    _windows: dict[float, FraudWindow] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add_message(
        self, topic: str, value: bytes, headers: Iterable[tuple[str, bytes]], *, now: float, place: str = ""
    ) -> None:
        """Count one message; a bad one is counted as that. `place` names it: topic[partition]@offset."""
        try:
            if topic == FRAUD_COUNTS:
                self.add_window(read_fraud_window(value))
                return
            arrival = read_rows(topic, value, headers)
            if arrival.ts > now + AHEAD_S:
                raise BadMessage("ts is ahead of this machine's clock")
        except BadMessage as bad:
            with self._lock:
                self.bad_messages += 1
                self.last_bad = f"{place or topic}: {bad}"
            return
        self.add(arrival)

    def add(self, arrival: Arrival) -> None:
        """Add the rows of one message to its batch, and forget the oldest batches beyond the bound."""
        key = (arrival.ts, arrival.batch)
        with self._lock:
            self.bad_rows += arrival.bad_rows
            if not arrival.rows:
                return  # heartbeats only
            ts, number, plays, streams, activity = self._batches.get(key, (*key, 0, 0, 0))
            if arrival.topic == PLAYS:
                self.plays += arrival.rows
                plays, streams = plays + arrival.rows, streams + arrival.streams
            else:
                self.activity += arrival.rows
                activity += arrival.rows
            self._batches[key] = Batch(ts, number, plays, streams, activity)
            while len(self._batches) > self.max_batches:
                self._batches.pop(next(iter(self._batches)))

    def add_window(self, window: FraudWindow) -> None:
        """Keep the newest version of a window; the topic is at least once and its versions may repeat."""
        with self._lock:
            known = self._windows.get(window.start)
            if known is None or window.batch_id >= known.batch_id:
                self._windows[window.start] = window
            while len(self._windows) > MAX_WINDOWS:
                self._windows.pop(min(self._windows))

    def snapshot(self, *, at: float, since: float = 0) -> Snapshot:
        """Return what arrived with `ts` (windows: end) at or after `since`, in order of time."""
        with self._lock:
            batches = sorted(b for b in self._batches.values() if b.ts >= since)
            windows = sorted((w for w in self._windows.values() if w.end >= since), key=lambda w: w.end)
            return Snapshot(
                at, tuple(batches), tuple(windows), self.plays, self.activity,
                self.bad_messages, self.bad_rows, self.trouble, self.is_catching_up,
            )  # fmt: skip
