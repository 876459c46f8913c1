"""Weighted logistic regression with weights that may be held at 0 and over."""

import numpy as np
from scipy.optimize import Bounds, minimize
from scipy.special import expit

from runtime.arrays import Bools, Floats

RIDGE = 1e-5
"""Penalty on the squared weights, next to a mean loss over account-days at natural prevalence."""


def fit_logistic(
    values: Floats, label: Bools, weight: Floats, lower: Floats | None = None, ridge: float = RIDGE
) -> Floats:
    """Return the intercept and the weights of the columns of `values` (n, k); `lower`: least value of each weight.

    >>> x = np.array([[0.0], [1.0], [2.0], [3.0]])
    >>> fitted = fit_logistic(x, np.array([False, True, False, True]), np.ones(4), lower=np.zeros(1))
    >>> bool(fitted[1] > 0)
    True
    """
    n, k = values.shape
    share, target = weight / weight.sum(), label.astype(np.float64)
    design = np.column_stack([np.ones(n), values])

    def loss(b: Floats) -> tuple[float, Floats]:
        z = design @ b
        value = share @ (np.logaddexp(0, z) - target * z) + ridge * (b[1:] @ b[1:])
        gradient = design.T @ (share * (expit(z) - target)) + 2 * ridge * np.append(0.0, b[1:])
        return float(value), gradient

    begin = np.zeros(k + 1)
    begin[0] = np.log(max(share @ target, 1e-9))
    low = np.append(-np.inf, np.full(k, -np.inf) if lower is None else lower)
    fitted: Floats = minimize(
        loss, begin, jac=True, method="L-BFGS-B", bounds=Bounds(low, np.full(k + 1, np.inf)),
        options={"maxiter": 2000, "ftol": 1e-14, "gtol": 1e-9},
    ).x  # fmt: skip
    return fitted
