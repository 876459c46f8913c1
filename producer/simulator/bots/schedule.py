"""When a bot is at work: windows of time, one session each. (n, 2) begin and end in ms, in order, disjoint."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.simulator.calendar import Calendar
from producer.simulator.draws import normal, uniform
from producer.simulator.rows import running
from producer.simulator.same_math import exp, log1p
from runtime.units import HOUR_MS, MINUTE_MS

Windows = NDArray[np.int64]
APART_MS = 31 * MINUTE_MS
"""Windows this far apart are separate sessions (session gap of 30 min)."""


def cycles(first_ms: int, ends_ms: int, on_h: float, off_h: float, jitter: float, rng: Generator) -> Windows:
    """Lay out windows of `on_h` hours, `off_h` apart, from `first_ms`; `jitter` (0–1) moves both ends."""
    period = int((on_h + off_h) * HOUR_MS)
    begin = np.arange(first_ms, ends_ms, period, dtype=np.int64)
    slack = jitter * off_h * HOUR_MS / 3
    begin = begin + (slack * uniform(rng, len(begin))).astype(np.int64)
    length = on_h * HOUR_MS * (1 + jitter * 0.5 * (uniform(rng, len(begin)) - 0.5))
    return np.stack((begin, np.minimum(begin + length.astype(np.int64), ends_ms)), axis=1)


def with_breaks(windows: Windows, on_min: float, rng: Generator) -> Windows:
    """Cut windows into stretches of about `on_min` minutes (log-normal), with breaks long enough to end a session."""
    span = windows[:, 1] - windows[:, 0]
    pieces = (span / (on_min * MINUTE_MS + APART_MS)).astype(np.int64) + 2
    of = np.repeat(np.arange(len(windows)), pieces)
    on = (on_min * MINUTE_MS * exp(0.6 * normal(rng, len(of)) - 0.18)).astype(np.int64)
    pause = APART_MS + (15 * MINUTE_MS * -log1p(-rng.random(len(of)))).astype(np.int64)
    end = windows[of, 0] + running(on + pause, pieces) - pause
    cut = np.stack((end - on, np.minimum(end, windows[of, 1])), axis=1)
    return cut[cut[:, 1] - cut[:, 0] > 2 * MINUTE_MS]


def daily(
    calendar: Calendar, place: int, hour: float, hour_sd: float, hours: float, share: float, rng: Generator,
    hours_log_sd: float = 0.35,
) -> Windows:  # fmt: skip
    """Lay out a window at about one local hour on a `share` of the days."""
    days = np.flatnonzero(uniform(rng, calendar.local_days) < share)
    begin = calendar.local_midnight[place, days] + ((hour + hour_sd * normal(rng, len(days))) * HOUR_MS).astype(
        np.int64
    )
    length = (hours * HOUR_MS * exp(hours_log_sd * normal(rng, len(days)))).astype(np.int64)
    return disjoint(np.stack((begin, begin + length), axis=1))


def waking(
    calendar: Calendar,
    place: int,
    chronotype: int,
    a_day: float,
    minutes: float,
    rng: Generator,
    minutes_sd: float = 0.6,
) -> Windows:
    """Lay out windows at the hours a person of a chronotype listens: `a_day` of them, of about `minutes` each."""
    count = rng.poisson(a_day, calendar.local_days)
    day = np.repeat(np.arange(calendar.local_days), count)
    minute = calendar.draw_minute(np.full(len(day), chronotype, np.uint8), day, rng)
    begin = calendar.local_midnight[place, day] + (minute * MINUTE_MS).astype(np.int64)
    length = (minutes * MINUTE_MS * exp(minutes_sd * normal(rng, len(day)) - minutes_sd**2 / 2)).astype(np.int64)
    return disjoint(np.stack((begin, begin + length), axis=1))


def disjoint(windows: Windows) -> Windows:
    """Move windows later until none comes within 31 min of the one before.

    >>> disjoint(np.array([[0, 10], [5, 15]])).tolist()
    [[0, 10], [1860010, 1860020]]
    """
    windows = windows[np.argsort(windows[:, 0], kind="stable")]
    length = windows[:, 1] - windows[:, 0]
    before = np.cumsum(length + APART_MS) - length - APART_MS
    begin = np.maximum.accumulate(windows[:, 0] - before) + before if len(windows) else windows[:, 0]
    return np.stack((begin, begin + length), axis=1)
