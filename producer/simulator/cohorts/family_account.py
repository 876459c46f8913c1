"""family_account: several people on one account, often at once, on several devices."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.simulator.listeners.population import Traits


def family_account(traits: Traits, who: NDArray[np.int64], rng: Generator) -> None:
    """Three to five people, each with their own taste."""
    traits.listeners[who] = rng.integers(3, 6, len(who))
    traits.log_plays[who] += 0.7
    traits.active[who] = np.maximum(traits.active[who], 0.8)
    traits.pop_fan[who] = 0.7
    traits.plan[who] = 2
