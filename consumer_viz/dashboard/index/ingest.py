"""Read a committed parquet file into the case index: `add_…` writes the rows that the other functions read."""

import sqlite3
from collections.abc import Callable, Collection, Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from contracts.features import FEATURE_NAMES
from runtime.lake.merging import level_of
from runtime.parquet import open_parquet, read_parquet

SessionRow = tuple[str, str, int, int, str, int, int, float, int, bytes | None, str | None, bytes]
TrackRow = tuple[str, str, int]
SessionTracks = tuple[str, bytes]
Users = AbstractSet[str]
AddFile = Callable[[sqlite3.Connection, Path], Users]
"""Adds a file; returns the accounts whose cases it changes."""

_TEXT_COLUMNS = ("session_key", "user_id", "model_version")
_OTHER_COLUMNS = ("started_at", "ended_at", "scored_at", "score", "is_flagged", "reasons", "track_counts")


def add_sessions(db: sqlite3.Connection, file: Path) -> Users:
    """Add a file of scored sessions, and what streams the flagged ones made; return its accounts."""
    known = set[str]()
    if level_of(file):  # its rows were in other files before: what streams a track has may not be added twice
        keys = read_parquet(file, ["session_key"])["session_key"].to_pylist()
        known = {k for k in keys if db.execute("select 1 from sessions where session_key = ?", (k,)).fetchone()}
    rows, tracks, by_session = sessions(file, known)
    db.executemany(f"insert or ignore into sessions values ({', '.join('?' * 12)})", rows)
    db.executemany(
        "insert into suspect_tracks values (?, ?, ?) on conflict do update set streams = streams + excluded.streams",
        tracks,
    )
    db.executemany("insert or ignore into session_tracks values (?, ?)", by_session)
    return {row[1] for row in rows}


def add_alerts(db: sqlite3.Connection, file: Path) -> Users:
    """Add a file of alerts; return its accounts. A withdrawn one stays withdrawn."""
    rows = list(alerts(file))
    db.executemany(
        f"insert into alerts values ({', '.join('?' * 8)}) "
        "on conflict do update set withdrawn = max(withdrawn, excluded.withdrawn)",
        rows,
    )
    return {str(row[1]) for row in rows}


def add_rule_hits(db: sqlite3.Connection, file: Path) -> Users:
    """Add a file of the sessions that meet rules; return its accounts."""
    rows = list(rule_hits(file))
    db.executemany(f"insert or replace into rule_hits values ({', '.join('?' * 11)})", rows)
    return {str(row[4]) for row in rows}


def add_links(db: sqlite3.Connection, file: Path) -> Users:
    """Add which accounts share a device or an address, from a file of plays; no case changes by that."""
    for table, column in (("devices", "device_id"), ("addresses", "ip")):
        pairs = accounts_by(column, file)
        db.executemany(f"insert or ignore into {table} values (?, ?)", pairs)
    return frozenset()


def add_shadow(db: sqlite3.Connection, file: Path) -> Users:
    """Add a challenger's file; no case changes by that."""
    db.executemany("insert or ignore into shadow values (?, ?, ?)", shadow(file))
    return frozenset()


def sessions(path: Path, known: Collection[str] = ()) -> tuple[list[SessionRow], list[TrackRow], list[SessionTracks]]:
    """Read the scored sessions as rows of table sessions, and of the flagged ones what they streamed.

    That is (track, account, streams), and per session its key and [[track, streams], …] as JSON. Those that are `known`
    by their session_key are left out.
    """
    file = open_parquet(path)
    table = file.read(
        columns=[*_TEXT_COLUMNS, *_OTHER_COLUMNS, *(name for name in FEATURE_NAMES if name in file.schema_arrow.names)]
    )
    table = table.filter(pc.invert(pc.is_in(table["session_key"], pa.array(list(known), pa.string()))))
    if not len(table):
        return [], [], []
    table = table.filter(pc.is_valid(table["user_id"]))
    known = {name: _numbers(table[name]) for name in FEATURE_NAMES if name in table.column_names}
    missing = np.full(len(table), np.nan)  # a feature that was added after the file was written
    features = np.column_stack([known.get(name, missing) for name in FEATURE_NAMES]).astype(np.float32)
    plays, streams = (np.nan_to_num(known[name]).astype(int).tolist() for name in ("plays", "streams"))
    flagged = [bool(x) for x in table["is_flagged"].to_pylist()]
    scored = pc.strftime(table["scored_at"].cast(pa.timestamp("ms")), format="%Y-%m-%dT%H:%M:%SZ").to_pylist()
    reasons = _values_where(table, "reasons", flagged)
    columns = zip(
        table["session_key"].to_pylist(), table["user_id"].to_pylist(), _ms(table["started_at"]),
        _ms(table["ended_at"]), scored, plays, streams, table["score"].to_pylist(), flagged,
        (orjson.dumps(r) if r is not None else None for r in reasons), table["model_version"].to_pylist(),
        (row.tobytes() for row in features), strict=True,
    )  # fmt: skip
    rows = [(*row[:8], int(row[8]), *row[9:]) for row in columns]
    tracks: list[TrackRow] = []
    by_session: list[SessionTracks] = []
    counted = _values_where(table, "track_counts", flagged)
    for row, counts in zip(rows, counted, strict=True):
        known_tracks = [(each["track_id"], each["streams"]) for each in counts or () if each["track_id"] is not None]
        if known_tracks:
            tracks += [(track, row[1], streams) for track, streams in known_tracks]
            by_session.append((row[0], orjson.dumps(known_tracks)))
    return rows, tracks, by_session


