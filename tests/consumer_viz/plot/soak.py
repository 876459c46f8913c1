"""One hour of the live plot at one frame per second: what each quarter of it costs.

`.venv/bin/python -m tests.consumer_viz.plot.soak` draws 3,600 frames on a clock that is advanced and never waited for;
with `--real-time` it rests between two frames as the front ends do, so that the hour is an hour.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import psutil
import typer
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


def by_quarter(frames: list[Frame]) -> list[str]:
    """Say what the frames of each quarter cost: quartiles of the time, memory and artists at its end."""
    lines = ["quarter   frame time, CPU ms (25 %, median, 75 %)   resident MB   artists"]
    for number, part in enumerate(np.array_split(np.arange(len(frames)), 4), 1):
        low, middle, high = np.percentile([frames[i].cpu_ms for i in part], (25, 50, 75))
        last = frames[part[-1]]
        lines.append(
            f"{number:>7}   {low:>20.0f} {middle:>9.0f} {high:>9.0f}   {last.rss_mb:>14.0f}   {last.artists:>7}"
        )
    return lines


def main(
    frames: int = HOUR,
    real_time: Annotated[bool, typer.Option("--real-time", help="Rest until each frame's second has come.")] = False,
    picture: Annotated[Path | None, typer.Option(help="Where to keep the last frame, a PNG.")] = None,
) -> None:
    """Draw so many frames and print what they cost."""
    figure, costs, began = new_figure(), [], time.monotonic()
    for frame in watch(figure, frames):
        costs.append(frame)
        if real_time:
            time.sleep(max(0.0, began + len(costs) * FRAME_S - time.monotonic()))
    print("\n".join(by_quarter(costs)))
    print(f"{len(costs)} frames in {(time.monotonic() - began) / 60:.1f} min")
    if picture:
        figure.savefig(picture)


if __name__ == "__main__":
    typer.run(main)
