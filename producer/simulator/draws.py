"""Random streams: one per (seed, purpose, index), so that no result depends on who computes what in which order."""

from enum import IntEnum

import numpy as np
from numpy.random import SFC64, Generator, SeedSequence
from numpy.typing import NDArray

from runtime.arrays import Floats


class Purpose(IntEnum):
    """What a stream is for. A number never changes its meaning: it is part of what a seed promises."""

    CATALOGUE = 1
    PLAN = 2
    POPULATION = 3
    LISTENING = 4
    ACTIVITY = 5
    BOT = 6
    SALT = 7
    CAMPAIGN = 8
    PILOT = 9
    SHOP = 10
    DIALS = 11
    SESSION_LOG = 12


def stream(seed: int, purpose: Purpose, *index: int) -> Generator:
    """Return the stream of random numbers for one purpose and index.

    >>> bool(stream(1, Purpose.PLAN).random() == stream(1, Purpose.PLAN).random())
    True
    """
    return Generator(SFC64(SeedSequence(seed, spawn_key=(int(purpose), *index))))


def uniform(rng: Generator, n: int) -> NDArray[np.float32]:
    """Draw n numbers in [0, 1); single precision, at half the cost."""
    return rng.random(n, dtype=np.float32)


def normal(rng: Generator, n: int) -> NDArray[np.float32]:
    """Draw n standard normal numbers."""
    return rng.standard_normal(n, dtype=np.float32)


class Alias:
    """Draws indices with given weights in constant time (Walker's alias method; Vose 1991)."""

    def __init__(self, weights: Floats) -> None:
        n = len(weights)
        scaled = np.asarray(weights, dtype=np.float64) * (n / np.sum(weights))
        self.accept = np.ones(n, dtype=np.float32)
        self.other = np.arange(n, dtype=np.int32)
        small = [i for i in range(n) if scaled[i] < 1]
        large = [i for i in range(n) if scaled[i] >= 1]
        while small and large:
            lo, hi = small.pop(), large[-1]
            self.accept[lo], self.other[lo] = scaled[lo], hi
            scaled[hi] -= 1 - scaled[lo]
            if scaled[hi] < 1:
                small.append(large.pop())

    def draw(self, rng: Generator, n: int) -> NDArray[np.int32]:
        """Return n indices."""
        place = rng.integers(0, len(self.accept), n, dtype=np.int32)
        return np.where(uniform(rng, n) < self.accept[place], place, self.other[place])
