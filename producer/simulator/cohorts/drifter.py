"""drifter: listens ever more, or ever less, over months."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.simulator.listeners.population import Traits


def drifter(traits: Traits, who: NDArray[np.int64], rng: Generator) -> None:
    """Up or down by about a factor of three in 28 days."""
    traits.drift[who] = np.where(rng.random(len(who)) < 0.5, 1.1, -1.1)
