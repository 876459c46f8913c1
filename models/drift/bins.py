"""Bins of one quantity: the deciles of the training data, and one bin for values that are missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from runtime.arrays import Floats, Ints

DECILES = np.arange(1, 10) / 10
EDGE_DIGITS = 4
"""Of an edge: they are stored with every model."""
SMOOTHING = 0.5
"""Added to every count, so that an empty bin has no infinite logarithm."""


def decile_edges(values: Floats) -> Floats:
    """Return the different deciles of the known values; fewer than nine where many values are equal.

    >>> decile_edges(np.array([0.0] * 8 + [1.0, np.nan, 2.0])).tolist()
    [0.0, 1.0]
    """
    known = values[~np.isnan(values)]
    # a value of the sample, not one between two: a count has no decile of 2.5
    return np.unique(np.quantile(known, DECILES, method="lower")) if len(known) else np.empty(0)


def bin_of(values: Floats, edges: Floats) -> Ints:
    """Return the bin of each value: 0 up to the first edge, …, the last but one above the last edge, the last missing.

    >>> bin_of(np.array([-1.0, 0.0, 0.5, 9.0, np.nan]), np.array([0.0, 1.0])).tolist()
    [0, 0, 1, 2, 3]
    """
    placed = np.searchsorted(edges, values, side="left")
    return np.where(np.isnan(values), len(edges) + 1, placed).astype(np.int64)


def counts_by_account(account: Ints, accounts: int, values: Floats, edges: Floats) -> Floats:
    """Count the values by account (0 to accounts − 1) and bin: shape (accounts, bins)."""
    bins = len(edges) + 2
    flat = np.bincount(account * bins + bin_of(values, edges), minlength=accounts * bins)
    return flat.reshape(accounts, bins).astype(np.float64)


def shares_of(counts: Floats) -> Floats:
    """Return the shares of the bins, smoothed; works along the last axis."""
    smoothed = counts + SMOOTHING
    return smoothed / smoothed.sum(axis=-1, keepdims=True)


def variances_of(by_account: Floats) -> Floats:
    """Return the variance of each bin's share, where whole accounts are drawn (n accounts, bins) -> (bins,).

    Values of one account are alike, so that this is more than p (1 − p) / n.
    """
    accounts, total = len(by_account), by_account.sum()
    if accounts < 2 or total == 0:
        return np.full(by_account.shape[1], np.inf)
    share = by_account.sum(axis=0) / total
    residual = by_account - by_account.sum(axis=1, keepdims=True) * share
    return (residual**2).sum(axis=0) / total**2 * accounts / (accounts - 1)


@dataclass(frozen=True, slots=True)
class Bins:
    """How one quantity lay in the training data."""

    edges: Floats
    shares: Floats
    """Of the training data, by bin; the last one is missing."""
    noise: float
    """What the size of the training data alone adds to an index, by accounts."""

    @property
    def labels(self) -> Sequence[str]:
        """Name the bins: "up to 3", "3 to 5", "over 5", "missing"."""
        texts = [f"{edge:.3g}" for edge in self.edges]
        between = [f"{low} to {high}" for low, high in pairwise(texts)]
        return [*([f"up to {texts[0]}", *between, f"over {texts[-1]}"] if texts else ["known"]), "missing"]


def make_bins(account: Ints, accounts: int, values: Floats) -> Bins:
    """Make the bins of a quantity from the training data."""
    edges = np.unique([float(f"{edge:.{EDGE_DIGITS}g}") for edge in decile_edges(values)])
    counts = counts_by_account(account, accounts, values, edges)
    shares = shares_of(counts.sum(axis=0))
    return Bins(edges, shares, float((variances_of(counts) / shares).sum()))
