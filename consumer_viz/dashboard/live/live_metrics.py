"""The numbers that move: what the topics carry and how the Spark job fares, ready for a chart."""

import math
import time
from typing import Any

import numpy as np

from consumer_viz.dashboard.state import Desk
from consumer_viz.plot.view import HISTORY_S, View, live_view
from runtime.progress import Batch, last_batches

TAIL = 15
"""Points of a line sent with a tick: a page that missed a few ticks still has a whole line."""
QUIET_TICKS = 5
"""Where nothing comes in, every so many ticks the page hears so all the same."""


class Pulse:
    """Reads feed and progress files for the pages, and remembers what it last said."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._said: tuple[object, ...] = ()
        self._quiet = 0
        self._progress: float = -1

    def live(self) -> dict[str, Any] | None:
        """Return the newest points of the live lines; None where there is nothing new to say."""
        if self._desk.feed is None:
            return None
        snapshot = self._desk.feed.snapshot(time.time() - HISTORY_S)
        said = (snapshot.plays, snapshot.activity, len(snapshot.windows), snapshot.windows[-1:], snapshot.trouble)
        if said == self._said and self._quiet < QUIET_TICKS:
            self._quiet += 1
            return None
        self._said, self._quiet = said, 0
        return chart_points(live_view(snapshot, self._desk.zone), TAIL) | job_line(last_batches(self._desk.world.unit))

    def has_progressed(self) -> bool:
        """Tell whether the job has written progress since the last call."""
        newest = max((p.stat().st_mtime for p in self._desk.world.unit.progress.glob("*.jsonl")), default=0.0)
        changed, self._progress = newest != self._progress, newest
        return changed


def chart_points(view: View, tail: int | None = None) -> dict[str, Any]:
    """Return a view's lines as lists (NaN as null), each point with its key: the slot of time it stands for."""
    series, flags = view.series, view.flags
    part = slice(-tail if tail else None, None)
    keys = np.floor(series.x / series.point_width_s).astype(int)
    return {
        "step": series.point_width_s,
        "key": keys[part].tolist(),
        "x": _list(series.x[part]),
        "streams": _list(series.streams[part]),
        "activity": _list(series.activity[part]),
        "usual": _list(view.detection.usual_streams[part]),
        "flag_x": _list(flags.edges[:-1][part]),
        "flagged": _list(flags.flagged[part]),
        "start": view.axis[0],
        "end": view.axis[1],
        "headline": view.headline,
        "is_alarm": bool(view.is_alarm),
        "trouble": view.snapshot.trouble,
        "plays_per_s": _rate(view),
        "flagged_now": int(flags.flagged[-1]) if len(flags.flagged) else 0,
    }


def _list(values: Any) -> list[float | None]:
    return [round(float(x), 3) if math.isfinite(x) else None for x in values]


def _rate(view: View) -> float:
    """Return plays a second over the last ten seconds that are complete."""
    end = view.axis[1]
    recent = [b.plays for b in view.snapshot.batches if end - 12 <= b.ts < end - 2]
    return sum(recent) / 10


def job_line(batches: dict[str, Batch]) -> dict[str, Any]:
    """Say how the scoring query stands: messages behind, seconds a batch; None where it has not run."""
    scoring = batches.get("sessions")
    return {
        "lag": sum(scoring.behind.values()) if scoring else None,
        "batch_s": round(scoring.seconds, 1) if scoring else None,
    }
