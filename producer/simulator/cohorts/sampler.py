"""sampler: a listener who tries hundreds of tracks a day and cuts most of them within seconds."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.simulator.listeners.population import Traits
from producer.simulator.same_math import exp, log


def sampler(traits: Traits, who: NDArray[np.int64], rng: Generator) -> None:
    """Always something else: popular, new, or of any of the favourites; a third is heard on."""
    traits.log_plays[who] = log(165) + 0.5 * rng.standard_normal(len(who))
    traits.session_plays[who] = 45
    traits.active[who] = np.maximum(traits.active[who], 0.4)
    traits.completion[who] = -2.1 + 0.5 * rng.standard_normal(len(who))
    traits.haste[who] = 2.0 * exp(0.2 * rng.standard_normal(len(who)))
    traits.mixed[who] = 1.0
    traits.pop_fan[who] = 0.5
    traits.devotion[who] = 1.0
    traits.newness[who] = 0.2
    traits.repeat[who] = -1.2
    traits.touch[who] = 0
