"""One sitting of somebody who watches: where the counts come from, for how long, and how the sitting ends."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from matplotlib.figure import Figure

from consumer_viz.feed.tally import Snapshot
from consumer_viz.plot.figure import DPI, SIZE_INCHES, LivePlot
from consumer_viz.plot.view import LOOK_BACK_S, WINDOW_S, View, live_view

FRAME_S = 1.0
"""Between two frames."""
HISTORY_S = WINDOW_S + LOOK_BACK_S
"""How far back a live plot needs to know."""


class Source(Protocol):
    """What a feed is to the front ends."""

    def snapshot(self, since: float = 0) -> Snapshot:
        """Return what has arrived with `ts` at or after `since`."""
        ...


@dataclass
class Watch:
    """What a front end is given. `say` takes lines for the person, `stop` ends the sitting from outside."""

    source: Source
    zone: ZoneInfo
    out: Path = Path("live.png")
    seconds: float | None = None
    """How long to watch; None until stopped."""
    port: int = 8988
    """Of the browser's page."""
    say: Callable[[str], None] = print
    stop: threading.Event = field(default_factory=threading.Event)
    clock: Callable[[], float] = time.time
    _began: float = field(default_factory=time.monotonic)
    _said: str = ""

    @property
    def is_over(self) -> bool:
        return self.stop.is_set() or (self.seconds is not None and time.monotonic() - self._began >= self.seconds)

    def rest(self) -> None:
        """Wait for the next frame, less if the sitting ends before."""
        left = FRAME_S if self.seconds is None else self._began + self.seconds - time.monotonic()
        self.stop.wait(max(0.0, min(FRAME_S, left)))

    def view(self) -> View:
        """Look at the last ten minutes as they stand, and say what has newly gone wrong or come right."""
        snapshot = self.source.snapshot(self.clock() - HISTORY_S)
        self.tell(snapshot)
        return live_view(snapshot, self.zone)

    def tell(self, snapshot: Snapshot) -> None:
        """Say the feed's trouble, once each time it changes."""
        if snapshot.trouble != self._said:
            self._said = snapshot.trouble
            self.say(snapshot.trouble or "all topics are being read")

    def plot_on(self, figure: Figure) -> LivePlot:
        """Make the plot's artists on a figure of any front end."""
        return LivePlot(figure, self.zone)


def blank_figure(dpi: int = DPI) -> Figure:
    """Make a figure that no window, page or pyplot knows of."""
    return Figure(figsize=SIZE_INCHES, dpi=dpi)
