"""Make features fit for models that need finite, comparable columns. Everything is learnt from training rows only."""

from dataclasses import dataclass

import numpy as np

from runtime.arrays import Floats

CAP = 8.0
"""Standard deviations at which a column is cut: one wild column must not be all that a distance sees."""


@dataclass(frozen=True, slots=True)
class Standardiser:
    """Signed logs, standardised; what is missing takes the training median, and a constant column falls away."""

    median: Floats
    mean: Floats
    sd: Floats

    @classmethod
    def fit(cls, features: Floats) -> "Standardiser":
        logs = _signed_log(features)
        known = ~np.isnan(logs).all(axis=0)
        median = np.zeros(logs.shape[1])
        median[known] = np.nanmedian(logs[:, known], axis=0)
        filled = np.where(np.isnan(logs), median, logs)
        return cls(median, filled.mean(axis=0), filled.std(axis=0))

    def __call__(self, features: Floats) -> Floats:
        logs = _signed_log(features)
        varies = self.sd > 1e-9
        filled = np.where(np.isnan(logs), self.median, logs)[:, varies]
        return np.clip((filled - self.mean[varies]) / self.sd[varies], -CAP, CAP)


def _signed_log(features: Floats) -> Floats:
    """Volumes span four powers of ten."""
    return np.sign(features) * np.log1p(np.abs(features))
