"""venue: a shop or bar that plays from opening to closing, untouched."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.simulator.calendar import OPENING
from producer.simulator.listeners.population import Traits
from producer.simulator.same_math import log


def venue(traits: Traits, who: NDArray[np.int64], rng: Generator) -> None:
    """Some thirteen hours of background music from opening time."""
    traits.chronotype[who] = OPENING
    traits.log_plays[who] = log(290) + 0.15 * rng.standard_normal(len(who))
    traits.session_plays[who] = 400
    traits.active[who] = 0.93
    traits.completion[who] = 5
    traits.mixed[who] = 1.0
    traits.repeat[who] = -2.0
    traits.touch[who] = 1
