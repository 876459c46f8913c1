"""all_hours: a listener who plays ten hours a day, half of it at night, and hardly skips."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.simulator.calendar import ALL_HOURS
from producer.simulator.listeners.population import Traits
from producer.simulator.same_math import log


def all_hours(traits: Traits, who: NDArray[np.int64], rng: Generator) -> None:
    """Music on whenever awake, which is at any hour; tracks are heard to the end."""
    traits.chronotype[who] = ALL_HOURS
    traits.log_plays[who] = log(400) + 0.4 * rng.standard_normal(len(who))
    traits.session_plays[who] = 150
    traits.active[who] = 0.35 + 0.55 * rng.random(len(who))
    traits.day_spread[who] = 0.6
    traits.completion[who] = 1.7 + 0.5 * rng.standard_normal(len(who))
    traits.mixed[who] = 1.0
    traits.devotion[who] = 1.0
    traits.pop_fan[who] = 0.6
    traits.repeat[who] = -5.0
    traits.touch[who] = 1
