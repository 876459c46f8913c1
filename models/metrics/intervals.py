"""Intervals of a share, by account: sessions of one account are similar, so they are resampled together."""

from dataclasses import asdict, dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd
from numpy.typing import NDArray

CONFIDENCE = 0.95
RESAMPLES = 1000
"""Draws of the bootstrap behind an interval."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its interval. `value` is None where there is nothing to divide by."""

    value: float | None
    low: float
    high: float
    n: int
    """Number of rows, or of accounts, that it is a share of."""

    @property
    def is_proven(self) -> bool:
        """Whether 0 is outside the interval (of a difference)."""
        return self.value is not None and (self.low > 0 or self.high < 0)

    def as_dict(self) -> dict[str, float | int | None]:
        """Return value, low, high and n."""
        return asdict(self)

    def __str__(self) -> str:
        return "none" if self.value is None else f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def wilson(hits: float, n: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the Wilson score interval of hits / n (Wilson 1927); 0 to 1 for n = 0.

    >>> low, high = wilson(299, 299, confidence=0.9)
    >>> round(low, 3), high
    (0.991, 1.0)
    """
    if n <= 0:
        return 0.0, 1.0
    z2 = NormalDist().inv_cdf(0.5 + confidence / 2) ** 2
    share = hits / n
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = float(np.sqrt(z2 * (share * (1 - share) + z2 / (4 * n)) / n)) / (1 + z2 / n)
    # for hits = 0 and hits = n the formula gives 0 and 1 up to rounding
    return (0.0 if hits <= 0 else centre - half), (1.0 if hits >= n else centre + half)


def percentile_interval(resampled: NDArray[np.float64]) -> tuple[float, float]:
    """Return the interval of the percentile bootstrap (Efron 1979) from resampled values.

    >>> low, high = percentile_interval(np.arange(1001.0))
    >>> round(low, 6), round(high, 6)
    (25.0, 975.0)
    """
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return float(low), float(high)


def share_by_account(
    users: pd.Series,
    is_hit: pd.Series,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
    weight: pd.Series | None = None,
) -> Share:
    """Return the weighted share of hits among rows, with an interval that resamples whole accounts.

    `users`, `is_hit` and `weight` (1 where it is None) are by row. Where all rows agree a bootstrap has no spread; the
    interval is then Wilson's over the number of accounts.

    >>> users, weight = pd.Series(["a", "b"]), pd.Series([3.0, 1.0])
    >>> share_by_account(users, users == "a", np.random.default_rng(1), weight=weight).value
    0.75
    """
    n = len(is_hit)
    if n == 0:
        return Share(None, 0.0, 1.0, 0)
    size = np.ones(n) if weight is None else weight.to_numpy(dtype=float)
    hit = is_hit.to_numpy(dtype=float) * size
    value = float(hit.sum() / size.sum())
    account = pd.factorize(users)[0]
    accounts = int(account.max()) + 1
    if value in (0.0, 1.0):
        low, high = wilson(value * accounts, accounts)
        return Share(value, low, high, n)
    per_account = np.column_stack([np.bincount(account, weights=size), np.bincount(account, weights=hit)])
    # accounts with the same two numbers are interchangeable, so one multinomial draw replaces a draw per account
    kinds, number = np.unique(per_account, axis=0, return_counts=True)
    resampled = rng.multinomial(accounts, number / accounts, size=resamples) @ kinds
    return Share(value, *percentile_interval(resampled[:, 1] / resampled[:, 0]), n)
