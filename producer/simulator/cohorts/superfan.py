"""superfan: one artist on repeat, for love."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.simulator.listeners.population import Traits


def superfan(traits: Traits, who: NDArray[np.int64], rng: Generator) -> None:
    """One artist nearly always, its tracks again and again, heard to the end."""
    traits.favourites[who] = traits.favourites[who, :1]
    traits.pop_fan[who] = 0.03
    traits.mixed[who] = 0.3
    traits.repeat[who] = 1.2
    traits.log_plays[who] += 0.5
    traits.completion[who] += 1.2
