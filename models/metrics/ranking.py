"""How well a score ranks positives over negatives: the area under the ROC curve, with its interval."""

from statistics import NormalDist

import numpy as np

from models.metrics.intervals import CONFIDENCE, Share, wilson
from runtime.arrays import Floats


def auc(positive: Floats, negative: Floats) -> Share:
    """Return the chance that a positive scores higher than a negative one; ties count half, unknown scores not at all.

    The interval is DeLong's (DeLong, DeLong, Clarke-Pearson 1988). Where all pairs agree that has no spread: then it is
    Wilson's over the smaller group. `value` is None where a group is empty. `n`: positives.

    >>> auc(np.array([2.0, 3.0]), np.array([1.0, 2.0])).value
    0.875
    """
    positive, negative = (np.sort(values[~np.isnan(values)]) for values in (positive, negative))
    m, n = len(positive), len(negative)
    if not m or not n:
        return Share(None, 0.0, 1.0, m)
    won = _share_below(negative, positive)
    lost = 1 - _share_below(positive, negative)
    value = float(won.mean())
    if value in (0.0, 1.0) or min(m, n) < 2:
        low, high = wilson(value * min(m, n), min(m, n))
        return Share(value, low, high, m)
    half = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2) * float(np.sqrt(won.var(ddof=1) / m + lost.var(ddof=1) / n))
    return Share(value, max(value - half, 0.0), min(value + half, 1.0), m)


def _share_below(reference: Floats, values: Floats) -> Floats:
    """Return for each value the share of the sorted reference below it, ties half."""
    low, high = (np.searchsorted(reference, values, side=side) for side in ("left", "right"))
    return (low + high) / 2 / len(reference)
