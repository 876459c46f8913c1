"""Send server-sent events to the open pages. What changed is worked out once per second, for all pages together."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from consumer_viz.dashboard.decisions.leases import live_leases
from consumer_viz.dashboard.live.live_metrics import LiveMetrics
from consumer_viz.dashboard.state import AppState

TICK_S = 1.0
KEEP_ALIVE_S = 15
"""A page without an event for so long gets a comment, so that it knows the server is there."""
MAX_ROWS = 300
"""Changed rows named in one event."""
STREAM_S = 900
"""Seconds after which a page has to ask for its stream again, so that who may not look any more is refused."""
RETRY_MS = 2000
"""After this a page asks again; in `page.js` it is longer until it calls the server silent."""
TEAM_PAGES = frozenset({"queue", "case", "ring"})
"""Pages that show who looks at what."""
MAX_WAITING = 8
"""Events kept for a page that does not read; newer ones are dropped."""


@dataclass(eq=False)
class Subscriber:
    """One open page. `seq` is the newest case it shows."""

    page: str
    seq: int
    queue: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue(MAX_WAITING))


class EventStream:
    """Knows the open pages and sends them what changed."""

    def __init__(self, state: AppState) -> None:
        self._state = state
        self._live_metrics = LiveMetrics(state)
        self._subscribers: set[Subscriber] = set()
        self._stamp: tuple[int, tuple[int, int, str]] = (-1, self._state.store.change_stamp())
        self._leases: dict[str, str] = {}
        self._is_stopped = False

    async def subscribe(self, page: str, seq: int) -> AsyncIterator[bytes]:
        """Yield the events of one page until it is closed."""
        subscriber = Subscriber(page, seq)
        self._subscribers.add(subscriber)
        try:
            yield (
                b"retry: %d\n\n" % RETRY_MS
                + self.counts_event(subscriber)
                + event("leases", live_leases(self._state.store))
            )
            until = asyncio.get_running_loop().time() + STREAM_S
            while not self._is_stopped and asyncio.get_running_loop().time() < until:
                try:
                    yield await asyncio.wait_for(subscriber.queue.get(), KEEP_ALIVE_S)
                except TimeoutError:
                    yield b": alive\n\n"
        finally:
            self._subscribers.discard(subscriber)

    def stop(self) -> None:
        """End every stream, so that the server can end."""
        self._is_stopped = True
        for subscriber in self._subscribers:
            self._send(subscriber, b": bye\n\n")

    async def run(self) -> None:
        """Send events until cancelled. An error is printed, and the next tick comes all the same."""
        trouble = ""
        while True:
            await asyncio.sleep(TICK_S)
            if not self._subscribers:
                continue
            try:
                self._tick()
                trouble = ""
            except Exception as error:  # whatever it is, the other pages must not go silent for ever
                if repr(error) != trouble:
                    trouble = repr(error)
                    print(f"desk: the pages were not updated: {trouble}", file=sys.stderr, flush=True)

    def _tick(self) -> None:
        stamp = (self._state.index.stamp, self._state.store.change_stamp())
        changed_rows = self._changed_rows(self._stamp[1], stamp[1])
        has_changed, self._stamp = stamp != self._stamp, stamp
        leases = live_leases(self._state.store)
        has_leases, self._leases = leases != self._leases, leases
        pages = {subscriber.page for subscriber in self._subscribers}
        live = self._live_metrics.new_points() if "live" in pages else None
        has_progress = "health" in pages and self._live_metrics.has_job_progressed()
        for subscriber in self._subscribers:
            if has_changed:
                self._send(subscriber, self.counts_event(subscriber))
            if has_leases and subscriber.page in TEAM_PAGES:
                self._send(subscriber, event("leases", leases))
            if changed_rows and subscriber.page in TEAM_PAGES:
                self._send(subscriber, event("rows", changed_rows))
            if subscriber.page == "live" and live is not None:
                self._send(subscriber, event("live", live))
            if subscriber.page == "health" and has_progress:
                self._send(subscriber, event("health", {}))

    def counts_event(self, subscriber: Subscriber) -> bytes:
        """Return the event with the number of cases in each list, of new cases, and of decisions."""
        cases = self._state.cases
        new = cases.new_since(subscriber.seq) if subscriber.page == "queue" else 0
        return event("counts", {"lists": cases.counts(), "new": new, "decisions": self._state.store.stamp()})

    def _changed_rows(self, before: tuple[int, int, str], now: tuple[int, int, str]) -> list[str]:
        """Return the cases and rings that were decided or assigned between two stamps, and the rings of the cases."""
        if before[:2] == now[:2]:
            return []
        changed = self._state.store.changed_since(*before[:2])
        return sorted(changed | self._state.rings.of_cases(changed))[:MAX_ROWS]

    @staticmethod
    def _send(subscriber: Subscriber, message: bytes) -> None:
        with contextlib.suppress(asyncio.QueueFull):
            subscriber.queue.put_nowait(message)


def event(name: str, value: Any) -> bytes:
    """Write a server-sent event.

    >>> event("counts", {"new": 1})
    b'event: counts\\ndata: {"new":1}\\n\\n'
    """
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps(value) + b"\n\n"
