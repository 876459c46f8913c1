"""child: a child with one song: the same few tracks over and over."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.simulator.listeners.population import Traits


def child(traits: Traits, who: NDArray[np.int64], rng: Generator) -> None:
    """A dozen favourites at most, one above all, by day."""
    traits.favourites[who] = traits.favourites[who, :1]
    traits.mixed[who] = 0.2
    traits.pop_fan[who] = 0.02
    traits.repeat[who] = 2.5
    traits.chronotype[who] = 0
    traits.newness[who] = 0.0
