"""Features that need the account's static row: its time zone, age and plan."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd
import pyarrow as pa

from spark_app.stages.features import ratio
from spark_app.stages.session_batch import Floats, SessionBatch, sum_by

NIGHT_UNTIL_H = 5
"""A play that ends before this local hour is at night (00–05 h)."""
DAY_MS = 86_400_000


def night_share(b: SessionBatch, timezones: pa.Array) -> Floats:
    """Share of plays that end 00–05 h in the listener's zone; NaN where the zone is unknown."""
    at_night = np.zeros(b.n)
    known = np.zeros(b.n, dtype=bool)
    zones = timezones.dictionary_encode()
    zone_of = zones.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    for place, name in enumerate(zones.dictionary.to_pylist()):
        try:
            zone = ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            continue
        here = zone_of == place
        mask = b.is_play & here[b.session]
        hour = pd.DatetimeIndex(pd.to_datetime(b.event_ms[mask], unit="ms", utc=True)).tz_convert(zone).hour
        at_night += sum_by(b.session[mask][np.asarray(hour) < NIGHT_UNTIL_H], b.n)
        known |= here
    return np.where(known, ratio(at_night, b.plays), np.nan)


def account_age_days(b: SessionBatch, signed_up_on: pa.Array) -> Floats:
    """Days from sign-up to the session's start, at least 0; NaN where unknown."""
    days = signed_up_on.cast(pa.int32()).cast(pa.float64()).to_numpy(zero_copy_only=False)
    return np.maximum(b.started_ms / DAY_MS - days, 0.0)


def is_paid_plan(b: SessionBatch, plans: pa.Array) -> Floats:
    """1 for a paid plan, 0 for the free one; NaN where unknown."""
    known = plans.is_valid().to_numpy(zero_copy_only=False)
    free = np.array([plan == "free" for plan in plans.to_pylist()], dtype=bool)
    return np.where(known, np.where(free, 0.0, 1.0), np.nan)
