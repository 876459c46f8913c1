"""The live plot over an hour at one frame per second: what each quarter of it costs.

Frames are drawn on a clock that is advanced and never waited for, or, in real time, with a rest between two frames as
the front ends have, so that the hour is an hour.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import psutil
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from consumer_viz.feed.counts import LIVE_BATCHES, FeedCounts, Snapshot
from consumer_viz.feed.messages import FraudWindow, MessageCounts
from consumer_viz.plot.figure import LivePlot, new_figure
from consumer_viz.plot.viewer import FRAME_S, Viewer
from contracts.events import ACTIVITY, PLAYS, ROWS_PER_BATCH

BATCHES_PER_S = 10
"""2,000 plays per second: the counts are at their bound from the first frame on."""
ATTACK_EVERY_S, ATTACK_LASTS_S = 900, 180
HOUR = 3600


class Frame(NamedTuple):
    """What one frame cost and held. The time is CPU time, so that other load does not count."""

    cpu_ms: float
    rss_mb: float
    artists: int
    batches: int


@dataclass
class AdvancedFeed:
    """A feed that makes each second of counts when its clock is advanced."""

    now: float = 1_795_000_000
    counts: FeedCounts = field(default_factory=FeedCounts)
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(1))
    _number: int = 0

    def advance(self) -> None:
        """Let one second pass: its batches, with bots every quarter of an hour, and every ten seconds a window."""
        self.now += 1
        since = self.now % ATTACK_EVERY_S
        bot_share = 0.25 if since < ATTACK_LASTS_S else 0.0
        for _ in range(BATCHES_PER_S):
            honest = round(ROWS_PER_BATCH * (1 - bot_share))
            streams = int(self.rng.binomial(honest, 0.62)) + ROWS_PER_BATCH - honest
            self._number += 1
            self.counts.add_rows(MessageCounts(PLAYS, int(self.now), self._number, ROWS_PER_BATCH, streams, 0))
            activity = int(honest * self.rng.normal(3.1, 0.25))
            self.counts.add_rows(MessageCounts(ACTIVITY, int(self.now), self._number, activity, 0, 0))
        if self.now % 10 == 0:
            flagged = 30 if 40 < since < ATTACK_LASTS_S + 40 else 1
            self.counts.add_window(FraudWindow(self.now - 120, self.now, 300, flagged, 40 * flagged, 1))

    def snapshot(self, since: float = 0) -> Snapshot:
        return self.counts.snapshot(at=self.now, since=since)

    def wait_until_read(self, within_s: float) -> bool:
        return True


def watch(figure: Figure, seconds: int) -> Iterator[Frame]:
    """Update and draw the plot each second of the feed's clock, after a history that fills the counts."""
    feed, process = AdvancedFeed(), psutil.Process()
    for _ in range(LIVE_BATCHES // BATCHES_PER_S):
        feed.advance()
    viewer = Viewer(feed, ZoneInfo("Australia/Melbourne"), clock=lambda: feed.now)
    canvas, plot = FigureCanvasAgg(figure), LivePlot(figure, viewer.zone)
    for _ in range(seconds):
        feed.advance()
        began = time.process_time()
        plot.update(viewer.view())
        canvas.draw()
        cpu_ms = 1000 * (time.process_time() - began)
        artists = sum(len(ax.get_children()) for ax in figure.axes) + len(figure.get_children())
        yield Frame(cpu_ms, process.memory_info().rss / 1e6, artists, len(feed.snapshot().batches))


COLUMNS = ("quarter", "CPU ms of a frame: 25 %", "median", "75 %", "resident MB", "artists")


def by_quarter(frames: Sequence[Frame]) -> list[tuple[str, ...]]:
    """Return what the frames of each quarter cost, under COLUMNS: time, and memory and artists at its end."""
    rows = []
    for number, part in enumerate(np.array_split(np.arange(len(frames)), 4), 1):
        low, middle, high = np.percentile([frames[i].cpu_ms for i in part], (25, 50, 75))
        last = frames[part[-1]]
        costs = (f"{cost:.0f}" for cost in (low, middle, high, last.rss_mb))
        rows.append((str(number), *costs, str(last.artists)))
    return rows


def draw_frames(frames: int, is_real_time: bool, picture: Path | None) -> tuple[list[Frame], float]:
    """Draw so many frames; return what each cost, and the minutes by the clock. `picture`: a PNG of the last one."""
    figure, costs, began = new_figure(), [], time.monotonic()
    for frame in watch(figure, frames):
        costs.append(frame)
        if is_real_time:
            time.sleep(max(0.0, began + len(costs) * FRAME_S - time.monotonic()))
    if picture:
        figure.savefig(picture)
    return costs, (time.monotonic() - began) / 60
