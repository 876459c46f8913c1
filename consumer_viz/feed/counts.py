"""Counts of what has arrived, per batch and per fraud-count window. A plot reads an immutable snapshot of them.

The feed's thread adds counts, the plot's thread takes snapshots. The number of batches and windows has a bound, so
memory and time do not grow with the length of a run.
"""

import threading
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from consumer_viz.feed.messages import (
    Alert,
    BadMessage,
    FraudWindow,
    MessageCounts,
    count_rows,
    read_alert,
    read_fraud_window,
)
from contracts.domain import MUSIC, Domain
from contracts.topics import ALERTS, FRAUD_COUNTS
from runtime.event_text import Headers

LIVE_BATCHES = 20_000
"""Batches a live plot keeps: ten minutes at 33 batches (6,600 plays) per second."""
RUN_BATCHES = 200_000
"""Batches a recording keeps: 40 million plays, about 60 MB."""
MAX_WINDOWS = 20_000
"""Fraud-count windows kept: one every 10 s makes two days."""
MAX_ALERTS = 20_000
"""Alerts kept, the newest."""
MAX_AHEAD_S = 300
"""A `ts` further than this ahead of our clock is refused: one message from 2099 would stretch the axis for good."""


class PlotBatch(NamedTuple):
    """Counts of one batch: of all messages with the same `ts` and batch number."""

    ts: int
    number: int
    master_rows: int
    """Rows of the domain's master topic: plays, or browsing rows."""
    successes: int
    companion_rows: int
    """Rows of its companion: activity, or transactions."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything a plot needs, at one moment."""

    at: float
    """When the snapshot was taken, epoch seconds."""
    batches: tuple[PlotBatch, ...] = ()
    windows: tuple[FraudWindow, ...] = ()
    """Newest version of each window, in order of their ends."""
    master_rows: int = 0
    companion_rows: int = 0
    bad_messages: int = 0
    bad_rows: int = 0
    trouble: str = ""
    """What keeps the feed from reading, in one line; empty when all is well."""
    is_catching_up: bool = False
    """Whether older messages are still being read."""
    successes: int = 0
    domain: Domain = MUSIC
    alerts: tuple[Alert, ...] = ()
    """One per session, in order of time."""

    def until(self, at: float) -> "Snapshot":
        """Return what was known at an earlier moment: one frame of an animation."""
        return Snapshot(
            at,
            tuple(b for b in self.batches if b.ts <= at),
            tuple(w for w in self.windows if w.end <= at),
            self.master_rows, self.companion_rows, self.bad_messages, self.bad_rows,
            successes=self.successes, domain=self.domain, alerts=tuple(a for a in self.alerts if a.at <= at),
        )  # fmt: skip


class SnapshotSource(Protocol):
    """A feed, as plots, pages and metrics see it."""

    def snapshot(self, since: float = 0) -> Snapshot:
        """Return what has arrived with `ts` (windows: end) at or after `since`, epoch seconds."""
        ...


@dataclass
class FeedCounts:
    """Counts per batch, the newest version per window, and counts of what could not be read."""

    max_batches: int = LIVE_BATCHES
    trouble: str = ""
    is_catching_up: bool = False
    domain: Domain = MUSIC
    master_rows: int = 0
    companion_rows: int = 0
    successes: int = 0
    bad_messages: int = 0
    bad_rows: int = 0
    last_bad: str = ""
    """Position of the last bad message and what is wrong with it; never its content."""
    _batches: dict[tuple[int, int], PlotBatch] = field(default_factory=dict)
    _windows: dict[float, FraudWindow] = field(default_factory=dict)
    _alerts: dict[str, Alert] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add_message(self, topic: str, value: bytes, headers: Headers, *, now: float, position: str = "") -> None:
        """Count one message; a bad one counts as bad. `position` names it: topic[partition]@offset."""
        try:
            if topic == FRAUD_COUNTS:
                self.add_window(read_fraud_window(value))
                return
            if topic == ALERTS:
                self.add_alert(read_alert(value))
                return
            counts = count_rows(topic, value, headers)
            if counts.ts > now + MAX_AHEAD_S:
                raise BadMessage("ts is ahead of this machine's clock")
        except BadMessage as bad:
            with self._lock:
                self.bad_messages += 1
                self.last_bad = f"{position or topic}: {bad}"
            return
        self.add_rows(counts)

    def add_rows(self, counts: MessageCounts) -> None:
        """Add the rows of one message to their batch; drop the oldest batches over the bound."""
        key = (counts.ts, counts.batch)
        with self._lock:
            self.bad_rows += counts.bad_rows
            if not counts.rows:
                return  # heartbeats only, or an empty list
            ts, number, master_rows, successes, companion_rows = self._batches.get(key, (*key, 0, 0, 0))
            self.successes += counts.successes
            if counts.topic == self.domain.master:
                self.master_rows += counts.rows
                master_rows += counts.rows
            else:
                self.companion_rows += counts.rows
                companion_rows += counts.rows
            self._batches[key] = PlotBatch(ts, number, master_rows, successes + counts.successes, companion_rows)
            while len(self._batches) > self.max_batches:
                self._batches.pop(next(iter(self._batches)))

    def add_window(self, window: FraudWindow) -> None:
        """Keep the newest version of a window. The topic may deliver a version more than once."""
        with self._lock:
            known = self._windows.get(window.start)
            if known is None or window.batch_id >= known.batch_id:
                self._windows[window.start] = window
            while len(self._windows) > MAX_WINDOWS:
                self._windows.pop(min(self._windows))

    def add_alert(self, alert: Alert) -> None:
        """Keep a session's alert, and whether it was withdrawn. The topic may deliver either more than once."""
        with self._lock:
            known = self._alerts.get(alert.session_key)
            if known is not None:
                self._alerts[alert.session_key] = known._replace(is_withdrawn=known.is_withdrawn or alert.is_withdrawn)
            elif not alert.is_withdrawn:
                self._alerts[alert.session_key] = alert
            while len(self._alerts) > MAX_ALERTS:
                self._alerts.pop(next(iter(self._alerts)))

    def snapshot(self, *, at: float, since: float = 0) -> Snapshot:
        """Return what arrived with `ts` (windows: end; alerts: `at`) at or after `since`, in order of time."""
        with self._lock:
            batches = sorted(b for b in self._batches.values() if b.ts >= since)
            windows = sorted((w for w in self._windows.values() if w.end >= since), key=lambda w: w.end)
            alerts = sorted((a for a in self._alerts.values() if a.at >= since), key=lambda a: a.at)
            return Snapshot(
                at, tuple(batches), tuple(windows), self.master_rows, self.companion_rows,
                self.bad_messages, self.bad_rows, self.trouble, self.is_catching_up, self.successes, self.domain,
                tuple(alerts),
            )  # fmt: skip
