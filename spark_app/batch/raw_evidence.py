"""What the daily run reads, from raw rows and in one process: user-days, scored sessions and account windows.

A world that no job has read has none of them. A run after the first one reads what is new (`account_summaries`).
"""

from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from shutil import rmtree

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contracts.events import PLAYS
from contracts.tables import LAKE, SESSIONS
from contracts.user_day_features import HISTORY_DAYS
from models.account_windows.trees import load_window_trees
from models.tables.lake_tables import batch_files, lake_schema, replace_part
from models.tables.sessions import SCORED_IN_BATCH
from runtime.parquet import read_parquet
from runtime.terminal import ReportProgress
from runtime.units import DAY_MS
from runtime.world import World
from spark_app.batch import account_windows
from spark_app.batch.account_summaries import forget_summaries, newest_part, one_run
from spark_app.batch.open_days import is_open_day
from spark_app.batch.summary_parts import raw_dates
from spark_app.local.rows import read_world_rows
from spark_app.local.user_days import user_day_table
from spark_app.stages.arrays.timestamps import UTC_TIMESTAMP
from spark_app.stages.user_days.day_batch import SESSION_GAP_MS

USER_DAYS = "user_days"
TABLES = (USER_DAYS, SCORED_IN_BATCH, account_windows.TABLE)
MAX_PLAYS = 8_000_000
"""Plays of a world up to which its rows are computed in memory: about 2 GB per million plays with their activity."""

HISTORY_DATES = HISTORY_DAYS + 3
"""UTC dates before a day whose rows its features may need: the history, and a local day begins and ends elsewhere."""
_PART = b"playproof.part"


def missing_tables(world: World) -> list[str]:
    """List the tables of TABLES that a world's raw rows do not have yet, or that are older than the rows.

    All of them where they are of other rows than are there, whatever the time of their files, or of other models. None
    where the rows are gone and their user-days are there. Raises WorldError where there is neither.
    """
    files = [] if batch_files(world.from_raw(USER_DAYS)) else world.raw_files(PLAYS)
    files = files or sorted(world.raw(PLAYS).glob("date=*/*.parquet"))
    if not files:
        return []
    newest = max(file.stat().st_mtime for file in files)
    missing = [name for name in TABLES if not _is_newer(batch_files(world.from_raw(name)), newest)]
    return missing or (list(TABLES) if _is_outdated(world) else [])


def _is_outdated(world: World) -> bool:
    part = newest_part(world)
    if part is None:
        return False
    written = _written_parts(world)
    # where Spark wrote a table there is nothing to compare
    return None not in written and (written != {part} or account_windows.is_outdated(world))


def fits_in_memory(world: World) -> bool:
    """Return whether a world's raw plays are few enough for one process."""
    return sum(pq.read_metadata(file).num_rows for file in world.raw_files(PLAYS)) <= MAX_PLAYS


def build(world: World, report: ReportProgress) -> None:
    """Write all tables of TABLES of a world's raw rows, over those of an earlier run. Raises WorldError.

    Sessions and windows read the dates that are new since that run, and what was open then. User-days read the
    HISTORY_DATES before these too: their features compare with 28 days.
    """
    with one_run(world):
        _build(world, report)


def build_user_days(world: World, folder: Path) -> int:
    """Write the user-days of a world's raw rows to a folder, over those of an earlier run; return their number."""
    table = _user_days(world, None)
    _replace(folder, table, None)
    return len(table)


def _build(world: World, report: ReportProgress) -> None:
    if _written_parts(world) != {newest_part(world)}:
        forget_summaries(world)
    report("sessions, and windows of 7 and 28 days")
    _, summaries = account_windows.build(world, load_window_trees())
    report(account_windows.format_summaries(summaries))
    part = newest_part(world)
    since_ms = summaries.open_since_ms
    scored = summaries.scored
    if since_ms is not None:
        earlier = _read_table(world, SCORED_IN_BATCH)
        limit = pa.scalar((since_ms - SESSION_GAP_MS) * 1000, UTC_TIMESTAMP)
        scored = pa.concat_tables([earlier.filter(pc.less(earlier["ended_at"], limit)), scored.cast(earlier.schema)])
    _replace(world.from_raw(SCORED_IN_BATCH), scored, part)
    report("user-days")
    _replace(world.from_raw(USER_DAYS), _user_days(world, since_ms), part)


def _user_days(world: World, since_ms: int | None) -> pa.Table:
    """Compute the user-days that were not over at a time, or all, and return them after those that were over."""
    schema = lake_schema(USER_DAYS)
    dates = None
    if since_ms is not None:
        first = date(1970, 1, 1) + timedelta(since_ms // DAY_MS - HISTORY_DATES)
        dates = [day for day in raw_dates(world) if day >= first.isoformat()]
    rows = read_world_rows(world, dates)
    frame = user_day_table(rows, world.not_measurable)
    table = pa.Table.from_pandas(frame[schema.names], schema=schema, preserve_index=False)
    if since_ms is None:
        return table
    earlier = _read_table(world, USER_DAYS).cast(schema)
    was_over = pc.invert(_is_open(earlier, rows.users, since_ms))
    both = pa.concat_tables([earlier.filter(was_over), table.filter(_is_open(table, rows.users, since_ms))])
    return both.sort_by([("user_id", "ascending"), ("local_date", "ascending")])


def _is_open(days: pa.Table, users: pa.Table, at_ms: int) -> pa.Array:
    local_day = days["local_date"].cast(pa.int32()).to_numpy().astype(np.int64)
    return pa.array(is_open_day(days["user_id"], local_day, users, at_ms))


def _read_table(world: World, name: str) -> pa.Table:
    (file,) = batch_files(world.from_raw(name))
    return read_parquet(file)


def _written_parts(world: World) -> set[str | None]:
    """Return the newest parts of the summaries that sessions and user-days were written with; None: not by `build`."""
    found: set[str | None] = set()
    for name, columns in ((USER_DAYS, LAKE[USER_DAYS]), (SCORED_IN_BATCH, SESSIONS)):
        files = batch_files(world.from_raw(name))
        schema = pq.read_schema(files[0]) if len(files) == 1 else pa.schema([])
        is_todays = schema.names == [column.name for column in columns]
        part = (schema.metadata or {}).get(_PART) if is_todays else None
        found.add(None if part is None else part.decode())
    return found


def _replace(folder: Path, content: pa.Table, part: str | None) -> None:
    """Write a table's one file, with the part that it was written with; what Spark wrote before is removed."""
    rmtree(folder, ignore_errors=True)
    metadata = {} if part is None else {_PART: part.encode()}
    replace_part(folder, content.replace_schema_metadata(metadata))


def _is_newer(files: Iterable[Path], time: float) -> bool:
    times = [file.stat().st_mtime for file in files]
    return bool(times) and min(times) >= time
