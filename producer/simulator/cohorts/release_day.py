"""release_day: fans on the day a record comes out: a spike on new tracks."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.simulator.listeners.population import Traits


def release_day(traits: Traits, who: NDArray[np.int64], rng: Generator) -> None:
    """New releases make up a third of what they hear, again and again."""
    traits.newness[who] = 0.35
    traits.repeat[who] = 0.3
    traits.log_plays[who] += 0.3
