"""skip_heavy: a browser who skips nearly everything."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.simulator.listeners.population import Traits


def skip_heavy(traits: Traits, who: NDArray[np.int64], rng: Generator) -> None:
    """Most tracks are heard for seconds."""
    traits.completion[who] -= 3.0
    traits.log_plays[who] += 0.6
    traits.touch[who] = 0
