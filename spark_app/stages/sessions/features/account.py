"""Features that need the account's static row: its time zone, age and plan. Form: see `listening`."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from runtime.arrays import Floats
from runtime.local_time import find_zone, to_local_ms
from runtime.units import DAY_MS, HOUR_MS
from spark_app.stages.arrays.segments import ratio
from spark_app.stages.sessions.session_batch import SessionBatch

NIGHT_UNTIL_H = 5
"""A play that ends before this local hour is at night (00–05 h)."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """The static row of each session's account; null where it is unknown."""

    timezone: pa.Array
    signed_up_on: pa.Array
    plan: pa.Array


AccountFeature = Callable[[SessionBatch, Accounts], Floats]


def night_share(b: SessionBatch, accounts: Accounts) -> Floats:
    coded = accounts.timezone.dictionary_encode()
    zones = coded.dictionary.to_pylist()
    zone_of = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    is_zone = np.array([*(find_zone(name) is not None for name in zones), False])  # -1, unknown, is the last
    local_ms = to_local_ms(b.event_ms, zone_of[b.session], zones)
    at_night = b.count(b.is_play & (local_ms // HOUR_MS % 24 < NIGHT_UNTIL_H))
    return np.where(is_zone[zone_of], ratio(at_night, b.plays), np.nan)


def account_age_days(b: SessionBatch, accounts: Accounts) -> Floats:
    days = accounts.signed_up_on.cast(pa.int32()).cast(pa.float64()).to_numpy(zero_copy_only=False)
    return np.maximum(b.started_ms / DAY_MS - days, 0.0)


def is_paid_plan(b: SessionBatch, accounts: Accounts) -> Floats:
    is_known = accounts.plan.is_valid().to_numpy(zero_copy_only=False)
    is_free = np.array([plan == "free" for plan in accounts.plan.to_pylist()], dtype=bool)
    return np.where(is_known, np.where(is_free, 0.0, 1.0), np.nan)
