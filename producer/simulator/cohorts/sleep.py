"""sleep: white noise or a sleep playlist all night."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.simulator.calendar import BEDTIME
from producer.simulator.listeners.population import Traits
from producer.simulator.same_math import log


def sleep(traits: Traits, who: NDArray[np.int64], rng: Generator) -> None:
    """Eight hours or so from bedtime, untouched, few tracks, every night."""
    traits.chronotype[who] = BEDTIME
    traits.log_plays[who] = log(110) + 0.2 * rng.standard_normal(len(who))
    traits.session_plays[who] = 400
    traits.active[who] = 0.8
    traits.completion[who] = 7
    traits.mixed[who] = 0.1
    traits.repeat[who] = 1.5
    traits.touch[who] = 1
