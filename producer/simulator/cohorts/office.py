"""office: an office or a university: many accounts behind one address."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.simulator.listeners.population import Traits


def office(traits: Traits, who: NDArray[np.int64], rng: Generator) -> None:
    """The same few large lines for all of the cohort, in working hours."""
    traits.office[who] = rng.integers(1, 6, len(who))
    traits.chronotype[who] = 1
    traits.out[who] *= 0.3
