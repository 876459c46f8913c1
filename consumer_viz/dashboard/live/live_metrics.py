"""The moving numbers of the pages: what the topics carry and how the Spark job progresses, ready for a chart."""

import math
import time
from typing import Any

import numpy as np

from consumer_viz.dashboard.state import AppState
from consumer_viz.plot.view import HISTORY_S, View, live_view
from runtime.arrays import Floats
from runtime.monitoring.progress import MicroBatch, last_micro_batches

TAIL_POINTS = 15
"""Points of a line sent with an event: a page that missed a few events still has a whole line."""
MAX_SILENT_TICKS = 5
"""Where nothing arrives, the page gets an event only after so many ticks."""
RATE_S, SETTLE_S = 10, 2
"""Plays per second are the mean of so many seconds, without the newest, which may not be complete."""


class LiveMetrics:
    """Reads the feed and the job's progress files for the event stream, and remembers what it returned last."""

    def __init__(self, state: AppState) -> None:
        self._state = state
        self._last_counts: tuple[object, ...] = ()
        self._silent_ticks = 0
        self._progress_at: float = -1

    def new_points(self) -> dict[str, Any] | None:
        """Return the newest points of the live charts; None where nothing has changed."""
        if self._state.feed is None:
            return None
        snapshot = self._state.feed.snapshot(time.time() - HISTORY_S)
        counts = (
            snapshot.master_rows,
            snapshot.companion_rows,
            len(snapshot.windows),
            snapshot.windows[-1:],
            snapshot.alerts[-1:],
            snapshot.trouble,
        )
        if counts == self._last_counts and self._silent_ticks < MAX_SILENT_TICKS:
            self._silent_ticks += 1
            return None
        self._last_counts, self._silent_ticks = counts, 0
        points = chart_points(live_view(snapshot, self._state.zone), TAIL_POINTS)
        return points | scoring_progress(last_micro_batches(self._state.world.unit))

    def has_job_progressed(self) -> bool:
        """Return whether the job has written progress since the last call."""
        files = self._state.world.unit.progress.glob("*.jsonl")
        newest = max((file.stat().st_mtime for file in files), default=0.0)
        has_changed, self._progress_at = newest != self._progress_at, newest
        return has_changed


def chart_points(view: View, tail: int | None = None) -> dict[str, Any]:
    """Return a view's lines as lists, NaN as null; `tail`: only so many of the newest points.

    `key` is the number of a point's time slot: a page replaces a point by a newer one with the same key. `attacks` are
    the stretches that look like bots, from and to in epoch seconds.
    """
    series, flags = view.series, view.flags
    part = slice(-tail if tail else None, None)
    keys = np.floor(series.x / series.point_width_s).astype(int)
    return {
        "point_width_s": series.point_width_s,
        "key": keys[part].tolist(),
        "x": _as_list(series.x[part]),
        "streams": _as_list(series.successes[part]),
        "activity": _as_list(series.companion[part]),
        "usual": _as_list(view.detection.usual_streams[part]),
        "flag_x": _as_list(flags.edges[:-1][part]),
        "flagged": _as_list(flags.flagged[part]),
        "alerts": _as_list(flags.alerts[part]),
        "attacks": [[attack.start, attack.end] for attack in view.detection.attacks],
        "start": view.axis[0],
        "end": view.axis[1],
        "headline": view.headline,
        "is_alarm": bool(view.is_alarm),
        "trouble": view.snapshot.trouble,
        "plays_per_s": _plays_per_s(view),
        "flagged_now": int(flags.flagged[-1]) if len(flags.flagged) else 0,
        "alerts_now": int(flags.alerts[-1]) if len(flags.alerts) else 0,
        "alert_delay_s": view.alert_delay_s,
    }


def _as_list(values: Floats) -> list[float | None]:
    return [round(float(x), 3) if math.isfinite(x) else None for x in values]


def _plays_per_s(view: View) -> float:
    """Return the plays per second of the newest RATE_S seconds that are complete."""
    end = view.axis[1] - SETTLE_S
    return sum(b.master_rows for b in view.snapshot.batches if end - RATE_S <= b.ts < end) / RATE_S


def scoring_progress(batches: dict[str, MicroBatch]) -> dict[str, Any]:
    """Return the scoring query's messages behind (`lag`) and seconds of its last batch; None where it has not run."""
    scoring = batches.get("sessions")
    return {
        "lag": sum(scoring.behind.values()) if scoring else None,
        "batch_s": round(scoring.seconds, 1) if scoring else None,
    }
