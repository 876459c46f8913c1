"""Features of a session compared with the account's own history: NaN where that is unknown or too short.

The statistics of the history come from the daily table `user_baselines`; `account_baselines` chooses the table that a
session may use. `X_vs_own` compares feature X: a new one is a name in `contracts/features.py`, and X one of the
BASELINE_QUANTITIES of `contracts/user_day_features.py`.
"""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from contracts.features import OWN_HISTORY_FEATURES, VS_OWN
from contracts.user_day_features import MIN_HISTORY_DAYS, MIN_SD_OF_VOLUME
from runtime.arrays import Floats

VOLUMES = {"plays": "plays_day", "hours": "hours"}
"""Features compared in standard deviations, each with the quantity of a day that it is compared with.

A session is a part of a day: it is compared with the day's mean divided by the account's usual number of sessions.
"""
SESSIONS_MEAN = "sessions_day_mean"
_COMPARED = (name.removesuffix(VS_OWN) for name in OWN_HISTORY_FEATURES if name.endswith(VS_OWN))
SHIFTED = tuple(name for name in _COMPARED if name not in VOLUMES)
"""Features compared by their difference from the mean of own days."""
MIN_SD = {**MIN_SD_OF_VOLUME, "gap_entropy": 0.5, "popularity_mean": 0.2}
"""A smaller spread of an account's days is taken as this one: those days are nearly equal."""
MIN_SD_OF_SHARE = 0.1
SELF_DRIFT = "self_drift"
MIN_DIFFERENCES = 3
"""Known differences below which `self_drift` is NaN."""

BASELINE_STATISTICS = (
    *(f"{quantity}_{statistic}" for quantity in (*VOLUMES.values(), *SHIFTED) for statistic in ("mean", "sd")),
    SESSIONS_MEAN,
)
"""Columns of `user_baselines` that the features need, with `history_days`."""
BASELINE = pa.struct([("history_days", pa.int32()), *((name, pa.float64()) for name in BASELINE_STATISTICS)])
"""The own history of a session's account, null where it has none."""


def compare_with_baseline(features: Mapping[str, Floats], baseline: pa.StructArray) -> dict[str, Floats]:
    """Return OWN_HISTORY_FEATURES of n sessions, each of shape (n,).

    `baseline` holds history_days and BASELINE_STATISTICS of each session's account; null where there is no history.
    """
    columns = dict(zip((field.name for field in baseline.type), baseline.flatten(), strict=True))

    def values(name: str) -> Floats:
        return columns[name].cast(pa.float64()).to_numpy(zero_copy_only=False)

    is_long = np.nan_to_num(values("history_days")) >= MIN_HISTORY_DAYS
    sessions = np.fmax(values(SESSIONS_MEAN), 1.0)
    differences: dict[str, Floats] = {}
    deviations: dict[str, Floats] = {}
    for name in (*VOLUMES, *SHIFTED):
        quantity = VOLUMES.get(name, name)
        parts = sessions if name in VOLUMES else np.ones_like(sessions)
        differences[name] = np.where(is_long, features[name] - values(f"{quantity}_mean") / parts, np.nan)
        # a sum of similar parts has the spread of one part times the root of their number
        spread = np.maximum(values(f"{quantity}_sd") / np.sqrt(parts), MIN_SD.get(quantity, MIN_SD_OF_SHARE))
        deviations[name] = differences[name] / spread
    compared = {f"{name}{VS_OWN}": deviations[name] for name in VOLUMES}
    compared |= {f"{name}{VS_OWN}": differences[name] for name in SHIFTED}
    return compared | {SELF_DRIFT: _root_mean_square(np.stack(list(deviations.values())))}


def _root_mean_square(deviations: Floats) -> Floats:
    """Return the root mean square of each column's known values; NaN under MIN_DIFFERENCES of them."""
    n = (~np.isnan(deviations)).sum(axis=0)
    mean = np.nansum(deviations**2, axis=0) / np.maximum(n, 1)
    return np.where(n >= MIN_DIFFERENCES, np.sqrt(mean), np.nan)
