"""One stream of server-sent events a page: a tick a second is worked out once, whoever listens."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from consumer_viz.dashboard.live.live_metrics import Pulse
from consumer_viz.dashboard.state import Desk

TICK_S = 1.0
ALIVE_S = 15
"""A page that hears nothing for so long is told that the server lives."""
BACKLOG = 5
"""Ticks kept for a page that does not read; it misses what is older."""


@dataclass(eq=False)
class Listener:
    """One open page. `seq` is the newest case it has shown."""

    page: str
    seq: int
    queue: asyncio.Queue[bytes] = field(default_factory=lambda: asyncio.Queue(BACKLOG))


class Hub:
    """Knows the open pages and tells them what changed."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._pulse = Pulse(desk)
        self._listeners: set[Listener] = set()
        self._stamp: tuple[int, int] = (-1, -1)
        self._is_over = False

    async def listen(self, page: str, seq: int) -> AsyncIterator[bytes]:
        """Yield the events of one page until it goes."""
        listener = Listener(page, seq)
        self._listeners.add(listener)
        try:
            yield b"retry: 2000\n\n" + self._desk_event(listener)
            while not self._is_over:
                try:
                    yield await asyncio.wait_for(listener.queue.get(), ALIVE_S)
                except TimeoutError:
                    yield b": alive\n\n"
        finally:
            self._listeners.discard(listener)

    def stop(self) -> None:
        """Let every stream end, so that the server can."""
        self._is_over = True
        for listener in self._listeners:
            self._tell(listener, b": bye\n\n")

    async def run(self) -> None:
        """Tick until cancelled."""
        while True:
            await asyncio.sleep(TICK_S)
            if self._listeners:
                self._tick()

    def _tick(self) -> None:
        stamp = (self._desk.index.stamp, self._desk.store.stamp())
        has_changed, self._stamp = stamp != self._stamp, stamp
        pages = {listener.page for listener in self._listeners}
        live = self._pulse.live() if "live" in pages else None
        is_beat = "health" in pages and self._pulse.has_progressed()
        for listener in self._listeners:
            if has_changed:
                self._tell(listener, self._desk_event(listener))
            if listener.page == "live" and live is not None:
                self._tell(listener, event("live", live))
            if listener.page == "health" and is_beat:
                self._tell(listener, event("health", {}))

    def _desk_event(self, listener: Listener) -> bytes:
        new = self._desk.cases.new_since(listener.seq) if listener.page == "queue" else 0
        return event("desk", {"open": self._desk.cases.counts(), "new": new})

    @staticmethod
    def _tell(listener: Listener, message: bytes) -> None:
        with contextlib.suppress(asyncio.QueueFull):
            listener.queue.put_nowait(message)


def event(name: str, value: Any) -> bytes:
    """Write a server-sent event.

    >>> event("desk", {"new": 1})
    b'event: desk\\ndata: {"new":1}\\n\\n'
    """
    return b"event: " + name.encode() + b"\ndata: " + orjson.dumps(value) + b"\n\n"
