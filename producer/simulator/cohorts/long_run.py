"""long_run: a listener who lets 150 tracks run in a row, into the night."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.simulator.listeners.population import Traits
from producer.simulator.same_math import log


def long_run(traits: Traits, who: NDArray[np.int64], rng: Generator) -> None:
    """One session a day or so, from the evening on, as long as the music goes."""
    traits.chronotype[who] = rng.integers(2, 4, len(who))
    traits.log_plays[who] = log(160) + 0.2 * rng.standard_normal(len(who))
    traits.session_plays[who] = 400
    traits.completion[who] = 2.5
    traits.touch[who] = 1
