"""From a snapshot to the numbers of the lines: pure functions over arrays, without figure, Kafka or clock.

Times are epoch seconds (float). Values of music are per batch of 200 plays, whatever the speed of the replay. Those of
a shop are the counts of a batch as they are, or the mean of the batches of a point.
"""

from dataclasses import dataclass

import numpy as np

from consumer_viz.feed.counts import Snapshot
from contracts.events import ROWS_PER_BATCH
from runtime.arrays import Floats

MAX_POINTS = 600
"""Points of a line: one per second in the ten minutes of a live plot."""
POINT_WIDTHS_S = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600)
"""Seconds that one point may represent: round numbers, which a reader understands."""
SETTLE_S = 2
"""Messages of a batch younger than this may still arrive. Such a batch is left out: it would look like a fall."""
WINDOW_S = 120
"""Length of a fraud-count window."""
SLIDE_S = 10
"""Fraud-count windows begin every 10 s."""
WINDOW_GRACE_S = 30
"""A window that ended less than this ago and has not arrived is unknown. An older one had no session: it is zero."""
SMOOTH_POINTS = 15
"""Points in the running mean of the bold line: 15 s of a live plot."""


@dataclass(frozen=True, slots=True)
class BatchSeries:
    """Counts per batch, in order of time. All arrays have one value per point."""

    x: Floats
    """Mean time of the point's batches, epoch seconds."""
    successes: Floats
    """Music: plays of at least 30 s per 200 plays; NaN where the point has no plays."""
    companion: Floats
    """Music: activity rows per 200 plays; NaN where the point has no plays or no activity."""
    point_width_s: float
    """Seconds that one point is the mean of."""
    batches: int
    """Batches in all points together."""
    master: Floats
    """Rows of the master topic per batch."""


@dataclass(frozen=True, slots=True)
class FlagSeries:
    """Flagged sessions per window, one value per slide of 10 s. `edges` has one value more than `flagged`."""

    edges: Floats
    flagged: Floats
    sessions: Floats
    alerts: Floats
    """Alerts raised inside open sessions in the same two minutes; withdrawn ones among them."""


def point_width(span_s: float) -> float:
    """Return how many seconds one point represents, so that `span_s` fits into MAX_POINTS.

    >>> point_width(600), point_width(601), point_width(4)
    (1, 2, 0.02)
    """
    return next((width for width in POINT_WIDTHS_S if width * MAX_POINTS >= span_s), POINT_WIDTHS_S[-1])


def batch_series(snapshot: Snapshot, start: float, end: float, *, is_live: bool, span_s: float) -> BatchSeries:
    """Average the batches of [start, end) into points as wide as an axis of `span_s` seconds needs.

    A live plot leaves out batches younger than SETTLE_S. Batches with the same `ts` are spread evenly over that
    second, in the order of their numbers, so that a replay as fast as possible has a shape too.
    """
    until = min(end, snapshot.at - SETTLE_S) if is_live else end
    rows = np.array([b for b in snapshot.batches if start <= b.ts < until], dtype=np.float64).reshape(-1, 5)
    width = point_width(span_s)
    if not len(rows):
        empty = np.empty(0)
        return BatchSeries(empty, empty, empty, width, 0, empty)
    ts, _, master, successes, companion = rows.T
    at = ts + _position_in_second(ts)
    _, point = np.unique(np.floor(at / width), return_inverse=True)
    n_batches, n_master = np.bincount(point), np.bincount(point, master)
    n_companion = np.bincount(point, companion).astype(np.float64)
    if snapshot.domain.is_per_200:
        with np.errstate(divide="ignore", invalid="ignore"):  # activity whose plays have not arrived: NaN, a gap
            scale = np.where(n_master > 0, ROWS_PER_BATCH / n_master, np.nan)
        n_companion = np.where(n_companion > 0, n_companion, np.nan)
    else:
        scale = 1 / n_batches
    return BatchSeries(
        np.bincount(point, at).astype(np.float64) / n_batches,
        np.bincount(point, successes).astype(np.float64) * scale,
        n_companion * scale,
        width,
        len(rows),
        n_master / n_batches,
    )


def _position_in_second(ts: Floats) -> Floats:
    """Return the position of each batch in its second, in [0, 1); `ts` ascends."""
    _, first, count = np.unique(ts, return_index=True, return_counts=True)
    rank = np.arange(len(ts)) - np.repeat(first, count)
    return rank / np.repeat(count, count)


def running_mean(y: Floats, points: int = SMOOTH_POINTS) -> Floats:
    """Return the mean of the `points` (odd) points around each one, fewer at the ends. NaN values are left out.

    >>> running_mean(np.array([1.0, 3.0, np.nan, 5.0]), 3).tolist()
    [2.0, 2.0, 4.0, 5.0]
    """
    is_known = np.isfinite(y)
    sums = np.concatenate([[0.0], np.cumsum(np.where(is_known, y, 0.0))])
    counts = np.concatenate([[0.0], np.cumsum(is_known)])
    index = np.arange(len(y))
    low, high = np.maximum(index - points // 2, 0), np.minimum(index + points // 2 + 1, len(y))
    with np.errstate(divide="ignore", invalid="ignore"):
        return (sums[high] - sums[low]) / (counts[high] - counts[low])


def break_at_pauses(x: Floats, *lines: Floats, point_width_s: float) -> tuple[Floats, ...]:
    """Insert a NaN where nothing was sent: after each pause longer than 5 s and than ten usual spacings.

    >>> break_at_pauses(np.array([0.0, 1.0, 2.0, 60.0]), np.array([7.0, 7.0, 7.0, 9.0]), point_width_s=1)[1].tolist()
    [7.0, 7.0, 7.0, nan, 9.0]
    """
    if len(x) < 2:
        return (x, *lines)
    spacing = np.diff(x)
    after = np.flatnonzero(spacing > max(5.0, 10 * point_width_s, 10 * float(np.median(spacing)))) + 1
    return (np.insert(x, after, x[after - 1]), *(np.insert(line, after, np.nan) for line in lines))


def flag_series(snapshot: Snapshot, start: float, end: float) -> FlagSeries:
    """Return the flagged sessions of the windows that ended in [start, end], zero where none was reported.

    A window is drawn from its end, when its count is complete, to the end of the next one. The line begins with the
    first window ever reported: what was before it is unknown, not zero.
    """
    by_slide = {round(w.end / SLIDE_S): w for w in snapshot.windows if w.end <= snapshot.at}
    if not by_slide:
        empty = np.empty(0)
        return FlagSeries(empty, empty, empty, empty)
    newest = max(*by_slide, int((snapshot.at - WINDOW_GRACE_S) // SLIDE_S))
    slides = np.arange(max(min(by_slide), int(start // SLIDE_S)), min(newest, int(end // SLIDE_S)) + 1)
    counts = [(by_slide[i].flagged, by_slide[i].sessions) if i in by_slide else (0, 0) for i in slides.tolist()]
    values = np.array(counts, dtype=np.float64).reshape(-1, 2)
    edges = np.append(slides, slides[-1:] + 1).astype(np.float64) * SLIDE_S
    raised = np.array([alert.at for alert in snapshot.alerts])
    alerts = np.searchsorted(raised, edges[:-1], "right") - np.searchsorted(raised, edges[:-1] - WINDOW_S, "right")
    return FlagSeries(edges, values[:, 0], values[:, 1], alerts.astype(np.float64))
