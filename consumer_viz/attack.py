"""Where the counts alone look like bots: streams per batch up while activity per batch falls, and where flags rise.

This is what an eye sees, said by a control chart (a one-sided CUSUM on top of a slowly following usual level; Page,
"Continuous inspection schemes", Biometrika 1954). It knows no model and no truth: it marks where to look.
"""

from dataclasses import dataclass

import numpy as np

from consumer_viz.charts import Flags, Numbers, Pace

WARM_UP = 20
"""Points from which the first usual level is taken; nothing is marked in them."""
MEMORY = 90
"""Points over which the usual level follows: slow drifts, as day turns to night, are usual."""
SLACK = 0.5
"""Standard deviations that both counts must leave the usual by to count at all."""
ALARM = 9.0
"""Summed excess that is called an attack: nine points at 1.5 standard deviations; as much lost again ends it."""


@dataclass(frozen=True, slots=True)
class Attack:
    """A stretch that looks like bots. Times are epoch seconds."""

    start: float
    end: float
    is_over: bool
    streams: float
    """Mean streams per batch in it, as a ratio of the usual."""
    activity: float


@dataclass(frozen=True, slots=True)
class Sight:
    """What the counts say: the usual levels (NaN before they are known) and the attacks, in order of time."""

    usual_streams: float = np.nan
    usual_activity: float = np.nan
    attacks: tuple[Attack, ...] = ()


class _Usual:
    """Mean and variance of one count in ordinary times, following slowly."""

    def __init__(self, first: Numbers) -> None:
        self.mean = float(np.median(first))
        self.variance = max(float(np.var(first)), (0.01 * self.mean) ** 2, 1e-9)

    def distance(self, y: float) -> float:
        return (y - self.mean) / self.variance**0.5

    def follow(self, y: float) -> None:
        off = y - self.mean
        self.mean += off / MEMORY
        self.variance += (off * off - self.variance) / MEMORY


def look(pace: Pace) -> Sight:
    """Find the stretches where both counts left the usual in the way of bots."""
    known = np.isfinite(pace.streams) & np.isfinite(pace.activity)
    x, streams, activity = pace.x[known], pace.streams[known], pace.activity[known]
    if len(x) < WARM_UP:
        return Sight()
    high, low = _Usual(streams[:WARM_UP]), _Usual(activity[:WARM_UP])
    attacks: list[Attack] = []
    excess, highest, began, last, is_alarm = 0.0, 0.0, 0, 0, False

    def stretch(is_over: bool) -> Attack:
        inside = slice(began, last + 1)
        return Attack(
            float(x[began]), float(x[last]), is_over,
            float(streams[inside].mean()) / max(high.mean, 1e-9), float(activity[inside].mean()) / max(low.mean, 1e-9),
        )  # fmt: skip

    for i in range(WARM_UP, len(x)):
        step = min(high.distance(streams[i]), -low.distance(activity[i])) - SLACK
        if excess == 0.0:
            began, highest = i, 0.0
        excess = max(0.0, excess + step)
        if excess > highest:
            highest, last = excess, i
        is_alarm = is_alarm or excess > ALARM
        if is_alarm and excess < max(highest - ALARM, 1e-9):
            attacks.append(stretch(is_over=True))
            excess, is_alarm = 0.0, False
        if excess < ALARM / 3:  # an attack must not become the usual
            high.follow(streams[i])
            low.follow(activity[i])
    if is_alarm:
        attacks.append(stretch(is_over=False))
    return Sight(high.mean, low.mean, tuple(attacks))


def flagged_since(flags: Flags, start: float) -> float | None:
    """Return when flags first rose clearly over what they were before `start`; None if they have not (yet).

    Before is the mean of the windows that ended by then; clearly is by 4 standard deviations of a Poisson count.
    """
    ends = flags.edges[:-1]
    before = flags.flagged[ends <= start]
    usual = float(before.mean()) if len(before) else 0.0
    risen = np.flatnonzero((ends > start) & (flags.flagged > usual + 4 * (usual + 1) ** 0.5))
    return float(ends[risen[0]]) if len(risen) else None
