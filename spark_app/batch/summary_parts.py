"""The files of the summaries of accounts by day: a part for each run that read new dates of raw rows.

account_days/until=D/days.parquet         summaries of the local days that were over with the UTC date D
account_days/until=D/sessions.parquet     user_id, ended_at and score of the sessions that were over
account_days/until=D/quantities.parquet   what the own histories of later sessions are made of
account_days/until=D/{plays,activity}.parquet   rows that the next date needs again: of days and sessions still open
account_days/until=D/zones.parquet        user_id and timezone of all accounts
account_days/until=D/STATE                an id of the part, and what else all of it was made from
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from shutil import rmtree
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contracts.events import ACTIVITY, PLAYS
from runtime.errors import naming
from runtime.parquet import read_parquet
from runtime.world import World, WorldError
from spark_app.local.rows import WorldRows, read_world_rows

FOLDER = "account_days"
STATE = "STATE"
DAYS, SESSIONS, QUANTITIES, ZONES = "days", "sessions", "quantities", "zones"


@dataclass(frozen=True, slots=True)
class Part:
    """What one run adds. Times are UTC, in ms since 1970; the part is of [from_ms, until_ms)."""

    days: pa.Table
    sessions: pa.Table
    quantities: pa.Table


def raw_dates(world: World) -> dict[str, list[list[Any]]]:
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


def read_state(folder: Path) -> dict[str, Any]:
    """Read the id of the newest part, and what all was made from; empty without one. Raises WorldError."""
    folders = _folders(folder)
    if not folders:
        return {}
    with naming(folders[-1] / STATE, WorldError):
        return dict(json.loads((folders[-1] / STATE).read_text()))


def read_parts(folder: Path, name: str) -> list[pa.Table]:
    """Read a table of every part, the oldest first."""
    return [read_parquet(path / f"{name}.parquet") for path in _folders(folder)]


def has_same_zones(folder: Path, users: pa.Table) -> bool:
    """Whether every account that was there lives in the same time zone as then."""
    folders = _folders(folder)
    if not folders:
        return True
    before = read_parquet(folders[-1] / f"{ZONES}.parquet")
    position = pc.index_in(before["user_id"], value_set=users["user_id"].combine_chunks())
    now = users["timezone"].take(position)
    same = pc.fill_null(pc.equal(before["timezone"], now), False)
    both_unknown = pc.and_(pc.is_null(before["timezone"]), pc.is_null(now))
    return bool(pc.all(pc.or_(same, both_unknown), min_count=0).as_py())


def read_carried(folder: Path, world: World) -> WorldRows | None:
    """Return the rows that were still open when the newest part was written; None without one."""
    folders = _folders(folder)
    if not folders:
        return None
    static = read_world_rows(world, [])
    plays, activity = (read_parquet(folders[-1] / f"{topic}.parquet") for topic in (PLAYS, ACTIVITY))
    return replace(static, plays=plays, activity=activity)


def concat_rows(carried: WorldRows, fresh: WorldRows) -> dict[str, pa.Table]:
    """Return the rows of both, by topic."""
    pairs = {PLAYS: (carried.plays, fresh.plays), ACTIVITY: (carried.activity, fresh.activity)}
    return {topic: pa.concat_tables(pair, promote_options="permissive") for topic, pair in pairs.items()}


def write_part(folder: Path, part: Part, carried: WorldRows, state: dict[str, Any]) -> None:
    """Write a part in one rename; the rows that an earlier part carried are in this one."""
    earlier = _folders(folder.parent)
    partial = folder.with_name(f".{folder.name}.partial")
    rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    zones = carried.users.select(["user_id", "timezone"])
    tables = {DAYS: part.days, SESSIONS: part.sessions, QUANTITIES: part.quantities, ZONES: zones}
    for name, table in (tables | {PLAYS: carried.plays, ACTIVITY: carried.activity}).items():
        pq.write_table(table, partial / f"{name}.parquet", compression="zstd")
    (partial / STATE).write_text(json.dumps({"id": uuid4().hex, **state}))
    partial.replace(folder)
    for path in earlier:
        for topic in (PLAYS, ACTIVITY):
            (path / f"{topic}.parquet").unlink(missing_ok=True)
