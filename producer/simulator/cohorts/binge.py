"""binge: weeks at three times the usual."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.simulator.listeners.population import Traits


def binge(traits: Traits, who: NDArray[np.int64], rng: Generator) -> None:
    """Three weeks of binge, begun within the first month or so."""
    traits.binge_from[who] = rng.integers(1, 36, len(who))
    traits.active[who] = np.maximum(traits.active[who], 0.6)
