"""one_artist: a listener of one artist for weeks, then of another."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.simulator.listeners.population import Traits


def one_artist(traits: Traits, who: NDArray[np.int64], rng: Generator) -> None:
    """A phase lasts two to eight weeks; in it there is hardly anything else."""
    traits.phase_days[who] = rng.integers(14, 61, len(who))
    traits.pop_fan[who] = -0.6
    traits.newness[who] = 0.0
