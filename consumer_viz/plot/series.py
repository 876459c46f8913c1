"""From a snapshot to the numbers of the lines. Pure functions over arrays: no figure, no Kafka, no clock.

Times are epoch seconds (float); y values are per batch of 200 plays whatever the pace of the replay.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from consumer_viz.feed.tally import Snapshot
from contracts.events import ROWS_PER_BATCH

Numbers = NDArray[np.float64]

MAX_POINTS = 600
"""Points of a line: one a second in the ten minutes of a live plot."""
STEPS_S = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600)
"""Widths a point may stand for: numbers a reader can think in."""
SETTLE_S = 2
"""A batch younger than this may still be arriving, message by message; drawing it would look like a fall."""
SLIDE_S = 10
"""Fraud-count windows begin every 10 s (query fraud_counts)."""
WINDOW_GRACE_S = 30
"""A window that ended less than this ago and has not come is unknown; an older one is silent, which is zero."""
SMOOTH_POINTS = 15
"""Points in the running mean of the bold line: 15 s of a live plot."""


@dataclass(frozen=True, slots=True)
class Pace:
    """What was sent, in order of time. Arrays of one length; NaN where a topic had nothing."""

    x: Numbers
    streams: Numbers
    """Plays of at least 30 s in 200 plays."""
    activity: Numbers
    """Activity rows beside 200 plays."""
    step_s: float
    """How long a point is the mean of."""
    batches: int
    """Batches in all points together."""


@dataclass(frozen=True, slots=True)
class Flags:
    """Flagged sessions by window, one value per slide of 10 s. `edges` has one more than `flagged`."""

    edges: Numbers
    flagged: Numbers
    sessions: Numbers


def width(span_s: float) -> float:
    """Return how long one point stands for when `span_s` must fit into MAX_POINTS.

    >>> width(600), width(601), width(4)
    (1, 2, 0.02)
    """
    return next((step for step in STEPS_S if step * MAX_POINTS >= span_s), STEPS_S[-1])


def pace(snapshot: Snapshot, start: float, end: float, *, is_live: bool, span_s: float) -> Pace:
    """Average the batches of each point in [start, end), as wide as an axis of `span_s` asks for.

    A live plot leaves out the batches that still arrive.

    Batches sent within one second, whose `ts` is the same, are spread evenly over that second in the order of their
    numbers, so a replay as fast as possible has a shape too.
    """
    until = min(end, snapshot.at - SETTLE_S) if is_live else end
    rows = np.array([b for b in snapshot.batches if start <= b.ts < until], dtype=np.float64).reshape(-1, 5)
    if not len(rows):
        nothing = np.empty(0)
        return Pace(nothing, nothing, nothing, width(span_s), 0)
    ts, _, plays, streams, activity = rows.T
    at = ts + _place_in_second(ts)
    step = width(span_s)
    _, point = np.unique(np.floor(at / step), return_inverse=True)
    n_batches, n_plays = np.bincount(point), np.bincount(point, plays)
    with np.errstate(divide="ignore", invalid="ignore"):  # activity whose plays are not here yet: NaN, a gap
        scale = np.where(n_plays > 0, ROWS_PER_BATCH / n_plays, np.nan)
    n_activity = np.bincount(point, activity)
    return Pace(
        np.bincount(point, at).astype(np.float64) / n_batches,
        np.bincount(point, streams).astype(np.float64) * scale,
        np.where(n_activity > 0, n_activity, np.nan) * scale,
        step,
        len(rows),
    )


def _place_in_second(ts: Numbers) -> Numbers:
    """Return where in its second each batch stands, in [0, 1); `ts` ascends."""
    _, first, count = np.unique(ts, return_index=True, return_counts=True)
    rank = np.arange(len(ts)) - np.repeat(first, count)
    return rank / np.repeat(count, count)


def smooth(y: Numbers, points: int = SMOOTH_POINTS) -> Numbers:
    """Return the running mean of the `points` (odd) points around each, fewer at the ends, NaN left out.

    >>> smooth(np.array([1.0, 3.0, np.nan, 5.0]), 3).tolist()
    [2.0, 2.0, 4.0, 5.0]
    """
    is_known = np.isfinite(y)
    total = np.concatenate([[0.0], np.cumsum(np.where(is_known, y, 0.0))])
    known = np.concatenate([[0.0], np.cumsum(is_known)])
    place = np.arange(len(y))
    low, high = np.maximum(place - points // 2, 0), np.minimum(place + points // 2 + 1, len(y))
    with np.errstate(divide="ignore", invalid="ignore"):
        return (total[high] - total[low]) / (known[high] - known[low])


def with_gaps(x: Numbers, *lines: Numbers, step_s: float) -> tuple[Numbers, ...]:
    """Break the lines where nothing was sent: a NaN after each pause over ten usual spacings (and 5 s).

    >>> with_gaps(np.array([0.0, 1.0, 2.0, 60.0]), np.array([7.0, 7.0, 7.0, 9.0]), step_s=1)[1].tolist()
    [7.0, 7.0, 7.0, nan, 9.0]
    """
    if len(x) < 2:
        return (x, *lines)
    spacing = np.diff(x)
    after = np.flatnonzero(spacing > max(5.0, 10 * step_s, 10 * float(np.median(spacing)))) + 1
    return (np.insert(x, after, x[after - 1]), *(np.insert(line, after, np.nan) for line in lines))


def flags(snapshot: Snapshot, start: float, end: float) -> Flags:
    """Read the flagged sessions of the windows that ended in [start, end], zero where none was reported.

    A window is drawn from its end, when its count was first whole, to the next one's. The line begins with the first
    window ever reported: what was before that is unknown, not zero.
    """
    ended = {round(w.end / SLIDE_S): w for w in snapshot.windows if w.end <= snapshot.at}
    if not ended:
        nothing = np.empty(0)
        return Flags(nothing, nothing, nothing)
    newest = max(*ended, int((snapshot.at - WINDOW_GRACE_S) // SLIDE_S))
    slides = np.arange(max(min(ended), int(start // SLIDE_S)), min(newest, int(end // SLIDE_S)) + 1)
    read = [(ended[i].flagged, ended[i].sessions) if i in ended else (0, 0) for i in slides.tolist()]
    values = np.array(read, dtype=np.float64).reshape(-1, 2)
    edges = np.append(slides, slides[-1:] + 1).astype(np.float64) * SLIDE_S
    return Flags(edges, values[:, 0], values[:, 1])
