"""Summaries of accounts by day, kept next to a world: a new date of raw rows is read once, and no earlier one again.

A local day is over everywhere half a day after the UTC date. Its rows wait in the newest part (`summary_parts`) until
then, and so do the rows of sessions that may go on. Of the static tables a day keeps what they said when it was read,
but for time zones.
"""

from collections.abc import Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from contracts.user_day_features import BASELINE_QUANTITIES, HISTORY_DAYS
from runtime.file_lock import hold_lock
from runtime.units import DAY_MS, HOUR_MS
from runtime.world import World, WorldError
from spark_app.batch.open_days import end_ms, row_ms, rows_of_days, rows_still_open
from spark_app.batch.summary_parts import (
    DAYS,
    FOLDER,
    QUANTITIES,
    SESSIONS,
    Part,
    concat_rows,
    has_same_zones,
    raw_dates,
    read_carried,
    read_parts,
    read_state,
    write_part,
)
from spark_app.local.rows import EVENT_TIME, WorldRows, read_world_rows
from spark_app.local.sessions import session_features
from spark_app.local.user_days import day_batch
from spark_app.stages.account_windows.account_days import AccountDays, summarize_days
from spark_app.stages.arrays.timestamps import UTC_TIMESTAMP
from spark_app.stages.scoring.score import SessionScorer, score_batch
from spark_app.stages.sessions.account_baselines import LAST_ZONE_H
from spark_app.stages.user_days.baselines import summarize_histories
from spark_app.stages.user_days.compute_user_days import compute_day_features
from spark_app.stages.user_days.day_batch import SESSION_GAP_MS

VERSION = 3
"""Of the summaries: with another one all dates are read again."""
_SCORED = pa.schema([("user_id", pa.string()), ("ended_at", UTC_TIMESTAMP), ("score", pa.float64())])


@dataclass(frozen=True, slots=True)
class Summaries:
    """What the windows of accounts are added up from."""

    days: AccountDays
    sessions: pd.DataFrame
    """user_id, ended_at, score."""
    dates_read: tuple[date, ...]
    """Dates of raw rows that this run read; the others were summarized before."""
    rows_read: int
    scored: pa.Table
    """SESSIONS that ended in these dates or are still open: all that no earlier run has counted as over."""
    known_until: date | None
    """The newest date that was summarized before; None where this run read all."""

    @property
    def open_since_ms(self) -> int | None:
        """The time before which days and sessions were over when this run began; None where it read all."""
        return None if self.known_until is None else end_ms(self.known_until.isoformat())


def update_summaries(world: World, scorer: SessionScorer, version: str, unmeasurable: Collection[str]) -> Summaries:
    """Summarize the dates of a world's raw rows that are new, and return the summaries of all of them.

    `version`: of the scorer. Where it, a date that was summarized, or an account's time zone has changed, or a new date
    has rows of earlier ones, all dates are read again. Raises WorldError.
    """
    folder = world.from_raw(FOLDER)
    raw = raw_dates(world)
    made_from = _made_from(version, unmeasurable)
    state = read_state(folder)
    done: dict[str, Any] = state.get("dates", {})
    new = sorted(day for day in raw if day not in done)
    is_current = (
        state.get("made_from") == made_from
        and all(raw.get(day) == files for day, files in done.items())
        and (not new or max(done) < new[0])
        and has_same_zones(folder, read_world_rows(world, []).users)
    )
    if not is_current:
        rmtree(folder, ignore_errors=True)
        done, new = {}, sorted(raw)
    rows = read_carried(folder, world) if done else None
    n_read = 0
    if new:
        fresh = read_world_rows(world, new)
        if done and _first_ms(fresh) < end_ms(max(done)):
            # rows of days and sessions that were over: they count where all is read again
            forget_summaries(world)
            return update_summaries(world, scorer, version, unmeasurable)
        n_read = len(fresh.plays) + len(fresh.activity)
        rows = fresh if rows is None else replace(fresh, **concat_rows(rows, fresh))
    assert rows is not None
    until_ms = end_ms(max(raw))
    from_ms = end_ms(max(done)) if done else None
    _check_dates(rows, until_ms)
    scored = []
    if new:
        part, carried, ended = _summarize(rows, from_ms, until_ms, folder, scorer, unmeasurable)
        write_part(folder / f"until={new[-1]}", part, carried, {"made_from": made_from, "dates": raw})
        rows = carried
        scored.append(ended)
    open_part, _, still_open = _summarize(rows, until_ms, None, folder, scorer, unmeasurable)
    scored.append(still_open)
    days = pa.concat_tables([*read_parts(folder, DAYS), open_part.days])
    days = days.sort_by([("user_id", "ascending"), ("local_day", "ascending")])
    sessions = pa.concat_tables([*read_parts(folder, SESSIONS), open_part.sessions]).to_pandas()
    dates = tuple(date.fromisoformat(day) for day in new)
    known_until = date.fromisoformat(max(done)) if done else None
    return Summaries(AccountDays.from_table(days), sessions, dates, n_read, pa.concat_tables(scored), known_until)