def alerts(path: Path) -> Iterator[tuple[Any, ...]]:
    """Read alerts as rows of table alerts; one that was withdrawn is a second row of its session."""
    for row in read_parquet(path).to_pylist():
        times = {name: row[name].strftime("%Y-%m-%dT%H:%M:%SZ") for name in ("started_at", "looked_at", "alerted_at")}
        key, user, at = row["session_key"], row["user_id"], times["alerted_at"]
        yield (
            key, user, at, row["streams"], row["money_eur"], row["score"], int(row["withdrawn"]),
            orjson.dumps(row | times),
        )  # fmt: skip


def rule_hits(path: Path) -> Iterator[tuple[Any, ...]]:
    """Read the sessions that meet rules as rows of table rule_hits."""
    for row in read_parquet(path).to_pylist():
        yield (
            row["session_key"], row["rule_id"], row["rule_version"], row["state"], row["user_id"], row["title"],
            row["allowed_by"], int(row["is_flagged"] or 0), row["streams"],
            row["scored_at"].strftime("%Y-%m-%dT%H:%M:%SZ"), orjson.dumps(row["features"]),
        )  # fmt: skip


def accounts_by(column: str, path: Path) -> Iterator[tuple[str, str]]:
    """Read the distinct (value of the column, account) pairs of a file of plays; none where it lacks the column."""
    if column not in open_parquet(path).schema_arrow.names:
        return
    pairs = read_parquet(path, [column, "user_id"])
    for row in pairs.group_by([column, "user_id"]).aggregate([]).drop_null().to_pylist():
        yield row[column], row["user_id"]


def shadow(path: Path) -> Iterator[tuple[str, str, int]]:
    """Read (session, challenger, whether it would flag) from a challenger's file of lake/shadow."""
    columns = read_parquet(path, ["session_key", "model_version", "would_flag"])
    for row in columns.to_pylist():
        yield row["session_key"], row["model_version"], int(row["would_flag"])


def table_rows(path: Path, columns: list[str]) -> Iterator[tuple[Any, ...]]:
    """Read columns of a parquet or CSV file, one tuple per row, dates as ISO text."""
    if path.suffix == ".csv":
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, usecols=columns)
        yield from ((*(value or None for value in row),) for row in frame[columns].itertuples(index=False))
        return
    for batch in open_parquet(path).iter_batches(columns=columns):
        by_name = {name: batch.column(name).to_pylist() for name in columns}
        yield from zip(*(map(_as_text, by_name[name]) for name in columns), strict=True)


def _as_text(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value


def _numbers(column: pa.ChunkedArray) -> Any:
    return column.to_numpy(zero_copy_only=False).astype(np.float64)


def _ms(column: pa.ChunkedArray) -> list[int]:
    return column.cast(pa.timestamp("ms"), safe=False).cast(pa.int64()).to_pylist()


def _values_where(table: pa.Table, name: str, wanted: list[bool]) -> list[Any]:
    """Return a nested column as Python values where wanted, else None.

    Most sessions are not flagged, and converting lists is slow.
    """
    chosen = iter(table[name].filter(pa.array(wanted)).to_pylist())
    return [next(chosen) if is_wanted else None for is_wanted in wanted]
