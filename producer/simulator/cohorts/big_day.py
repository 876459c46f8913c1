"""big_day: an ordinary listener with a day of hundreds of plays now and then."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.simulator.listeners.population import Traits
from producer.simulator.same_math import log


def big_day(traits: Traits, who: NDArray[np.int64], rng: Generator) -> None:
    """One day in twelve has eight times the plays: a party, a journey, a night with the player on."""
    traits.spree[who] = 1 / 12
    traits.log_plays[who] = np.maximum(traits.log_plays[who], log(25))
