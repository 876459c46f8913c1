"""vpn: a privacy-minded listener: everything goes through a VPN."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from producer.simulator.listeners.population import Traits


def vpn(traits: Traits, who: NDArray[np.int64], rng: Generator) -> None:
    """Nearly all sessions from VPN and hosting networks, exits in changing countries."""
    traits.vpn[who] = 0.95
