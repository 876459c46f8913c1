"""Types of NumPy arrays, the same in every package. Shapes and units are in the docstrings of the functions."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
