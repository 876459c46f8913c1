"""Intervals of a share, by account: the sessions of one account stand and fall together."""

from dataclasses import asdict, dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd
from numpy.typing import NDArray

CONFIDENCE = 0.95
RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its interval. `value` is None where there is nothing to divide by."""

    value: float | None
    low: float
    high: float
    n: int
    """What it is a share of."""

    @property
    def is_proven(self) -> bool:
        """Whether the interval, of a difference, leaves out 0."""
        return self.value is not None and (self.low > 0 or self.high < 0)

    def as_dict(self) -> dict[str, float | int | None]:
        return asdict(self)

    def __str__(self) -> str:
        return "none" if self.value is None else f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


def wilson(hits: float, n: float, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the Wilson score interval of hits / n (Wilson 1927).

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
    # at 0 and n the formula gives 0 and 1 but for rounding
    return (0.0 if hits <= 0 else centre - half), (1.0 if hits >= n else centre + half)


def percentile_interval(drawn: NDArray[np.float64]) -> tuple[float, float]:
    """Return the percentile bootstrap's interval (Efron 1979) of resampled values.

    >>> low, high = percentile_interval(np.arange(1001.0))
    >>> round(low, 6), round(high, 6)
    (25.0, 975.0)
    """
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, [tail, 1 - tail])
    return float(low), float(high)


def share_by_account(
    users: pd.Series,
    is_hit: pd.Series,
    rng: np.random.Generator,
    resamples: int = RESAMPLES,
    weight: pd.Series | None = None,
) -> Share:
    """Return the share of hits among rows, each of its weight, with an interval that resamples whole accounts.

    Where all rows agree a bootstrap sees no doubt: the interval is then Wilson's, over the number of accounts.

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
    # accounts alike in both numbers are interchangeable, so one multinomial draw stands for drawing each account
    kinds, number = np.unique(per_account, axis=0, return_counts=True)
    drawn = rng.multinomial(accounts, number / accounts, size=resamples) @ kinds
    return Share(value, *percentile_interval(drawn[:, 1] / drawn[:, 0]), n)
