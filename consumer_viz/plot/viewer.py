"""What a front end is given: the feed that is watched, for how long, and how the watching ends."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from consumer_viz.errors import PlotError
from consumer_viz.feed.counts import Snapshot, SnapshotSource
from consumer_viz.plot.view import HISTORY_S, View, live_view
from contracts.domain import Domain

FRAME_S = 1.0
"""Seconds between two frames."""
READ_CHECK_S = 5.0
"""How often a wait for the feed looks whether it was stopped, or whether the feed cannot read."""


class Feed(SnapshotSource, Protocol):
    """A feed that can say when it has read everything."""

    def wait_until_read(self, within_s: float) -> bool:
        """Wait until everything in the topics has been read; False if it takes longer or no broker answers."""
        ...


@dataclass
class Viewer:
    """One person watching a feed through one front end."""

    feed: Feed
    zone: ZoneInfo
    out: Path = Path("live.png")
    """File of the front ends that write one."""
    seconds: float | None = None
    """How long to watch; None until stopped."""
    port: int = 8988
    """Of the browser's page."""
    report: Callable[[str], None] = print
    """Takes lines for the person."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Set from outside to end the watching."""
    clock: Callable[[], float] = time.time
    _started: float = field(default_factory=time.monotonic)
    _reported: str = ""

    @property
    def domain(self) -> Domain:
        """What the rows that are watched are about."""
        return self.feed.snapshot(self.clock()).domain

    @property
    def is_over(self) -> bool:
        return self.stop.is_set() or (self.seconds is not None and time.monotonic() - self._started >= self.seconds)

    def wait_for_next_frame(self) -> None:
        """Wait FRAME_S, or less if the watching ends before."""
        left = FRAME_S if self.seconds is None else self._started + self.seconds - time.monotonic()
        self.stop.wait(max(0.0, min(FRAME_S, left)))

    def wait_until_read(self) -> None:
        """Wait until the feed has read what is in the topics; `seconds` count from then on.

        Raises PlotError where that cannot be: a picture made then would be false.
        """
        while not self.feed.wait_until_read(READ_CHECK_S):
            snapshot = self.feed.snapshot()
            if self.stop.is_set():
                raise PlotError("no picture was written: stopped before everything in the topics was read")
            if snapshot.trouble and not snapshot.is_catching_up:
                raise PlotError(f"no picture was written: {snapshot.trouble}")
        self._started = time.monotonic()

    def snapshot(self) -> Snapshot:
        """Return the counts of the last minutes, as far back as a live plot needs."""
        return self.feed.snapshot(self.clock() - HISTORY_S)

    def view(self) -> View:
        """Return the view of the last ten minutes; report what is newly wrong, or right again."""
        snapshot = self.snapshot()
        self.report_trouble(snapshot)
        return live_view(snapshot, self.zone)

    def report_trouble(self, snapshot: Snapshot) -> None:
        """Report what keeps the feed from reading, once each time it changes."""
        if snapshot.trouble != self._reported:
            self._reported = snapshot.trouble
            self.report(snapshot.trouble or "all topics are being read")
