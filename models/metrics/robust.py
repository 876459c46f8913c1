"""Statistics that a few odd values do not move: median and median absolute deviation, of many rows at once."""

import numpy as np

from runtime.arrays import Floats

MAD_TO_SD = 1.4826
"""Scale that makes the median absolute deviation of a normal distribution its standard deviation."""


def median(values: Floats) -> Floats:
    """Return the median along the last axis, leaving NaN out; NaN where a row has nothing.

    NumPy's nanmedian goes row by row; sorting all rows at once is some twenty times faster.

    >>> median(np.array([[3.0, np.nan, 1.0], [np.nan, np.nan, np.nan]])).tolist()
    [2.0, nan]
    """
    ordered = np.sort(values, axis=-1)  # NaN comes last
    count = (~np.isnan(ordered)).sum(axis=-1)
    low, high = np.maximum((count - 1) // 2, 0), np.minimum(count // 2, values.shape[-1] - 1)
    pick = [np.take_along_axis(ordered, place[:, None], axis=-1)[:, 0] for place in (low, high)]
    return np.where(count > 0, (pick[0] + pick[1]) / 2, np.nan)


def median_and_mad(values: Floats) -> tuple[Floats, Floats]:
    """Return median and median absolute deviation (unscaled) along the last axis, leaving NaN out."""
    middle = median(values)
    return middle, median(np.abs(values - middle[:, None]))
