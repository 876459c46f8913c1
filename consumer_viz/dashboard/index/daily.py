"""What the daily batch found (`playproof days run`): user-days, campaigns, tracks and the ranking of accounts.

The tables may not exist yet. The rows of a later run replace those of an earlier one.
"""

import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from consumer_viz.dashboard.index.rings import write_rings
from contracts.rules import ACTIVE
from contracts.tables import LAKE
from runtime.lake import committed_files
from runtime.parquet import open_parquet
from runtime.world import Unit

ACCOUNT_RISK, USER_DAYS, CAMPAIGNS, TRACK_RISK = "account_risk", "user_day_flags", "campaigns", "track_risk"
RULE_DAYS = "rule_days"


def add_daily(db: sqlite3.Connection, unit: Unit, has_changed: Callable[[Path], bool]) -> set[str] | None:
    """Read the daily tables if one of them changed.

    Returns the accounts whose cases may have changed; None where no table did.
    """
    changed = [has_changed(unit.table(name)) for name in (ACCOUNT_RISK, USER_DAYS, CAMPAIGNS, TRACK_RISK, RULE_DAYS)]
    if not any(changed):
        return None
    earlier = """select user_id from account_risk union select user_id from members
        union select user_id from user_days where is_flagged union select user_id from rule_days"""
    users = {row[0] for row in db.execute(earlier)}
    db.execute("begin")
    for table in ("account_risk", "user_days", "campaigns", "members", "track_risk", "rule_days"):
        db.execute(f"delete from {table}")
    for row in _rows(unit.table(ACCOUNT_RISK)):
        users.add(row["user_id"])
        values = (row["user_id"], row["priority"], row["probability"], row["money_at_risk_eur"], _json(row))
        db.execute("insert or replace into account_risk values (?, ?, ?, ?, ?)", values)
    for row in _rows(unit.table(USER_DAYS)):
        users.add(row["user_id"])
        day = (row["user_id"], str(row["local_date"]), int(bool(row["is_flagged"])), row["score"], _json(row))
        db.execute("insert or replace into user_days values (?, ?, ?, ?, ?)", day)
    groups = [row for row in _rows(unit.table(CAMPAIGNS)) if row["is_flagged"]]
    for row in groups:
        users.update(row["user_ids"])
        db.execute("insert or replace into campaigns values (?, ?)", (row["campaign_key"], _json(row)))
        members = ((user, row["campaign_key"]) for user in row["user_ids"])
        db.executemany("insert or ignore into members values (?, ?)", members)
    write_rings(db, groups)
    for row in _rows(unit.table(RULE_DAYS)):
        users.add(row["user_id"])
        flags = int(row["state"] == ACTIVE and row["allowed_by"] is None)
        key = (row["user_id"], row["rule_id"], row["rule_version"], str(row["last_day"]), row["days"])
        db.execute("insert or replace into rule_days values (?, ?, ?, ?, ?, ?, ?)", (*key, flags, _json(row)))
    for row in _rows(unit.table(TRACK_RISK)):
        track = (row["track_id"], str(row["local_date"]), _json(row))
        db.execute("insert or replace into track_risk values (?, ?, ?)", track)
    db.execute("commit")
    return users


def daily_run_at(unit: Unit) -> str | None:
    """Return when the newest daily run wrote its ranking, UTC; None before the first: its flags are that old."""
    times = [file.stat().st_mtime for file in committed_files(unit.table(ACCOUNT_RISK))]
    return datetime.fromtimestamp(max(times), UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if times else None


def _rows(table: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table, which the newest run has replaced; a column that a file lacks is None."""
    names = [column.name for column in LAKE[table.name]]
    for file in committed_files(table):
        for part in open_parquet(file).iter_batches():
            for row in part.to_pylist():
                yield {name: row.get(name) for name in names}


def _json(row: dict[str, Any]) -> bytes:
    return orjson.dumps(row, default=str)  # a time in nanoseconds is a pandas type
