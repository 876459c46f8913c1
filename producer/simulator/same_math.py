"""Powers, exponentials and logarithms that have the same bits on every processor, so that a seed has the same bytes.

NumPy computes these with the widest instructions that it finds. With AVX-512 the last bit differs from that of AVX2 in
one of twenty results (numpy 2.4, 4 million draws), and some event of a world falls a millisecond elsewhere. Arrow calls
the C library, element by element. Square roots, squares and sums are exact enough in NumPy: all processors agree.

The same bits need the GNU C library, and AVX2 for exponentials in single precision.
"""

import math
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
F = TypeVar("F", bound=np.floating[Any])


def exp(values: NDArray[F]) -> NDArray[F]:
    """Raise e to each of (n,) values; single precision stays single."""
    if values.dtype == np.float32:
        return np.exp(values)  # of NumPy's own making, and the same with AVX2 and AVX-512
    return _by_arrow(pc.exp, values)


def log(value: float) -> np.float64:
    """Take the natural logarithm of one number."""
    return np.float64(math.log(value))


def log1p(values: NDArray[F]) -> NDArray[F]:
    """Take the logarithm of 1 + each of (n,) values."""
    return _by_arrow(pc.log1p, values)


def power(base: Floats, exponent: Floats | np.floating[Any] | float) -> Floats:
    """Raise (n,) bases to one power, or each to its own; the precision is NumPy's for the two."""
    precision = np.result_type(base, exponent)
    raised = exponent.astype(precision) if isinstance(exponent, np.ndarray) else pa.scalar(exponent, str(precision))
    return _by_arrow(pc.power, base.astype(precision), raised)


def _by_arrow(function: Any, *values: Any) -> NDArray[Any]:
    arrays = (pa.array(part) if isinstance(part, np.ndarray) else part for part in values)
    return np.asarray(function(*arrays).to_numpy(zero_copy_only=False))
