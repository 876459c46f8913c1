"""When plays happen: the silences between them, and sessions that don't overlap."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.simulator.draws import normal, uniform
from producer.simulator.listeners.endings import ENDED
from producer.simulator.rows import Columns, running, take
from producer.simulator.same_math import exp

FAR_MS = np.int64(1) << 40
"""Longer than any world: keeps the running maximum of one account apart from the next."""
LONGEST_LOG_MS = np.float32(14.2)
"""Log of 24 minutes: a longer silence ends a session."""
APART_MS = 25 * 60_000
"""Least silence between two sessions of one listener; about three quarters of an hour come on top."""
RUN_PLAYS = 6
"""Plays that share a mood: an assumption, fitted to the memory of gaps."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How each session's listener pauses; arrays by session."""

    pausing: NDArray[np.float32]
    """Median chance of a pause after a play."""
    tempo: NDArray[np.float32]
    """Shift of the log of silences."""
    moods: NDArray[np.float32]
    """Spread of that shift between runs of plays."""


def gaps_ms(
    reason_end: NDArray[np.uint8], tempo: NDArray[np.float32], pausing: NDArray[np.float32], rng: Generator
) -> NDArray[np.int64]:
    """Draw the silence after each play: none, a click's worth, or a heavy-tailed pause.

    `tempo` shifts the log of the silence and `pausing` is the chance of a pause, both by play: listeners who dawdle
    do so for a while, which is why consecutive gaps correlate.
    """
    n = len(reason_end)
    u = uniform(rng, n)
    z = normal(rng, n)
    is_cut = reason_end != ENDED["trackdone"]
    is_pause = u < pausing
    is_stop = reason_end == ENDED["endplay"]
    log_ms = np.where(is_stop, 10.8 + 1.3 * z, np.where(is_pause, 9.5 + 1.7 * z, 5.8 + 0.9 * z)) + tempo
    # longer silences are folded back: the session would be over
    gap = exp(LONGEST_LOG_MS - np.abs(LONGEST_LOG_MS - log_ms)).astype(np.int64)
    return np.where(is_cut | is_pause, gap, 0)


def place_in_time(
    sessions: Columns, plays: Columns, pace: Pace, until_ms: int, rng: Generator
) -> tuple[Columns, Columns]:
    """Give every play its end: start(next) = end(previous) + gap; a session waits for the account's one before.

    Plays that end after `until_ms` are left out.
    """
    counts = sessions["n_plays"]
    of_session = plays["session"]
    tempo = (1.2 * normal(rng, len(counts)) + pace.tempo)[of_session]
    dawdling = np.minimum(pace.pausing * exp(2.0 * normal(rng, len(counts))), 0.9)[of_session]
    if pace.moods.any():
        run = np.arange(len(of_session)) // RUN_PLAYS
        tempo = tempo + pace.moods[of_session] * normal(rng, int(run[-1]) + 1)[run]
    gap = gaps_ms(plays["reason_end"], tempo, dawdling, rng)
    if len(counts) == 0:
        return sessions, plays | {"end": np.empty(0, np.int64)}
    last = np.cumsum(counts) - 1
    inside = gap.copy()
    inside[last] = 0
    took = running(plays["listen"] + inside, counts)
    length = took[last] + APART_MS + exp(14.9 + 1.0 * normal(rng, len(counts))).astype(np.int64)
    # one after another for each person, though not for each account
    starts = settle(sessions["start"], length, sessions["person"])
    ends = starts[plays["session"]] + took - inside
    keep = ends < until_ms
    kept = np.add.reduceat(keep, last - counts + 1).astype(np.int32)
    plays = take(plays | {"end": ends}, keep)
    sessions = sessions | {"start": starts, "n_plays": kept}
    alive = kept > 0
    renumber = np.cumsum(alive) - 1
    plays["session"] = renumber[plays["session"]]
    return take(sessions, alive), plays


def settle(wish: NDArray[np.int64], length: NDArray[np.int64], who: NDArray[np.int64]) -> NDArray[np.int64]:
    """Move session starts later until none of an account overlaps: start >= end of the one before.

    >>> settle(np.array([0, 5, 0]), np.array([10, 3, 1]), np.array([0, 0, 1]))
    array([ 0, 10,  0])
    """
    base = int(wish.min())
    before = np.cumsum(length) - length
    lead = np.maximum.accumulate(wish - base - before + who * FAR_MS)
    return lead - who * FAR_MS + before + base
