"""one_list: a listener of one record, or of one playlist, for weeks, then of another."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.simulator.listeners.population import FAVOURITES, Traits


def one_list(traits: Traits, who: NDArray[np.int64], rng: Generator) -> None:
    """Half hear a record of 8 to 16 tracks, half a playlist of 10 to 60: an assumption. In its order, or shuffled."""
    n = len(who)
    is_record = rng.random(n) < 0.5
    traits.list_tracks[who] = np.where(is_record, rng.integers(8, 17, n), rng.integers(10, 61, n))
    traits.list_artists[who] = np.where(is_record, 1, rng.integers(3, FAVOURITES, n))
    traits.phase_days[who] = rng.integers(7, 61, n)
    traits.mixed[who] = np.where(rng.random(n) < 0.5, 0.05, 0.95)
    traits.newness[who] = 0.0
    traits.repeat[who] -= 1.0
