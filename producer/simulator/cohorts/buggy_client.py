"""buggy_client: a client with a fault: failed starts, repeated licence requests, stuttering plays."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.simulator.listeners.population import FAULTY, Traits


def buggy_client(traits: Traits, who: NDArray[np.int64], rng: Generator) -> None:
    """Its activity chain is the faulty one; tracks break off."""
    traits.touch[who] = FAULTY
    traits.completion[who] -= 0.5
