"""Builders of user-days as `compute_day_features` gets them: the flat rows of complete accounts, without Spark."""

import zlib
from typing import Any

import pyarrow as pa

from contracts.events import ACTIONS, CODECS, DEVICES, DRMS, NETWORKS
from runtime.event_text import parse_time
from runtime.units import DAY_MS
from spark_app.stages.arrays.countries import COUNTRIES
from spark_app.stages.user_days import day_rows
from spark_app.stages.user_days.compute_user_days import compute_day_features
from spark_app.stages.user_days.day_batch import DayBatch

DayRow = dict[str, Any]

MIDNIGHT_MS = parse_time("2026-03-02T00:00:00.000Z") or 0
"""Hour 0 of day 0, a Monday."""
VOCABULARIES = {"network": NETWORKS, "device_type": DEVICES, "drm": DRMS, "codec": CODECS, "country": COUNTRIES}


def _row(at_h: float, day: int, user: str, zone: int, values: dict[str, Any]) -> DayRow:
    code = values.pop("code", 0)
    for part, vocabulary in VOCABULARIES.items():
        code += (vocabulary.index(values.pop(part)) + 1 if part in values else 0) << day_rows.SHIFT[part]
    event_ms = MIDNIGHT_MS + day * DAY_MS + round(at_h * 3_600_000)
    row = dict.fromkeys(day_rows.LONGS, 0) | {"popularity": None, "user_id": user, "zone": zone, **values}
    row |= {"event_ms": event_ms, "code": code}
    # an id that differs by row and is the same in every run
    return row | {"id_hash": zlib.crc32(repr(sorted(row.items(), key=str)).encode())}


def heard(at_h: float, listen_s: float = 40, *, day: int = 0, user: str = "u1", zone: int = 0, **values: Any) -> DayRow:
    """Build a play by the hour of the day at which it starts; ids, popularity, network, country … as given."""
    lengths = (round(listen_s * 1000) << 32) | round(values.pop("duration_s", 0) * 1000)
    return _row(at_h + listen_s / 3600, day, user, zone, {"lengths": lengths, "track": 1, **values})


def did(action: str, at_h: float, *, day: int = 0, user: str = "u1", zone: int = 0, **values: Any) -> DayRow:
    """Build an activity row."""
    return _row(at_h, day, user, zone, {"code": ACTIONS.index(action) + 1, **values})


def days_of(*rows: DayRow, zone: str | None = "UTC") -> DayBatch:
    """Group rows by account, as Spark does; all accounts live in `zone`."""
    ordered = sorted(rows, key=lambda row: row["user_id"])
    types = {"popularity": pa.float64(), "user_id": pa.string(), "zone": pa.int32()}
    columns = {
        name: pa.array([row[name] for row in ordered], types.get(name, pa.int64()))
        for name in (*day_rows.LONGS, "popularity", "user_id", "zone")
    }
    return DayBatch.from_arrow(pa.table(columns), [zone] if zone else ["Nowhere"])


def day_rows_of(*rows: DayRow, zone: str | None = "UTC") -> list[dict[str, Any]]:
    """Compute user-days, in order of account and day; a feature that cannot be measured is None."""
    return compute_day_features(days_of(*rows, zone=zone)).to_pylist()


def last_day(*rows: DayRow, zone: str | None = "UTC") -> dict[str, Any]:
    """Compute the last user-day."""
    return day_rows_of(*rows, zone=zone)[-1]
