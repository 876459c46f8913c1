"""Which local days were over at a time, and the rows of those that were not: a day is over where its account lives."""

from dataclasses import replace
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from runtime.arrays import Bools, Ints
from runtime.local_time import to_local_ms
from runtime.units import DAY_MS
from spark_app.local.rows import WorldRows
from spark_app.stages.sessions.session_rows import CUT_MS
from spark_app.stages.user_days.day_batch import SESSION_GAP_MS


def rows_of_days(rows: WorldRows, from_ms: int | None, until_ms: int | None) -> WorldRows:
    """Keep the rows of local days that were not over at `from_ms` and were at `until_ms`."""

    def is_kept(table: pa.Table) -> Bools:
        day, first, end = _local_days(table, rows.users, from_ms, until_ms)
        return (day >= first) & (day < end)

    return _filter(rows, is_kept(rows.plays), is_kept(rows.activity))


def rows_still_open(rows: WorldRows, until_ms: int) -> WorldRows:
    """Keep the rows of local days that are not over at a time, and all that a session which may go on can hold."""

    def is_kept(table: pa.Table) -> Bools:
        day, first, _ = _local_days(table, rows.users, until_ms, None)
        return (day >= first) | (row_ms(table) > until_ms - CUT_MS - SESSION_GAP_MS)

    return _filter(rows, is_kept(rows.plays), is_kept(rows.activity))


def _local_days(table: pa.Table, users: pa.Table, from_ms: int | None, until_ms: int | None) -> tuple[Ints, Ints, Ints]:
    """Return the local day of each row, and the local day that it is for its account at two times."""
    zone, zones = _zones(table["user_id"], users)

    def at(time_ms: int | None, otherwise: int) -> Ints:
        return np.full(len(zone), otherwise) if time_ms is None else _day_at(time_ms, zone, zones)

    return to_local_ms(row_ms(table).copy(), zone, zones) // DAY_MS, at(from_ms, -1), at(until_ms, 1 << 40)


def is_open_day(user_ids: pa.ChunkedArray, local_day: Ints, users: pa.Table, at_ms: int) -> Bools:
    """Return which local days (days since 1970) of accounts were not over at a time."""
    zone, zones = _zones(user_ids, users)
    return local_day >= _day_at(at_ms, zone, zones)


def _day_at(time_ms: int, zone: Ints, zones: list[str]) -> Ints:
    return to_local_ms(np.full(len(zone), time_ms), zone, zones) // DAY_MS


def _zones(user_ids: pa.ChunkedArray, users: pa.Table) -> tuple[Ints, list[str]]:
    """Return for each id the position of its account's time zone in the list of all, -1 where it is unknown."""
    position = pc.fill_null(pc.index_in(user_ids, value_set=users["user_id"].combine_chunks()), -1)
    names = pc.dictionary_encode(users["timezone"]).combine_chunks()
    names = names.chunk(0) if isinstance(names, pa.ChunkedArray) else names
    of_user = np.append(names.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64), -1)
    return of_user[position.to_numpy()], names.dictionary.to_pylist()


def _filter(rows: WorldRows, plays: Bools, activity: Bools) -> WorldRows:
    return replace(rows, plays=rows.plays.filter(pa.array(plays)), activity=rows.activity.filter(pa.array(activity)))


def row_ms(table: pa.Table) -> Ints:
    """Return the event time of each row, in ms since 1970."""
    return np.asarray(table["event_time"].cast(pa.int64()).to_numpy())


def end_ms(day: str) -> int:
    """Return the time at which a UTC date ends, in ms since 1970."""
    return ((date.fromisoformat(day) - date(1970, 1, 1)).days + 1) * DAY_MS
