"""Summaries of accounts by day, kept next to a world: a new date of raw rows is read once, and no earlier one again.

    account_days/until=D/days.parquet         summaries of the local days that were over with the UTC date D
    account_days/until=D/sessions.parquet     user_id, ended_at and score of the sessions that were over
    account_days/until=D/quantities.parquet   what the own histories of later sessions are made of
    account_days/until=D/{plays,activity}.parquet   rows that the next date needs again: of days and sessions still open
    account_days/until=D/STATE                what all of it was made from

A local day is over everywhere half a day after the UTC date. Its rows wait in the newest part until then, and so do the
rows of sessions that may go on.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contracts.events import ACTIVITY, PLAYS
from contracts.user_day_features import BASELINE_QUANTITIES, HISTORY_DAYS
from runtime.arrays import Bools, Ints
from runtime.local_time import to_local_ms
from runtime.parquet import read_parquet
from runtime.units import DAY_MS, HOUR_MS
from runtime.world import World, WorldError
from spark_app.local.rows import WorldRows, read_world_rows
from spark_app.local.sessions import scored_sessions, session_features
from spark_app.local.user_days import day_batch
from spark_app.stages.account_windows.account_days import AccountDays, summarize_days
from spark_app.stages.scoring.score import SessionScorer
from spark_app.stages.sessions.account_baselines import LAST_ZONE_H
from spark_app.stages.sessions.session_rows import CUT_MS
from spark_app.stages.user_days.baselines import summarize_histories
from spark_app.stages.user_days.compute_user_days import compute_day_features
from spark_app.stages.user_days.day_batch import SESSION_GAP_MS

FOLDER = "account_days"
STATE = "STATE"
DAYS, SESSIONS, QUANTITIES = "days", "sessions", "quantities"
VERSION = 1
"""Of the summaries: with another one all dates are read again."""


@dataclass(frozen=True, slots=True)
class Summaries:
    """What the windows of accounts are added up from."""

    days: AccountDays
    sessions: pd.DataFrame
    """user_id, ended_at, score."""
    dates_read: tuple[date, ...]
    """Dates of raw rows that this run read; the others were summarized before."""
    rows_read: int


@dataclass(frozen=True, slots=True)
class _Part:
    """What one run adds. Times are UTC, in ms since 1970; the part is of [from_ms, until_ms)."""

    days: pa.Table
    sessions: pa.Table
    quantities: pa.Table


def update_summaries(world: World, scorer: SessionScorer, version: str, unmeasurable: Collection[str]) -> Summaries:
    """Summarize the dates of a world's raw rows that are new, and return the summaries of all of them.

    `version`: of the scorer. Where it, or a date that was summarized, has changed, all dates are read again. Raises
    WorldError.
    """
    folder = world.from_raw(FOLDER)
    raw = _raw_dates(world)
    state = _read_state(folder)
    made_from = {"version": VERSION, "scorer": version, "unmeasurable": sorted(unmeasurable)}
    done = state.get("dates", {})
    is_current = state.get("made_from") == made_from and all(raw.get(day) == files for day, files in done.items())
    is_current = is_current and (not done or max(done) < min((day for day in raw if day not in done), default="9999"))
    if not is_current:
        rmtree(folder, ignore_errors=True)
        done = {}
    new = sorted(day for day in raw if day not in done)
    rows = _carried(folder, world)
    n_read = 0
    if new:
        fresh = read_world_rows(world, new)
        n_read = len(fresh.plays) + len(fresh.activity)
        rows = fresh if rows is None else replace(fresh, **_concat(rows, fresh))
    assert rows is not None
    until_ms = _end_ms(max(raw))
    from_ms = _end_ms(max(done)) if done else None
    _check_dates(rows, until_ms)
    if new:
        part, carried = _summarize(rows, from_ms, until_ms, folder, scorer, unmeasurable)
        _write(folder / f"until={new[-1]}", part, carried, {"made_from": made_from, "dates": raw})
        rows = carried
    open_part, _ = _summarize(rows, until_ms, None, folder, scorer, unmeasurable)
    days = pa.concat_tables([*_parts(folder, DAYS), open_part.days])
    days = days.sort_by([("user_id", "ascending"), ("local_day", "ascending")])
    sessions = pa.concat_tables([*_parts(folder, SESSIONS), open_part.sessions]).to_pandas()
    dates = tuple(date.fromisoformat(day) for day in new)
    return Summaries(AccountDays.from_table(days), sessions, dates, n_read)


def _summarize(
    rows: WorldRows,
    from_ms: int | None,
    until_ms: int | None,
    folder: Path,
    scorer: SessionScorer,
    unmeasurable: Collection[str],
) -> tuple[_Part, WorldRows]:
    """Summarize the days and sessions that ended in [from_ms, until_ms), and return the rows of those still open.

    None: from the beginning, or all that is open.
    """
    finished = _of_days(rows, from_ms, until_ms)
    batch = day_batch(finished)
    quantities = pa.Table.from_batches([compute_day_features(batch, BASELINE_QUANTITIES)])
    quantities = quantities.select(["user_id", "local_date", *BASELINE_QUANTITIES])
    known = pa.concat_tables([*_parts(folder, QUANTITIES), quantities])
    features = session_features(rows, _histories(known, rows), unmeasurable)
    scored = scored_sessions(features, scorer)[["user_id", "ended_at", "score"]]
    ended = _epoch_ms(scored["ended_at"])
    is_over = np.ones(len(scored), dtype=bool)
    is_over &= True if from_ms is None else ended > from_ms - SESSION_GAP_MS
    is_over &= True if until_ms is None else ended <= until_ms - SESSION_GAP_MS
    sessions = pa.Table.from_pandas(scored[is_over], preserve_index=False)
    part = _Part(summarize_days(batch), sessions, quantities)
    return part, rows if until_ms is None else _still_open(rows, until_ms)


def _histories(quantities: pa.Table, rows: WorldRows) -> pa.Table | None:
    """Return the own histories of the dates that sessions of these rows may use, with `as_of`."""
    times = np.concatenate([_row_ms(rows.plays), _row_ms(rows.activity)])
    if not len(times) or not len(quantities):
        return None
    first, last = ((int(at) - LAST_ZONE_H * HOUR_MS) // DAY_MS for at in (times.min(), times.max()))
    ordered = quantities.sort_by([("user_id", "ascending"), ("local_date", "ascending")])
    day = ordered["local_date"].cast(pa.int32()).to_numpy()
    tables = []
    for as_of in range(first, last + 1):
        history = ordered.filter(pa.array((day < as_of) & (day >= as_of - HISTORY_DAYS)))
        if len(history):
            at = date(1970, 1, 1) + timedelta(as_of)
            baselines = summarize_histories(history, at)
            tables.append(baselines.add_column(0, "as_of", pa.array([at] * baselines.num_rows, pa.date32())))
    return pa.Table.from_batches(tables) if tables else None


def _of_days(rows: WorldRows, from_ms: int | None, until_ms: int | None) -> WorldRows:
    """Keep the rows of local days that were not over at `from_ms` and were at `until_ms`."""

    def is_kept(table: pa.Table) -> Bools:
        day, first, end = _local_days(table, rows.users, from_ms, until_ms)
        return (day >= first) & (day < end)

    return _filter(rows, is_kept(rows.plays), is_kept(rows.activity))


def _still_open(rows: WorldRows, until_ms: int) -> WorldRows:
    """Keep the rows of local days that are not over at a time, and all that a session which may go on can hold."""

    def is_kept(table: pa.Table) -> Bools:
        day, first, _ = _local_days(table, rows.users, until_ms, None)
        return (day >= first) | (_row_ms(table) > until_ms - CUT_MS - SESSION_GAP_MS)

    return _filter(rows, is_kept(rows.plays), is_kept(rows.activity))


def _local_days(table: pa.Table, users: pa.Table, from_ms: int | None, until_ms: int | None) -> tuple[Ints, Ints, Ints]:
    """Return the local day of each row, and the local day that it is for its account at two times."""
    position = pc.fill_null(pc.index_in(table["user_id"], value_set=users["user_id"].combine_chunks()), -1)
    names = pc.dictionary_encode(users["timezone"]).combine_chunks()
    names = names.chunk(0) if isinstance(names, pa.ChunkedArray) else names
    of_user = np.append(names.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64), -1)
    zone, zones = of_user[position.to_numpy()], names.dictionary.to_pylist()

    def day(at_ms: Ints) -> Ints:
        return to_local_ms(at_ms, zone, zones) // DAY_MS

    def at(time_ms: int | None, otherwise: int) -> Ints:
        return np.full(len(zone), otherwise) if time_ms is None else day(np.full(len(zone), time_ms))

    return day(_row_ms(table).copy()), at(from_ms, -1), at(until_ms, 1 << 40)


def _filter(rows: WorldRows, plays: Bools, activity: Bools) -> WorldRows:
    return replace(rows, plays=rows.plays.filter(pa.array(plays)), activity=rows.activity.filter(pa.array(activity)))


def _row_ms(table: pa.Table) -> Ints:
    return np.asarray(table["event_time"].cast(pa.int64()).to_numpy())


def _epoch_ms(times: pd.Series) -> Ints:
    utc = pd.to_datetime(times, utc=True).dt.tz_localize(None)
    return np.asarray(utc.to_numpy("datetime64[ms]").view("int64"))


def _end_ms(day: str) -> int:
    return ((date.fromisoformat(day) - date(1970, 1, 1)).days + 1) * DAY_MS


def _check_dates(rows: WorldRows, until_ms: int) -> None:
    latest = max((int(_row_ms(table).max()) for table in (rows.plays, rows.activity) if len(table)), default=0)
    if latest >= until_ms:
        raise WorldError(
            "raw rows of a date hold an event of a later UTC date, so their days cannot be summarized one by one: "
            "simulate or import the world again"
        )


# ---- files


def _raw_dates(world: World) -> dict[str, list[list[Any]]]:
    """Return name, size and time of the raw files by UTC date."""
    dates: dict[str, list[list[Any]]] = {}
    for topic in (PLAYS, ACTIVITY):
        for file in world.raw_files(topic):
            facts = file.stat()
            dates.setdefault(file.parent.name.removeprefix("date="), []).append(
                [topic, file.name, facts.st_size, facts.st_mtime_ns]
            )
    return dates


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("until=*") if (path / STATE).exists())


def _read_state(folder: Path) -> dict[str, Any]:
    folders = _folders(folder)
    if not folders:
        return {}
    state: dict[str, Any] = json.loads((folders[-1] / STATE).read_text())
    return state


def _parts(folder: Path, name: str) -> list[pa.Table]:
    return [read_parquet(path / f"{name}.parquet") for path in _folders(folder)]


def _carried(folder: Path, world: World) -> WorldRows | None:
    """Return the rows that were still open when the newest part was written; None without one."""
    folders = _folders(folder)
    if not folders:
        return None
    static = read_world_rows(world, [])
    plays, activity = (read_parquet(folders[-1] / f"{topic}.parquet") for topic in (PLAYS, ACTIVITY))
    return replace(static, plays=plays, activity=activity)


def _concat(carried: WorldRows, fresh: WorldRows) -> dict[str, pa.Table]:
    pairs = {PLAYS: (carried.plays, fresh.plays), ACTIVITY: (carried.activity, fresh.activity)}
    return {topic: pa.concat_tables(pair, promote_options="permissive") for topic, pair in pairs.items()}


def _write(folder: Path, part: _Part, carried: WorldRows, state: dict[str, Any]) -> None:
    """Write a part in one rename; the rows that an earlier part carried are in this one."""
    earlier = _folders(folder.parent)
    partial = folder.with_name(f".{folder.name}.partial")
    rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    tables = {DAYS: part.days, SESSIONS: part.sessions, QUANTITIES: part.quantities}
    for name, table in (tables | {PLAYS: carried.plays, ACTIVITY: carried.activity}).items():
        pq.write_table(table, partial / f"{name}.parquet", compression="zstd")
    (partial / STATE).write_text(json.dumps(state))
    partial.replace(folder)
    for path in earlier:
        for topic in (PLAYS, ACTIVITY):
            (path / f"{topic}.parquet").unlink(missing_ok=True)
