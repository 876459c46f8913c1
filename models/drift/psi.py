"""The population stability index of one quantity: with what chance alone would give, and an interval.

PSI = Σ (p − q) ln(p / q) over the bins, p now and q in training. Without any shift it is not 0: it is about
(bins − 1) (1/n + 1/m) for n and m independent values (Yurdakul and Naranjo, Statistical properties of the population
stability index, Journal of Risk Model Validation 14(4), 2020), and more for sessions, since those of an account are
alike. That part is estimated by accounts and subtracted.
"""

from dataclasses import dataclass

import numpy as np

from models.drift.bins import Bins, counts_by_account, shares_of, variances_of
from models.metrics.intervals import CONFIDENCE
from runtime.arrays import Floats, Ints

SMALL, LARGE = 0.10, 0.25
"""Bands of practice: under .10 little change, over .25 a significant one (Yurdakul and Naranjo 2020)."""
MIN_ACCOUNTS = 30
"""With fewer accounts nothing is said: a choice."""
RESAMPLES = 200
"""Enough for the ends of a 95 % interval, which lie at the 5th value from each side: a choice."""


@dataclass(frozen=True, slots=True)
class Shift:
    """How far a quantity has moved."""

    psi: float
    """As defined, with what chance gives."""
    noise: float
    """What chance alone gives, for so many accounts."""
    low: float
    high: float
    """95 % interval of psi − noise, by accounts; not below 0."""
    shares: Floats
    """Of now, by bin."""

    @property
    def corrected(self) -> float:
        """The index without what chance gives, not below 0."""
        return max(self.psi - self.noise, 0.0)

    @property
    def band(self) -> str:
        """Say in one word how large it is: the band that the whole interval is in or over."""
        return "large" if self.low > LARGE else "moderate" if self.low > SMALL else "small"


def psi_of(now: Floats, training: Floats) -> Floats:
    """Return the index of shares, along the last axis.

    >>> float(psi_of(np.array([0.5, 0.5]), np.array([0.5, 0.5])))
    0.0
    """
    index: Floats = ((now - training) * np.log(now / training)).sum(axis=-1)
    return index


def resample_accounts(accounts: int, rng: np.random.Generator) -> Floats:
    """Draw how often each account is in each resample: shape (RESAMPLES, accounts). One draw serves all quantities."""
    return rng.multinomial(accounts, np.full(accounts, 1 / accounts), size=RESAMPLES).astype(np.float64)


def measure_shift(bins: Bins, account: Ints, values: Floats, resamples: Floats) -> Shift:
    """Measure how far values of now have moved from the training data.

    `account` is by value, its column in `resamples` (`resample_accounts`).
    """
    counts = counts_by_account(account, resamples.shape[1], values, bins.edges)
    now = shares_of(counts.sum(axis=0))
    psi = float(psi_of(now, bins.shares))
    noise = float((variances_of(counts) / ((now + bins.shares) / 2)).sum()) + bins.noise
    resampled = psi_of(shares_of(resamples @ counts), bins.shares)
    tail = (1 - CONFIDENCE) / 2
    # a resample has the noise of the sample once more: only its spread counts
    low, high = np.quantile(resampled - resampled.mean(), [tail, 1 - tail]) + psi - noise
    return Shift(psi, noise, max(float(low), 0.0), max(float(high), 0.0), now)
