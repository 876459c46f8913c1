"""The case index: accounts and their sessions in a SQLite file that is made from the lake and grows with it.

It is in `v<N>/dashboard/` and may be deleted at any time. A file of the lake is read once; pages query the index.
It also holds which accounts share a device, a payment method or a campaign.
"""

import contextlib
import os
import sqlite3
import zlib
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from consumer_viz.dashboard.index import ingest
from consumer_viz.dashboard.index.daily import add_daily, daily_run_at
from consumer_viz.dashboard.index.sampling import AutomaticReview, case_id, draw
from consumer_viz.dashboard.index.schema import FORMAT, SCHEMA, UPDATE_CASES
from consumer_viz.dashboard.index.weeks import add_weeks
from contracts.verdicts import BLIND_SHARE
from models.tables.lake_tables import batch_files
from models.tables.sessions import SCORED_IN_BATCH
from runtime.lake import committed_files, signature
from runtime.lake.upkeep import level_of
from runtime.parquet import read_parquet
from runtime.world import Unit, World, WorldError

_USER_COLUMNS = ["user_id", "signed_up_on", "plan", "country", "timezone", "age_band", "payment_id"]
_TRACK_COLUMNS = ["track_id", "title", "artist_id", "artist", "duration_ms", "label_id"]


class CaseIndex:
    """Keeps the index of a world's current version up to date. One writer (`refresh`), any number of readers."""

    def __init__(
        self, world: World, key: bytes, eur_per_stream: float, automatic: AutomaticReview | None = None
    ) -> None:
        self.world = world
        self._automatic = automatic
        self._key = key
        self._eur_per_stream = eur_per_stream
        self._signatures: dict[Path, object] = {}
        self._unit: Unit | None = None
        self.stamp = 0
        """Grows whenever something is added."""
        self.open()

    @property
    def _format(self) -> int:
        return (FORMAT ^ zlib.crc32(repr(self._automatic).encode())) >> 1 if self._automatic else FORMAT

    def open(self) -> None:
        """Open the index of the world's current version; make it where there is none, or one of another format."""
        self._unit = self.world.unit
        self.path = self._unit.root / "dashboard" / "index.sqlite"
        self._signatures.clear()
        if self.path.exists():
            # what a crash or a full disk damaged is made again from the lake
            with contextlib.suppress(sqlite3.DatabaseError), self.read() as db:
                if db.execute("pragma user_version").fetchone()[0] == self._format:
                    self.stamp = int(db.execute("select coalesce(max(seq), 0) from cases").fetchone()[0])
                    return
            for file in self.path.parent.glob("index.sqlite*"):
                file.unlink()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        db = self._connect()
        db.executescript(f"pragma journal_mode = wal; {SCHEMA} pragma user_version = {self._format};")
        db.close()
        self.stamp = 0

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=10, isolation_level=None)
        db.execute("pragma synchronous = off")  # a damaged index can be made again from the lake
        return db

    def read(self) -> "IndexReader":
        """Open the index for reading."""
        return IndexReader(self.path)

    def refresh(self) -> bool:
        """Read what was committed since the last time; return whether anything was."""
        unit = self.world.unit
        if unit != self._unit:
            self.open()
        stamp_before = self.stamp
        db = self._connect()
        try:
            for table in ("users", "tracks"):
                self._add_static(db, table)
            self._add_files(db, unit.table("plays"), _add_links)
            self._add_files(db, unit.table("sessions"), self._add_sessions_of_job)
            self._add_files(db, unit.table("alerts"), self._add_alerts)
            self._add_files(db, unit.table("rule_hits"), self._add_rule_hits)
            self._add_scored_in_batch(db, self.world.from_raw(SCORED_IN_BATCH))
            for challenger in sorted(unit.table("shadow").glob("*/")):
                self._add_files(db, challenger, _add_shadow)
            for changed_users in (add_daily(db, unit, self._has_changed), add_weeks(db, self.world, self._has_changed)):
                if changed_users is not None:
                    self._update_cases(db, changed_users)
        except BaseException:
            self._signatures.clear()  # what could not be read is tried again
            raise
        finally:
            db.close()
        return self.stamp != stamp_before

    def _has_changed(self, folder: Path) -> bool:
        signature = _signature(folder)
        if signature is None or self._signatures.get(folder) == signature:
            return False
        self._signatures[folder] = signature
        return True

    def _add_static(self, db: sqlite3.Connection, table: str) -> None:
        pointer = self.world.root / "static" / table
        if not self._has_changed(pointer):
            return
        try:
            folder = self.world.static(table)
        except WorldError:
            return  # the pages work without names and countries
        if _is_read(db, folder):
            return
        columns = _USER_COLUMNS if table == "users" else _TRACK_COLUMNS
        marks = ", ".join("?" * len(columns))
        db.execute("begin")
        for file in sorted([*folder.glob("*.parquet"), *folder.glob("*.csv")]):
            db.executemany(f"insert or replace into {table} values ({marks})", ingest.table_rows(file, columns))
        db.execute("insert or replace into files values (?, ?)", (str(folder), table))
        db.execute("commit")

    def _add_files(self, db: sqlite3.Connection, table: Path, add: Callable[[sqlite3.Connection, Path], None]) -> None:
        if not self._has_changed(table):
            return
        for file in committed_files(table):
            name = str(file.relative_to(table.parent))
            if not _is_read(db, name):
                db.execute("begin")
                add(db, file)
                db.execute("insert into files values (?, ?)", (name, table.name))
                db.execute("commit")

    def _add_scored_in_batch(self, db: sqlite3.Connection, folder: Path) -> None:
        """Read the sessions of raw rows, unless a job has scored some; a later run replaces all of them."""
        if not self._has_changed(folder) or db.execute("select 1 from files where part = 'sessions'").fetchone():
            return
        files = {f"{folder.name}/{file.name} of {file.stat().st_mtime_ns}": file for file in batch_files(folder)}
        if all(_is_read(db, name) for name in files):
            return
        db.execute("begin")
        self._remove_scored_in_batch(db)
        for name, file in files.items():
            self._add_sessions(db, file)
            db.execute("insert into files values (?, ?)", (name, SCORED_IN_BATCH))
        db.execute("commit")

    def _remove_scored_in_batch(self, db: sqlite3.Connection) -> None:
        """Take the sessions of raw rows out again; they are the only ones where there are any."""
        if db.execute("delete from files where part = ?", (SCORED_IN_BATCH,)).rowcount == 0:
            return
        users = [str(row[0]) for row in db.execute("select distinct user_id from sessions")]
        for table in ("sessions", "session_tracks", "suspect_tracks"):
            db.execute(f"delete from {table}")
        self._update_cases(db, users)

    def _add_sessions_of_job(self, db: sqlite3.Connection, file: Path) -> None:
        self._remove_scored_in_batch(db)
        self._add_sessions(db, file)

    def _add_sessions(self, db: sqlite3.Connection, file: Path) -> None:
        known = set[str]()
        if level_of(file):  # its rows were in other files before: what streams a track has may not be added twice
            keys = read_parquet(file, ["session_key"])["session_key"].to_pylist()
            known = {k for k in keys if db.execute("select 1 from sessions where session_key = ?", (k,)).fetchone()}
        rows, tracks, by_session = ingest.sessions(file, known)
        db.executemany(f"insert or ignore into sessions values ({', '.join('?' * 12)})", rows)
        db.executemany(
            "insert into suspect_tracks values (?, ?, ?) "
            "on conflict do update set streams = streams + excluded.streams",
            tracks,
        )
        db.executemany("insert or ignore into session_tracks values (?, ?)", by_session)
        self._update_cases(db, {row[1] for row in rows})

    def _add_alerts(self, db: sqlite3.Connection, file: Path) -> None:
        rows = list(ingest.alerts(file))
        db.executemany(
            f"insert into alerts values ({', '.join('?' * 8)}) "
            "on conflict do update set withdrawn = max(withdrawn, excluded.withdrawn)",
            rows,
        )
        self._update_cases(db, {str(row[1]) for row in rows})

    def _add_rule_hits(self, db: sqlite3.Connection, file: Path) -> None:
        rows = list(ingest.rule_hits(file))
        db.executemany(f"insert or replace into rule_hits values ({', '.join('?' * 11)})", rows)
        self._update_cases(db, {str(row[4]) for row in rows})

    def _update_cases(self, db: sqlite3.Connection, users: Iterable[str]) -> None:
        """Compute the cases of some accounts again: what is flagged, what it may cost, how likely it is a bot.

        Money at risk is what the flagged streams earn. Where the daily run has ranked the account over all detectors,
        the figures of the daily run are used.
        """
        self.stamp += 1
        db.create_function("case_of", 1, case_id, deterministic=True)
        db.create_function("drawn", 3, lambda *of: self._draw(*of)[0], deterministic=True)
        db.create_function("drawn_p", 3, lambda *of: self._draw(*of)[1], deterministic=True)
        db.execute("create temp table if not exists touched (user_id text primary key)")
        db.execute("delete from touched")
        db.executemany("insert or ignore into touched values (?)", ((user,) for user in users))
        values = {
            "eur": self._eur_per_stream,
            "seq": self.stamp,
            "daily_at": daily_run_at(self._unit or self.world.unit),
        }
        db.execute(UPDATE_CASES, values)

    def _draw(self, user_id: str, is_flagged: int, top_score: float) -> tuple[str | None, float]:
        is_held = self._automatic is not None and top_score >= self._automatic.score
        share = max(BLIND_SHARE, self._automatic.share) if self._automatic and is_held else BLIND_SHARE
        return draw(user_id, bool(is_flagged), self._key, share)


