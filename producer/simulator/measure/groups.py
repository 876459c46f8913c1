"""Sums, spreads and counts by group, for groups numbered from 0 in arrays of rows."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from runtime.arrays import Floats


def ratio(above: NDArray[Any], below: NDArray[Any]) -> Floats:
    """Divide; NaN where the divisor is 0.

    >>> ratio(np.array([1.0, 1.0]), np.array([2.0, 0.0])).tolist()
    [0.5, nan]
    """
    out: Floats = np.full(len(above), np.nan)
    np.divide(above, below, out=out, where=below > 0)
    return out


class Groups:
    """Rows in `n` groups: `of` is each row's group."""

    def __init__(self, of: NDArray[np.int64], n: int) -> None:
        self.of, self.n = of, n
        self.count = np.bincount(of, minlength=n).astype(float)

    def sum(self, values: ArrayLike) -> Floats:
        return np.bincount(self.of, np.asarray(values, dtype=float), self.n).astype(np.float64)

    def mean(self, values: ArrayLike) -> Floats:
        """Mean by group, NaN for an empty one."""
        return ratio(self.sum(values), self.count)

    def sd(self, values: ArrayLike) -> Floats:
        """Population standard deviation by group, NaN for an empty one."""
        values = np.asarray(values, dtype=float)
        variance: Floats = np.maximum(self.mean(values**2) - self.mean(values) ** 2, 0)
        return np.sqrt(variance)

    def min(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        out = np.full(self.n, np.iinfo(np.int64).max)
        np.minimum.at(out, self.of, values)
        return out

    def max(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        out = np.full(self.n, np.iinfo(np.int64).min)
        np.maximum.at(out, self.of, values)
        return out

    def first(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        """Value of the first row of each group."""
        found, at = np.unique(self.of, return_index=True)
        out = np.zeros(self.n, dtype=values.dtype)
        out[found] = values[at]
        return out

    def _pairs(self, values: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return (group, rows) of every distinct (group, value)."""
        width = int(values.max()) + 1 if len(values) else 1
        pair, rows = np.unique(self.of * width + values, return_counts=True)
        return pair // width, rows

    def distinct(self, values: NDArray[np.int64]) -> Floats:
        return np.bincount(self._pairs(values)[0], minlength=self.n).astype(float)

    def largest_share(self, values: NDArray[np.int64]) -> Floats:
        """Share of the commonest value, by group."""
        group, rows = self._pairs(values)
        most = np.zeros(self.n)
        np.maximum.at(most, group, rows)
        return ratio(most, self.count)

    def concentration(self, values: NDArray[np.int64]) -> Floats:
        """Sum of squared shares of the values, by group."""
        group, rows = self._pairs(values)
        return ratio(np.bincount(group, rows.astype(float) ** 2, self.n), np.square(self.count))


def entropy_by_group(of: NDArray[np.int64], values: NDArray[np.int64], n: int) -> Floats:
    """Entropy in bits of the values of each group; 0 for an empty one.

    >>> entropy_by_group(np.array([0, 0, 1]), np.array([1, 2, 2]), 2).tolist()
    [1.0, 0.0]
    """
    groups = Groups(of, n)
    group, rows = groups._pairs(values)
    share = rows / groups.count[group]
    return np.bincount(group, np.asarray(-share * np.log2(share), dtype=float), n).astype(np.float64) + 0.0
