"""The world's period: local days, weekdays, and the hours at which each chronotype listens."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.simulator.draws import uniform
from producer.simulator.listeners.population import offsets_ms
from producer.simulator.same_math import exp
from runtime.units import DAY_MS

QUANTILES = 2048
WEEKEND_BOOST = (1.06, 1.00)
"""Saturday and Sunday against a weekday (Zhang et al., INFOCOM'13: flat within ±3 %, Saturday +6 %)."""
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_PEAKS: tuple[tuple[tuple[float, float, float], ...], ...] = (
    ((7.5, 1.8, 1.0), (12.5, 2.0, 0.5), (17.8, 2.2, 0.9)),  # early birds
    ((9.5, 1.8, 0.8), (13.0, 2.2, 1.0), (17.2, 2.2, 1.0)),  # working hours
    ((8.2, 1.0, 0.3), (18.5, 1.8, 1.5), (21.0, 1.6, 0.6)),  # evening
    ((12.8, 1.5, 0.2), (19.0, 2.0, 0.7), (22.6, 1.3, 0.7)),  # night owls
    ((22.6, 0.7, 1.0),),  # bedtime
    ((8.5, 0.8, 1.0),),  # opening time
    ((1.0, 1.5, 0.6), (4.0, 1.5, 1.0), (17.0, 2.0, 0.3)),  # night shift
    ((1.0, 4.0, 0.8), (10.0, 4.0, 0.7), (18.0, 4.0, 1.0)),  # round the clock
    ((18.8, 1.0, 1.0),),  # supper
)
"""Bumps (local hour, sd in hours, weight) by chronotype (four similar groups: Louail & Barthelemy)."""
BEDTIME, OPENING, NIGHT_SHIFT, ALL_HOURS, SUPPER = 4, 5, 6, 7, 8
"""Hours of five hard negatives, after the four chronotypes."""
_FLOOR = 0.002


def _hour_weights(chronotype: int, is_weekend: bool) -> NDArray[np.float64]:
    """Weight of each quarter of an hour; weekends lose the commuting and lunch bumps and start later."""
    hour = (np.arange(96) + 0.5) / 4
    weight = np.full(96, _FLOOR if chronotype < BEDTIME else 0.0)
    for peak, sd, height in _PEAKS[chronotype]:
        is_bump = sd < 1.9 and peak < 14
        centre, wide, high = (peak + 1.5, sd * 1.8, height * 0.75) if is_weekend and is_bump else (peak, sd, height)
        away = np.abs(hour - centre)
        away = np.minimum(away, 24 - away)
        weight += high * exp(-0.5 * (away / wide) ** 2)
    return weight / weight.sum()


@dataclass(frozen=True, slots=True)
class Calendar:
    """Local days run from one before the first UTC day to one after the last."""

    starts_on: date
    days: int
    starts_ms: int
    ends_ms: int
    local_midnight: NDArray[np.int64]
    """(places, local days) ms since the epoch."""
    boost: NDArray[np.float32]
    """Chance of listening on a local day against a weekday."""
    is_weekend: NDArray[np.bool_]
    minutes: NDArray[np.float32]
    """(chronotypes, weekend, QUANTILES + 1) minute of the day by quantile."""

    @property
    def local_days(self) -> int:
        return self.days + 2

    def draw_minute(self, chronotype: NDArray[np.uint8], day: NDArray[np.int64], rng: Generator) -> NDArray[np.float32]:
        """Draw a local minute of the day, with fractions, for each session."""
        at = uniform(rng, len(day)) * QUANTILES
        low = at.astype(np.int32)
        weekend = self.is_weekend[day].astype(np.int8)
        begin, end = self.minutes[chronotype, weekend, low], self.minutes[chronotype, weekend, low + 1]
        return begin + (at - low) * (end - begin)


def make_calendar(starts_on: date, days: int, weekend_boost: Mapping[str, float] | None = None) -> Calendar:
    """Lay out the period of a world. `weekend_boost` is by name of the day; days that it lacks keep the default."""
    midnight = datetime(starts_on.year, starts_on.month, starts_on.day, tzinfo=UTC)
    starts_ms = int(midnight.timestamp()) * 1000
    local_days = [starts_on + timedelta(i) for i in range(-1, days + 1)]
    offsets = offsets_ms(starts_on, days)[:, : days + 2]
    at = starts_ms + (np.arange(days + 2, dtype=np.int64) - 1) * DAY_MS
    weekday = np.array([d.weekday() for d in local_days])
    by_day = dict.fromkeys(WEEKDAYS, 1.0) | {"saturday": WEEKEND_BOOST[0], "sunday": WEEKEND_BOOST[1]}
    boost = np.array([(by_day | dict(weekend_boost or {}))[WEEKDAYS[number]] for number in weekday])
    grid = np.linspace(0, 1, QUANTILES + 1)
    edges = np.arange(97) * 15.0
    minutes = np.array(
        [[np.interp(grid, np.concatenate(([0], np.cumsum(_hour_weights(c, w)))), edges) for w in (False, True)]
         for c in range(len(_PEAKS))]
    )  # fmt: skip
    return Calendar(
        starts_on, days, starts_ms, starts_ms + days * DAY_MS, at[None, :] - offsets, boost.astype(np.float32),
        weekday >= 5, minutes.astype(np.float32),
    )  # fmt: skip
