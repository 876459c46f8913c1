"""Features of a session compared with the account's own history: NaN where that is not known, or not long enough.

The statistics are those of the daily table `user_baselines`; which table a session may see is said in `own_baselines`.
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from contracts.features import OWN_HISTORY_FEATURES, VS_OWN
from contracts.user_day_features import HISTORY_DAYS_LEAST, MIN_SD_OF_VOLUME
from runtime.arrays import Floats

VOLUMES = {"plays": "plays_day", "hours": "hours"}
"""What is compared in standard deviations, with the quantity of a day that it is compared with."""
_COMPARED = (name.removesuffix(VS_OWN) for name in OWN_HISTORY_FEATURES if name.endswith(VS_OWN))
SHIFTED = tuple(name for name in _COMPARED if name not in VOLUMES)
"""What is compared by its difference from the mean of own days."""
LEAST_SD = {**MIN_SD_OF_VOLUME, "gap_entropy": 0.5, "popularity_mean": 0.2}
"""Spread below which an account's days are as good as alike; 0.1 for a share."""
LEAST_SD_OF_SHARE = 0.1
DRIFT_LEAST = 3
"""Fewest known differences of which `self_drift` is made."""

STATISTICS = tuple(
    f"{quantity}_{statistic}" for quantity in (*VOLUMES.values(), *SHIFTED) for statistic in ("mean", "sd")
)
"""Columns of `user_baselines` that are used, beside history_days."""


def compare_with_own(values: Mapping[str, Floats], own: pa.StructArray) -> dict[str, Floats]:
    """Compare sessions' features with `own`, a struct of history_days and STATISTICS a session, null where unknown."""
    columns = dict(zip((field.name for field in own.type), own.flatten(), strict=True))

    def known(name: str) -> Floats:
        return columns[name].cast(pa.float64()).to_numpy(zero_copy_only=False)

    is_long = np.nan_to_num(known("history_days")) >= HISTORY_DAYS_LEAST
    differences: dict[str, Floats] = {}
    deviations: dict[str, Floats] = {}
    for name in (*VOLUMES, *SHIFTED):
        quantity = VOLUMES.get(name, name)
        differences[name] = np.where(is_long, values[name] - known(f"{quantity}_mean"), np.nan)
        spread = np.maximum(known(f"{quantity}_sd"), LEAST_SD.get(quantity, LEAST_SD_OF_SHARE))
        deviations[name] = differences[name] / spread
    found = {f"{name}{VS_OWN}": deviations[name] for name in VOLUMES}
    found |= {f"{name}{VS_OWN}": differences[name] for name in SHIFTED}
    return found | {"self_drift": _root_mean_square(np.stack(list(deviations.values())))}


def _root_mean_square(deviations: Floats) -> Floats:
    """Of each column, over its known values; NaN under DRIFT_LEAST of them."""
    n = (~np.isnan(deviations)).sum(axis=0)
    mean = np.nansum(deviations**2, axis=0) / np.maximum(n, 1)
    return np.where(n >= DRIFT_LEAST, np.sqrt(mean), np.nan)
