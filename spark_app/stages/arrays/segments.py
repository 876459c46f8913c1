"""Sums, counts, ratios and runs of flat NumPy arrays whose rows belong to segments: sessions, or user-days."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from runtime.arrays import Floats, Ints


def runs(session: Ints, values: Ints) -> tuple[Ints, Ints, Ints]:
    """Group equal values within a session; return session, value and count of each group, sorted by (session, value).

    >>> [column.tolist() for column in runs(np.array([0, 0, 0, 1]), np.array([7, 5, 7, 7]))]
    [[0, 0, 1], [5, 7, 7], [1, 2, 1]]
    """
    order = np.lexsort((values, session))
    session, values = session[order], values[order]
    first = np.ones(len(session), dtype=bool)
    first[1:] = (session[1:] != session[:-1]) | (values[1:] != values[:-1])
    starts = np.flatnonzero(first)
    return session[starts], values[starts], np.diff(starts, append=len(session))


def ratio(top: Floats, bottom: Floats) -> Floats:
    """Divide element by element; NaN where the bottom is 0.

    >>> ratio(np.array([1.0, 0.0]), np.array([4.0, 0.0]))
    array([0.25,  nan])
    """
    return np.divide(top, bottom, out=np.full(len(top), np.nan), where=bottom > 0)


def sum_by(session: Ints, n: int, values: NDArray[Any] | None = None) -> Floats:
    """Sum values per session, or count its rows where there are no values; shape (n,).

    >>> sum_by(np.array([0, 2, 2]), 3).tolist()
    [1.0, 0.0, 2.0]
    """
    return np.bincount(session, weights=values, minlength=n).astype(np.float64)
