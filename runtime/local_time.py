"""Listeners' local time: which day and hour it was where the account lives."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from runtime.arrays import Ints
from runtime.units import DAY_MS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_MS, _LAST_MS = -719_000 * DAY_MS, 2_932_000 * DAY_MS
"""Well within the years 1 to 9999, which `datetime` can hold; earlier and later times have the offset of these."""


@lru_cache(maxsize=1024)
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
        local[rows] += _offsets_ms(zone, epoch_ms[rows])
    return local


def _offsets_ms(zone: ZoneInfo, epoch_ms: Ints) -> Ints:
    """Return how far a zone is ahead of UTC at each moment.

    A day is looked up once: no zone changes its clock twice within 24 h. (pandas asks the zone for each row: 1.4 µs.)
    """
    days, day_of = np.unique(epoch_ms // DAY_MS, return_inverse=True)
    begins, ends = ([_offset_ms(zone, (day + more) * DAY_MS) for day in days.tolist()] for more in (0, 1))
    offsets = np.array(begins, np.int64)[day_of]
    changes = np.array(begins, np.int64) != np.array(ends, np.int64)
    for row in np.flatnonzero(changes[day_of]).tolist():
        offsets[row] = _offset_ms(zone, int(epoch_ms[row]))
    return offsets


@lru_cache(maxsize=65536)
def _offset_ms(zone: ZoneInfo, epoch_ms: int) -> int:
    moment = _EPOCH + timedelta(milliseconds=min(max(epoch_ms, _FIRST_MS), _LAST_MS))
    return (moment.astimezone(zone).utcoffset() or timedelta()) // timedelta(milliseconds=1)
