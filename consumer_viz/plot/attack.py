"""Find where the counts alone look like bots: streams per batch rise and activity does not; and where flags rise.

Bots play what earns and touch little, so streams per batch go up while activity per batch stays or falls. The method
is a control chart: a one-sided CUSUM over a usual level that follows slowly (Page, "Continuous inspection schemes",
Biometrika 1954). It uses no model and no truth: it only marks where a person should look.
"""

from dataclasses import dataclass

import numpy as np

from consumer_viz.plot.series import BatchSeries, FlagSeries
from runtime.arrays import Floats

WARM_UP_POINTS = 30
"""Points before anything is marked."""
FIRST_LEVEL_POINTS = 20
"""The last points of the warm-up; their median is the first usual level."""
MEMORY_POINTS = 30
"""Points over which the usual level follows: slow changes, such as day to night, are usual."""
MIN_NOISE = 0.02
"""Smallest noise, as a share of the level: where counts hardly vary, a tiny change must not become an attack."""
SLACK = 1.0
"""Standard deviations over the usual level that are ignored."""
ALARM = 10.0
"""Sum of excess that is called an attack: ten points at two standard deviations. The same loss ends it."""
FLAG_SIGMAS = 4
"""Standard deviations of a Poisson count by which flags must rise."""


@dataclass(frozen=True, slots=True)
class Attack:
    """A stretch that looks like bots. Times are epoch seconds."""

    start: float
    end: float
    is_over: bool
    streams: float
    """Mean streams per batch during the attack, as a ratio of the usual level."""
    activity: float
    """The same for activity rows."""


@dataclass(frozen=True, slots=True)
class AttackDetection:
    """The usual levels at every point, and the attacks in order of time."""

    usual_streams: Floats
    """One value per point of the series; NaN during the warm-up and where a count is missing."""
    usual_activity: Floats
    attacks: tuple[Attack, ...] = ()


class _UsualLevel:
    """The usual level of a count and its noise. The noise is measured from point to point, so a trend adds none."""

    def __init__(self, first: Floats) -> None:
        self.level = float(np.median(first[-FIRST_LEVEL_POINTS:]))
        self._last = float(first[-1])
        # the difference of two neighbours has twice the variance of one
        self._variance = float(np.mean(np.diff(first) ** 2)) / 2

    def distance(self, y: float) -> float:
        return (y - self.level) / max(self._variance**0.5, MIN_NOISE * self.level, 1e-9)

    def follow(self, y: float) -> None:
        self.level += (y - self.level) / MEMORY_POINTS
        self._variance += ((y - self._last) ** 2 / 2 - self._variance) / MEMORY_POINTS
        self._last = y


def no_detection(series: BatchSeries) -> AttackDetection:
    """Return a detection without a level and without an attack: for counts of which no such sign is known."""
    return AttackDetection(*np.full((2, len(series.x)), np.nan))


def detect_attacks(series: BatchSeries) -> AttackDetection:
    """Find the stretches where streams rose over the usual level and activity did not rise with them.

    Streams are the successes of music, activity is its companion topic.
    """
    is_known = np.isfinite(series.successes) & np.isfinite(series.companion)
    index = np.flatnonzero(is_known)
    x, streams, activity = series.x[is_known], series.successes[is_known], series.companion[is_known]
    levels = np.full((2, len(series.x)), np.nan)
    if len(x) < WARM_UP_POINTS:
        return AttackDetection(*levels)
    usual_streams, usual_activity = _UsualLevel(streams[:WARM_UP_POINTS]), _UsualLevel(activity[:WARM_UP_POINTS])
    attacks: list[Attack] = []
    excess, highest, first, last, is_alarm = 0.0, 0.0, 0, 0, False

    def attack(is_over: bool) -> Attack:
        inside = slice(first, last + 1)
        ratios = [
            float(count[inside].mean()) / max(usual.level, 1e-9)
            for count, usual in ((streams, usual_streams), (activity, usual_activity))
        ]
        return Attack(float(x[first]), float(x[last]), is_over, *ratios)

    for i in range(WARM_UP_POINTS, len(x)):
        step = usual_streams.distance(streams[i]) - max(0.0, usual_activity.distance(activity[i])) - SLACK
        if excess == 0.0:
            first, highest = i, 0.0
        excess = max(0.0, excess + step)
        if excess > highest:
            highest, last = excess, i
        is_alarm = is_alarm or excess > ALARM
        if is_alarm and excess < max(highest - ALARM, 1e-9):
            attacks.append(attack(is_over=True))
            excess, is_alarm = 0.0, False
        levels[:, index[i]] = usual_streams.level, usual_activity.level
        if excess < ALARM / 3:  # the usual level must not follow an attack
            usual_streams.follow(streams[i])
            usual_activity.follow(activity[i])
    if is_alarm:
        attacks.append(attack(is_over=False))
    return AttackDetection(levels[0], levels[1], tuple(attacks))


def flags_risen_at(flags: FlagSeries, start: float) -> float | None:
    """Return when flags first rose clearly over their mean before `start`; None if they have not risen.

    Clearly means by FLAG_SIGMAS standard deviations of a Poisson count.
    """
    ends = flags.edges[:-1]
    before = flags.flagged[ends <= start]
    usual = float(before.mean()) if len(before) else 0.0
    is_risen = (ends > start) & (flags.flagged > usual + FLAG_SIGMAS * (usual + 1) ** 0.5)
    risen = np.flatnonzero(is_risen)
    return float(ends[risen[0]]) if len(risen) else None
