"""Find the period at which an account's listening repeats, from 1 hour to 48 hours.

A script with a timer begins every 17 hours, whatever the clock says; a person's listening repeats too, every 24 hours.
So the question is not whether starts repeat, but whether they repeat at a period that the hours of the day do not
explain. The starts are compared with shuffled ones: each keeps its time of day and gets the date of another start of
the account (workdays among workdays, weekends among weekends). That keeps the person's hours, busy days and pauses, and
destroys every other period. 24 hours and its halves, thirds and so on are left out of the search: shuffling does not
change them.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import pi, sqrt

import numpy as np

from runtime.arrays import Bools, Floats, Ints
from runtime.units import DAY_MS, HOUR_MS, MINUTE_MS

SHORTEST_H, LONGEST_H = 1.0, 48.0
"""Periods that are searched: the shortest is an hour, the longest two days."""
MIN_STARTS = 12
"""Starts below which a repetition says too little: a choice."""
CYCLES = 4
"""A period must fit this often between the first and the last start."""
SHUFFLES = 20
"""Shuffled histories that a history is compared with."""
BIN_MS = 10 * MINUTE_MS
FINER = 4
"""Frequencies are this many times denser than the history resolves: no peak falls between two of them."""
CLOCK_WIDTH = 1.5
"""Periods within this many steps of resolution of 24 h, 12 h, 8 h and so on belong to the hours of the day."""
AS_STRONG = 0.85
"""A pulse repeats at a half and a third of its period too: the longest period that is nearly as strong is taken."""
EULER = 0.5772156649015329


@dataclass(frozen=True, slots=True)
class Periods:
    """What repeats, by account; NaN where the history is too short."""

    account: Ints
    starts: Ints
    """Number of starts of the account."""
    period_h: Floats
    """Period of the strongest repetition that the hours of the day do not explain."""
    strength: Floats
    """0 to 1: length of the mean of the starts as points on a circle of that period; 1 is clockwork."""
    p_value: Floats
    """Chance that a shuffled history has a repetition as strong, at any period that was searched."""


def find_periods(account: Ints, start_ms: Ints, rng: np.random.Generator, shuffles: int = SHUFFLES) -> Periods:
    """Find for each account the period at which its starts repeat, its strength and its significance.

    `account` and `start_ms` (UTC, ms) have one element a start (of a session, or of a play), in any order. Returns one
    element an account, in order of `account`. The p-value is the tail of a Gumbel law fitted to the `shuffles` maxima.
    """
    names, code = np.unique(account, return_inverse=True)
    order = np.lexsort((start_ms, code))
    edges = np.searchsorted(code[order], np.arange(len(names) + 1))
    found = np.full((len(names), 3), np.nan)
    for row, (low, high) in enumerate(pairwise(edges)):
        found[row] = _period(np.unique(start_ms[order[low:high]]), rng, shuffles)
    return Periods(names, np.diff(edges), *found.T)


def _period(start: Ints, rng: np.random.Generator, shuffles: int) -> tuple[float, float, float]:
    """Return (period in h, strength, p-value) of one account's starts, in order; NaN where they are too few."""
    unknown = (np.nan, np.nan, np.nan)
    if len(start) < MIN_STARTS:
        return unknown
    span_h = float(start[-1] - start[0]) / HOUR_MS
    if span_h < CYCLES * SHORTEST_H:
        return unknown
    days = int(start[-1] // DAY_MS - start[0] // DAY_MS) + 1
    bins = 1 << (FINER * days * (DAY_MS // BIN_MS) - 1).bit_length()
    frequency: Floats = np.arange(bins // 2 + 1) / (bins * BIN_MS / HOUR_MS)
    searched = _searched(frequency, span_h)
    if not searched.any():
        return unknown
    histories = np.vstack([start, [_shuffled(start, rng) for _ in range(shuffles)]])
    power = _power(histories, bins)[:, searched]
    peak = power.max(axis=1)
    period_h, strength = _at_peak(start, _longest(1 / frequency[searched], power[0]), span_h)
    scale = max(float(peak[1:].std()) * sqrt(6) / pi, 1e-9)
    excess = (float(peak[0]) - (float(peak[1:].mean()) - EULER * scale)) / scale
    return period_h, strength, float(-np.expm1(-np.exp(-excess)))


def _searched(frequency: Floats, span_h: float) -> Bools:
    """Tell which frequencies (per hour) are searched: between the bounds, and apart from those of the day."""
    longest = min(LONGEST_H, span_h / CYCLES)
    of_day = np.abs(frequency - np.maximum(np.rint(frequency * 24), 1) / 24) <= CLOCK_WIDTH / span_h
    return (frequency >= 1 / longest) & (frequency <= 1 / SHORTEST_H) & ~of_day


def _shuffled(start: Ints, rng: np.random.Generator) -> Ints:
    """Give each start the date of another one, of a workday or weekend as its own."""
    day = start // DAY_MS
    is_weekend = (day + 3) % 7 >= 5  # 1970-01-01 was a Thursday
    dealt = day.copy()
    for rows in (np.flatnonzero(is_weekend), np.flatnonzero(~is_weekend)):
        dealt[rows] = rng.permutation(day[rows])
    return start + (dealt - day) * DAY_MS


def _power(histories: Ints, bins: int) -> Floats:
    """Return Rayleigh's power of each history (rows) at the frequencies of `bins` bins: n × strength²."""
    n = histories.shape[1]
    place = (histories - histories.min() // DAY_MS * DAY_MS) // BIN_MS
    counts = np.zeros((len(histories), bins), dtype=np.float32)
    np.add.at(counts, (np.arange(len(histories))[:, None], place), 1)
    return np.asarray(np.abs(np.fft.rfft(counts, axis=1)) ** 2 / n, dtype=np.float64)


def _longest(period_h: Floats, power: Floats) -> float:
    """Return the longest multiple of the strongest period that is nearly as strong, or that period."""
    strongest = int(power.argmax())
    best = period_h[strongest]
    for times in range(int(LONGEST_H // best), 1, -1):
        near = np.abs(period_h / (best * times) - 1) < 0.01
        if near.any() and power[near].max() >= AS_STRONG**2 * power[strongest]:
            rows = np.flatnonzero(near)
            return float(period_h[rows[power[near].argmax()]])
    return float(best)


def _at_peak(start: Ints, period_h: float, span_h: float) -> tuple[float, float]:
    """Return the period and strength of the peak next to a period, without the grain of bins and frequencies."""
    step = 1 / (FINER * span_h)
    frequency = 1 / period_h + np.linspace(-step, step, 41)
    phase = 2 * pi * np.outer(frequency, (start - start[0]) / HOUR_MS)
    strength = np.abs(np.exp(1j * phase).mean(axis=1))
    highest = int(strength.argmax())
    return float(1 / frequency[highest]), float(strength[highest])