class IndexReader:
    """A read-only connection as a context manager; rows are `sqlite3.Row`."""

    def __init__(self, path: Path) -> None:
        self._open = partial(sqlite3.connect, f"{path.as_uri()}?mode=ro", uri=True, timeout=10)

    def __enter__(self) -> sqlite3.Connection:
        self._db = self._open()
        self._db.row_factory = sqlite3.Row
        return self._db

    def __exit__(self, *_: object) -> None:
        self._db.close()


def _add_links(db: sqlite3.Connection, file: Path) -> None:
    for table, column in (("devices", "device_id"), ("addresses", "ip")):
        pairs = ingest.accounts_by(column, file)
        db.executemany(f"insert or ignore into {table} values (?, ?)", pairs)


def _add_shadow(db: sqlite3.Connection, file: Path) -> None:
    db.executemany("insert or ignore into shadow values (?, ?, ?)", ingest.shadow(file))


def _is_read(db: sqlite3.Connection, name: object) -> bool:
    return db.execute("select 1 from files where path = ?", (str(name),)).fetchone() is not None


def _signature(folder: Path) -> object:
    """Return a value that changes when something is committed to a table; None where there is no table.

    It takes microseconds, where reading the list of files takes milliseconds: it is called every few seconds.
    """
    try:
        if (committed := signature(folder)) is not None:
            return committed
        parts = sorted((e.stat().st_mtime_ns for e in os.scandir(folder)), reverse=True)
    except FileNotFoundError:
        return None
    return (len(parts), parts[:1])
