"""Listeners' local time: which day and hour it was where the account lives."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from runtime.arrays import Ints


def find_zone(name: str | None) -> ZoneInfo | None:
    """Return an IANA zone by name; None where there is none of that name.

    >>> find_zone("Nowhere/Else") is None
    True
    """
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder of zones
        return None


def day_numbers(dates: pd.Series) -> Ints:
    """Return dates as days since 1970.

    >>> day_numbers(pd.Series(pd.to_datetime(["1970-01-03"]))).tolist()
    [2]
    """
    return pd.to_datetime(dates).to_numpy("datetime64[D]").astype("int64")


def to_local_ms(epoch_ms: Ints, zone_of: Ints, zones: Sequence[str | None]) -> Ints:
    """Return each row's local clock and calendar as ms since 1970-01-01 00:00 local; UTC where the zone is unknown.

    `zone_of` is each row's index in `zones`; −1 is unknown.

    >>> to_local_ms(np.array([0, 0]), np.array([0, -1]), ["Asia/Tokyo"]).tolist()
    [32400000, 0]
    """
    local = epoch_ms.copy()
    for index, name in enumerate(zones):
        zone = find_zone(name)
        if zone is None:
            continue
        rows = np.flatnonzero(zone_of == index)
        times = pd.DatetimeIndex(epoch_ms[rows].view("datetime64[ms]"), tz="UTC").tz_convert(zone)
        local[rows] = times.tz_localize(None).to_numpy("datetime64[ms]").view("int64")
    return local
