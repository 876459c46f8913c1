"""What streams draw: two ways to share the same pool, and the rule against artificial streams.

Every number here is a named assumption with its source; change them with `Prices(...)`. Only the shares matter for a
ranking, the euros are there so that a person can weigh a case.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from runtime.arrays import Floats

Ints = NDArray[np.integer]


@dataclass(frozen=True, slots=True)
class Prices:
    """Assumptions about pay."""

    stream_eur: float = 0.0035
    """Paid to all rights holders for a stream of 30 s or more. Billboard (16 April 2021) puts Spotify's average at a
    third to half of a US cent; this is 0.38 cents at 1.08 USD for 1 EUR, an assumption."""
    weights: dict[str, float] = field(
        default_factory=lambda: {"premium": 1.0, "family": 0.5, "student": 0.5, "free": 0.1}
    )
    """What an account of a plan pays in, next to one of its own: list prices of 2024 (about 11, 18 for three or four
    members, and 6 EUR a month), and a tenth for advertising: assumptions. They only split the pool between accounts."""
    penalty_eur: float = 10.0
    """A month, for a track with over `penalty_share` of artificial streams (Spotify, from April 2024)."""
    penalty_share: float = 0.9


def pro_rata(streams: Ints, prices: Prices) -> Floats:
    """Return what streams draw where all of them share one pool: the same for each.

    >>> pro_rata(np.array([1000, 0]), Prices()).tolist()
    [3.5, 0.0]
    """
    return np.asarray(streams, dtype=np.float64) * prices.stream_eur


def user_centric(user: Ints, streams: Ints, weight: Floats, prices: Prices) -> Floats:
    """Return what streams draw where the fee of each account pays for its own streams alone.

    `user` and `streams` are rows (an account may have several), `weight` is by account. The pool is the one that
    pro-rata pay shares out, so that both pay the same in all (tested) and only the shares differ: an account that
    plays ten times as much draws ten times as much under the one, and no more under the other.
    """
    by_user = np.bincount(user, weights=streams, minlength=len(weight))
    paying = np.where(by_user > 0, weight, 0.0)
    pool = prices.stream_eur * float(by_user.sum())
    of_account = pool * paying / max(float(paying.sum()), 1e-12)
    return streams * (of_account / np.maximum(by_user, 1))[user]