def newest_part(world: World) -> str | None:
    """Return the id of the newest part of the summaries; None where there is none."""
    part: str | None = read_state(world.from_raw(FOLDER)).get("id")
    return part


def is_up_to_date(world: World, version: str) -> bool:
    """Whether the summaries are of the world's raw rows as they are now, by the scorer of this version."""
    folder = world.from_raw(FOLDER)
    state = read_state(folder)
    return (
        state.get("made_from") == _made_from(version, world.not_measurable)
        and state.get("dates") == raw_dates(world)
        and has_same_zones(folder, read_world_rows(world, []).users)
    )


def one_run(world: World) -> AbstractContextManager[None]:
    """Keep a second run of the summaries out: both would write the same parts. Raises WorldError."""
    at_work = WorldError(f"the days of world {world.name} are being computed already: wait for it")
    return hold_lock(world.root / f".{FOLDER}.lock", at_work)


def forget_summaries(world: World) -> None:
    """Remove the summaries of a world: the next run reads all dates again."""
    rmtree(world.from_raw(FOLDER), ignore_errors=True)


def _made_from(version: str, unmeasurable: Collection[str]) -> dict[str, Any]:
    return {"version": VERSION, "scorer": version, "unmeasurable": sorted(unmeasurable)}


def _summarize(
    rows: WorldRows,
    from_ms: int | None,
    until_ms: int | None,
    folder: Path,
    scorer: SessionScorer,
    unmeasurable: Collection[str],
) -> tuple[Part, WorldRows, pa.Table]:
    """Summarize the days and sessions that ended in [from_ms, until_ms).

    Returns the rows of those still open and the scored sessions too. None: from the beginning, or all that is open.
    """
    batch = day_batch(rows_of_days(rows, from_ms, until_ms))
    days = summarize_days(batch)
    quantities = pa.Table.from_batches([compute_day_features(batch, BASELINE_QUANTITIES)])
    quantities = quantities.select(["user_id", "local_date", *BASELINE_QUANTITIES])
    del batch  # as large as the rows, and the sessions need as much again
    known = pa.concat_tables([*read_parts(folder, QUANTITIES), quantities])
    features = session_features(rows, _histories(known, rows), unmeasurable)
    scored = pa.Table.from_batches([score_batch(features, scorer)])
    ended = scored["ended_at"].cast(EVENT_TIME, safe=False).cast(pa.int64()).to_numpy()
    is_over = np.ones(len(scored), dtype=bool)
    # a row at `until_ms` still joins a session that ended exactly the gap before it
    is_over &= True if from_ms is None else ended >= from_ms - SESSION_GAP_MS
    is_over &= True if until_ms is None else ended < until_ms - SESSION_GAP_MS
    scored = scored.filter(pa.array(is_over))
    part = Part(days, scored.select(_SCORED.names).cast(_SCORED), quantities)
    return part, rows if until_ms is None else rows_still_open(rows, until_ms), scored


def _histories(quantities: pa.Table, rows: WorldRows) -> pa.Table | None:
    """Return the own histories of the dates that sessions of these rows may use, with `as_of`."""
    times = np.concatenate([row_ms(rows.plays), row_ms(rows.activity)])
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


def _first_ms(rows: WorldRows) -> int:
    return min((int(row_ms(table).min()) for table in (rows.plays, rows.activity) if len(table)), default=1 << 60)


def _check_dates(rows: WorldRows, until_ms: int) -> None:
    latest = max((int(row_ms(table).max()) for table in (rows.plays, rows.activity) if len(table)), default=0)
    if latest >= until_ms:
        raise WorldError(
            "raw rows of a date hold an event of a later UTC date, so their days cannot be summarized one by one: "
            "simulate or import the world again"
        )
