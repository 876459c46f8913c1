"""traveller: on the road: other countries, hotel and mobile networks."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.simulator.listeners.population import Traits


def traveller(traits: Traits, who: NDArray[np.int64], rng: Generator) -> None:
    """A third of the days abroad, mostly on mobile networks."""
    traits.travel[who] = 0.35
    traits.out[who] = 0.7
    traits.devices[who] = 0
