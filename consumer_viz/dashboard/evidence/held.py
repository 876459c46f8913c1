"""Which streams are held if an account is confirmed: those of its suspected sessions, by session, track and month.

The model or a rule suspects a session. An account that only its days, weeks or ring suspect has none: then it is the
streams of all its sessions of the last MAX_DAYS days. Of an account that only an alert suspects nothing is held before
the session closes (`evidence.closed`): its earlier sessions may be another person's.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime

import orjson
import pandas as pd

from consumer_viz.dashboard.decisions.holds import Line
from consumer_viz.dashboard.evidence.plays import read_plays
from consumer_viz.dashboard.evidence.shared import MAX_DAYS
from consumer_viz.dashboard.index.case_index import CaseIndex
from consumer_viz.dashboard.index.schema import IS_OF_DAILY, OPEN_ALERT, SUSPECTED
from contracts.actions import MICROS_PER_EUR
from contracts.events import STREAM_MS
from models.risk.money import Prices
from runtime.units import DAY_MS

STREAM_MICROS = round(Prices().stream_eur * MICROS_PER_EUR)
_PER_QUERY = 500
"""Accounts of one query: SQLite limits the parameters of a statement."""


def held_lines(index: CaseIndex, users: Sequence[str]) -> dict[str, tuple[Line, ...]]:
    """Return what is held of each account, for those that have any streams."""
    lines: dict[str, list[Line]] = defaultdict(list)
    to_read: list[tuple[str, str, int, int]] = []
    for user, sessions in _sessions(index, users).items():
        suspected = [each for each in sessions if each["is_suspected"]]
        if not suspected and _is_only_alerted(index, user):
            continue
        for each in suspected or sessions:
            key, started_ms = each["session_key"], each["started_ms"]
            if each["tracks"] and suspected:
                lines[user] += [_line(key, track, started_ms, n) for track, n in orjson.loads(each["tracks"]) if n]
            else:
                to_read.append((user, key, started_ms, each["ended_ms"]))
    for user, of_user in _from_archive(index, to_read).items():
        lines[user] += of_user
    return {user: tuple(of_user) for user, of_user in lines.items()}


def _sessions(index: CaseIndex, users: Sequence[str]) -> dict[str, list[sqlite3.Row]]:
    """Return the sessions of accounts; the index has the tracks of those that the model flags."""
    rows: dict[str, list[sqlite3.Row]] = defaultdict(list)
    with index.read() as db:
        for start in range(0, len(users), _PER_QUERY):
            some = users[start : start + _PER_QUERY]
            query = f"""select s.user_id, s.session_key, s.started_ms, s.ended_ms, {SUSPECTED} as is_suspected, t.tracks
                from sessions s left join session_tracks t using (session_key)
                where s.user_id in ({", ".join("?" * len(some))})"""
            for row in db.execute(query, tuple(some)):
                rows[row["user_id"]].append(row)
    return rows


def _is_only_alerted(index: CaseIndex, user: str) -> bool:
    """Whether an open session is all that suspects an account none of whose closed sessions is suspected."""
    query = f"select exists (select 1 from alerts a where a.user_id = ?1 and {OPEN_ALERT}) and not {IS_OF_DAILY}"
    with index.read() as db:
        return bool(db.execute(query.format(user="?1"), (user,)).fetchone()[0])


def _line(session_key: str, track_id: str, started_ms: int, streams: int) -> Line:
    month = datetime.fromtimestamp(started_ms / 1000, UTC).strftime("%Y-%m")
    return Line(session_key, track_id, month, streams, STREAM_MICROS * streams)


def _from_archive(index: CaseIndex, rows: Sequence[tuple[str, str, int, int]]) -> dict[str, list[Line]]:
    """Count the streams of the newest of some sessions in the archive of plays."""
    columns = ["user_id", "session_key", "started_ms", "ended_ms"]
    sessions = pd.DataFrame(rows, columns=columns).astype({"started_ms": "int64", "ended_ms": "int64"})
    if sessions.empty:
        return {}
    users = sorted(set(sessions["user_id"]))
    last_ms = int(sessions["ended_ms"].max())
    sessions = sessions[sessions["started_ms"] >= last_ms - MAX_DAYS * DAY_MS].sort_values("started_ms")
    plays = read_plays(index.world.unit, users, int(sessions["started_ms"].min()), last_ms)
    streams = plays.loc[plays["listen_ms"] >= STREAM_MS, ["user_id", "track_id", "end_ms"]].dropna()
    streams = streams.astype({"end_ms": "int64"}).sort_values("end_ms")
    matched = pd.merge_asof(streams, sessions, left_on="end_ms", right_on="started_ms", by="user_id").dropna()
    matched = matched[matched["end_ms"] <= matched["ended_ms"]]
    keys = ["user_id", "session_key", "track_id", "started_ms"]
    lines: dict[str, list[Line]] = defaultdict(list)
    counts = matched.groupby(keys).size().reset_index(name="streams")
    for user, key, track, started_ms, n in counts.itertuples(index=False):
        lines[str(user)].append(_line(str(key), str(track), int(started_ms), int(n)))
    return lines
