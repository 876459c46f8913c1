"""Where the counts alone look like bots: streams per batch rise and activity does not; and where flags rise.

Bots play what earns and touch little, so streams per batch go up while activity per batch stays or falls. This is what
an eye sees, said by a control chart (a one-sided CUSUM over a slowly following usual level; Page, "Continuous
inspection schemes", Biometrika 1954). It knows no model and no truth: it marks where to look.
"""

from dataclasses import dataclass

import numpy as np

from consumer_viz.plot.series import Flags, Numbers, Pace

WARM_UP = 30
"""Points before anything is marked."""
FIRST_LEVEL = 20
"""The last points of the warm-up, whose median is the first usual level."""
MEMORY = 30
"""Points over which the usual level follows: slow drifts, as day turns to night, are usual."""
LEAST_NOISE = 0.02
"""Of the level: counts that hardly vary must not make a trifle an attack."""
SLACK = 1.0
"""Standard deviations over the usual that mean nothing."""
ALARM = 10.0
"""Summed excess that is called an attack: ten points at two standard deviations; as much lost again ends it."""


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
    """What the counts say: the usual levels from point to point, and the attacks, in order of time."""

    usual_streams: Numbers
    """One value a point of the pace; NaN before it is known and where a count is."""
    usual_activity: Numbers
    attacks: tuple[Attack, ...] = ()


class _Usual:
    """The usual level of a count, following slowly, and its noise from point to point, which a trend does not swell."""

    def __init__(self, first: Numbers) -> None:
        self.level = float(np.median(first[-FIRST_LEVEL:]))
        self._last = float(first[-1])
        # two neighbours differ by twice the variance of one
        self._variance = float(np.mean(np.diff(first) ** 2)) / 2

    def distance(self, y: float) -> float:
        return (y - self.level) / max(self._variance**0.5, LEAST_NOISE * self.level, 1e-9)

    def follow(self, y: float) -> None:
        self.level += (y - self.level) / MEMORY
        self._variance += ((y - self._last) ** 2 / 2 - self._variance) / MEMORY
        self._last = y


def look(pace: Pace) -> Sight:
    """Find the stretches where streams rose over the usual and activity did not rise with them."""
    known = np.isfinite(pace.streams) & np.isfinite(pace.activity)
    places = np.flatnonzero(known)
    x, streams, activity = pace.x[known], pace.streams[known], pace.activity[known]
    levels = np.full((2, len(pace.x)), np.nan)
    if len(x) < WARM_UP:
        return Sight(*levels)
    usual_streams, usual_activity = _Usual(streams[:WARM_UP]), _Usual(activity[:WARM_UP])
    attacks: list[Attack] = []
    excess, highest, began, last, is_alarm = 0.0, 0.0, 0, 0, False

    def stretch(is_over: bool) -> Attack:
        inside = slice(began, last + 1)
        ratios = [
            float(count[inside].mean()) / max(usual.level, 1e-9)
            for count, usual in ((streams, usual_streams), (activity, usual_activity))
        ]
        return Attack(float(x[began]), float(x[last]), is_over, *ratios)

    for i in range(WARM_UP, len(x)):
        step = usual_streams.distance(streams[i]) - max(0.0, usual_activity.distance(activity[i])) - SLACK
        if excess == 0.0:
            began, highest = i, 0.0
        excess = max(0.0, excess + step)
        if excess > highest:
            highest, last = excess, i
        is_alarm = is_alarm or excess > ALARM
        if is_alarm and excess < max(highest - ALARM, 1e-9):
            attacks.append(stretch(is_over=True))
            excess, is_alarm = 0.0, False
        levels[:, places[i]] = usual_streams.level, usual_activity.level
        if excess < ALARM / 3:  # an attack must not become the usual
            usual_streams.follow(streams[i])
            usual_activity.follow(activity[i])
    if is_alarm:
        attacks.append(stretch(is_over=False))
    return Sight(levels[0], levels[1], tuple(attacks))


def flagged_since(flags: Flags, start: float) -> float | None:
    """Return when flags first rose clearly over what they were before `start`; None if they have not (yet).

    Before is the mean of the windows that ended by then; clearly is by 4 standard deviations of a Poisson count.
    """
    ends = flags.edges[:-1]
    before = flags.flagged[ends <= start]
    usual = float(before.mean()) if len(before) else 0.0
    risen = np.flatnonzero((ends > start) & (flags.flagged > usual + 4 * (usual + 1) ** 0.5))
    return float(ends[risen[0]]) if len(risen) else None
