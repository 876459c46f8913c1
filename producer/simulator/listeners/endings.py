"""How plays begin and end: reasons, and how much was heard of those that are cut short."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from contracts.events import REASONS_END, REASONS_START
from producer.simulator.draws import uniform
from producer.simulator.listeners.profiles import Profile

START = {reason: i for i, reason in enumerate(REASONS_START)}
ENDED = {reason: i for i, reason in enumerate(REASONS_END)}
_START_AFTER = np.array(
    [START["fwdbtn"], START["trackdone"], START["clickrow"], START["backbtn"], START["appload"], START["remote"],
     START["trackerror"], START["appload"], START["unknown"]], dtype=np.uint8,
)  # fmt: skip
"""reason_start of a play by the code of the reason_end of the play before."""


def cut_listen(
    duration: NDArray[np.int32], shares: tuple[float, float, float, float], u: NDArray[np.float32]
) -> NDArray[np.int32]:
    """Map uniform draws to the ms heard of plays that are cut short: under 5 s, 10 s, 30 s, half, or later.

    Even inside each stretch. Half of a track under a minute lies before the 30 s: its stretch up to half is empty.

    >>> draws = np.array([0.125, 0.375, 0.625, 0.875], np.float32)
    >>> cut_listen(np.full(4, 200_000, np.int32), (0.25, 0.0, 0.25, 0.25), draws)
    array([  2700,  20000,  65000, 148500], dtype=int32)
    """
    e5, e10, e30, half = np.cumsum(shares)
    early = np.interp(u, (0, e5, e10, e30), (400, 5_000, 10_000, 30_000))
    middle = np.maximum(0.5 * duration, 30_000)
    last = np.maximum(0.985 * duration, middle)
    to_half = 30_000 + (middle - 30_000) * ((u - e30) / (half - e30))
    later = middle + (last - middle) * ((u - half) / (1 - half))
    heard = np.where(u < e30, early, np.where(u < half, to_half, later))
    return np.minimum(heard, duration - 1).astype(np.int32)


def reasons_end(
    is_done: NDArray[np.bool_], is_last: NDArray[np.bool_], profile: Profile, rng: Generator
) -> NDArray[np.uint8]:
    """Draw why each play ended; the last of a session mostly because the music was stopped."""
    u = uniform(rng, len(is_done))
    limits = np.cumsum((profile.end_play * 0.4, profile.back, 0.0046, 0.003))
    codes = np.array([ENDED[r] for r in ("endplay", "backbtn", "logout", "remote", "fwdbtn")], dtype=np.uint8)
    why = codes[np.searchsorted(limits, u)]
    why = np.where(is_last & (u > 0.2), ENDED["endplay"], why)
    return np.where(is_done, ENDED["trackdone"], why).astype(np.uint8)


def reasons_start(
    reason_end: NDArray[np.uint8], is_first: NDArray[np.bool_], u: NDArray[np.float32]
) -> NDArray[np.uint8]:
    """Derive why each play began from how the one before it ended; a session opens by a click or with the app."""
    start = _START_AFTER[np.concatenate((reason_end[-1:], reason_end[:-1]))]
    opening = np.where(u < 0.85, START["clickrow"], START["appload"])
    return np.where(is_first, opening, np.where(u < 0.0005, START["trackerror"], start)).astype(np.uint8)
