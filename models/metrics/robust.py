"""Statistics that a few extreme values do not change: median and median absolute deviation, of many rows at once."""

import numpy as np

from runtime.arrays import Floats

MAD_TO_SD = 1.4826
"""Factor from the median absolute deviation to the standard deviation, for a normal distribution."""


def median(values: Floats) -> Floats:
    """Return the median of each row (rows, columns), NaN left out; NaN for a row of NaN.

    NumPy's nanmedian goes row by row; to sort all rows at once is about twenty times faster.

    >>> median(np.array([[3.0, np.nan, 1.0], [np.nan, np.nan, np.nan]])).tolist()
    [2.0, nan]
    """
    ordered = np.sort(values, axis=-1)  # NaN comes last
    count = (~np.isnan(ordered)).sum(axis=-1)
    low, high = np.maximum((count - 1) // 2, 0), np.minimum(count // 2, values.shape[-1] - 1)
    middle = [np.take_along_axis(ordered, position[:, None], axis=-1)[:, 0] for position in (low, high)]
    return np.where(count > 0, (middle[0] + middle[1]) / 2, np.nan)


def median_and_mad(values: Floats) -> tuple[Floats, Floats]:
    """Return median and median absolute deviation (unscaled) of each row (rows, columns), NaN left out."""
    middle = median(values)
    return middle, median(np.abs(values - middle[:, None]))
