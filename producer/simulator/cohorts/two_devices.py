"""two_devices: a household that plays on two devices at once: a speaker and a phone."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.simulator.calendar import SUPPER
from producer.simulator.listeners.population import Traits


def two_devices(traits: Traits, who: NDArray[np.int64], rng: Generator) -> None:
    """Two people at supper time, each on a device."""
    traits.listeners[who] = 2
    traits.own_device[who] = True
    traits.chronotype[who] = SUPPER
    traits.log_plays[who] += 0.8
    traits.session_plays[who] = 40
    traits.active[who] = np.maximum(traits.active[who], 0.6)
