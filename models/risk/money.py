"""What streams earn: two ways to share the same pool, and the penalty for artificial streams.

Every number here is a named assumption with its source; `Prices(...)` changes it. A ranking needs only the shares. The
euros help a person to decide a case.
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
    """Paid to all rights holders for a stream of 30 s or more. Billboard (16 April 2021) reports that Spotify pays a
    third to half of a US cent on average; this is 0.38 cents at 1.08 USD per EUR, an assumption."""
    weights: dict[str, float] = field(
        default_factory=lambda: {"premium": 1.0, "family": 0.5, "student": 0.5, "free": 0.1}
    )
    """What an account pays in, by plan, as a share of a premium account: list prices of 2024 (about 11 EUR per month,
    18 for three or four members, 6 for students), and a tenth for advertising. Assumptions; they only divide the pool
    between accounts."""
    penalty_eur: float = 10.0
    """Per month, for a track with over `penalty_share` of artificial streams (Spotify, from April 2024)."""
    penalty_share: float = 0.9


def pro_rata(streams: Ints, prices: Prices) -> Floats:
    """Return what streams earn in euros where all streams share one pool: the same for each.

    >>> pro_rata(np.array([1000, 0]), Prices()).tolist()
    [3.5, 0.0]
    """
    return np.asarray(streams, dtype=np.float64) * prices.stream_eur


def user_centric(user: Ints, streams: Ints, weight: Floats, prices: Prices) -> Floats:
    """Return what streams earn in euros where the fee of each account pays for that account's streams alone.

    `user` (account code) and `streams` are by row, and an account may have several rows; `weight` is by account. The
    pool is the same as for pro-rata pay, so that both pay out the same sum and only the shares differ: an account that
    plays ten times as much earns ten times as much pro rata, and no more here.
    """
    by_user = np.bincount(user, weights=streams, minlength=len(weight))
    paying = np.where(by_user > 0, weight, 0.0)
    pool = prices.stream_eur * float(by_user.sum())
    of_account = pool * paying / max(float(paying.sum()), 1e-12)
    return streams * (of_account / np.maximum(by_user, 1))[user]
