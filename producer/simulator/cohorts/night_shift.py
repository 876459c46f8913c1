"""night_shift: a night-shift worker: awake and listening when others sleep."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.simulator.calendar import NIGHT_SHIFT
from producer.simulator.listeners.population import Traits


def night_shift(traits: Traits, who: NDArray[np.int64], rng: Generator) -> None:
    """Listens in the small hours, at length and little touched."""
    traits.chronotype[who] = NIGHT_SHIFT
    traits.log_plays[who] += 0.3
    traits.completion[who] += 0.8
