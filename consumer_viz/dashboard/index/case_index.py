"""The case index: accounts and their sessions in a SQLite file that is made from the lake and grows with it.

It is in `v<N>/dashboard/` and may be deleted at any time. A file of the lake is read once; pages query the index.
It also holds which accounts share a device, a payment method or a campaign.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from consumer_viz.dashboard.index import ingest
from consumer_viz.dashboard.index.case_update import CaseUpdate
from consumer_viz.dashboard.index.daily import add_daily, daily_run_at
from consumer_viz.dashboard.index.sampling import AutomaticReview
from consumer_viz.dashboard.index.schema import SCHEMA, IndexReader
from consumer_viz.dashboard.index.weeks import add_weeks
from models.tables.lake_tables import batch_files
from models.tables.sessions import SCORED_IN_BATCH
from runtime.lake import committed_files, signature
from runtime.sqlite_tables import begin_tables
from runtime.world import Unit, World, WorldError

_USER_COLUMNS = ["user_id", "signed_up_on", "plan", "country", "timezone", "age_band", "payment_id"]
_TRACK_COLUMNS = ["track_id", "title", "artist_id", "artist", "duration_ms", "label_id"]
FIRST_ROWS, GROWTH = 25_000, 4
"""Where many files are read, so many rows of the index can be seen on the pages first, then so many times as many."""


class KeptCase(NamedTuple):
    """A case of which only the record of verdicts is left: values of its row of table cases."""

    user_id: str
    """The id of the case itself where the account is not known any more."""
    case_id: str
    drawn_by: str | None
    draw_probability: float
    streams: int
    eur: float
    model_version: str | None


class CaseIndex:
    """Keeps the index of a world's current version up to date. One writer (`refresh`), any number of readers."""

    def __init__(
        self, world: World, key: bytes, eur_per_stream: float, automatic: AutomaticReview | None = None
    ) -> None:
        self.world = world
        self._update = CaseUpdate(key, eur_per_stream, automatic)
        self._signatures: dict[Path, object] = {}
        self._unit: Unit | None = None
        self.stamp = 0
        """Grows whenever something is added."""
        self.openings = 0
        """How many times an index was opened: one that is new lacks the cases whose rows are gone."""
        self.open()

    def open(self) -> None:
        """Open the index of the world's current version; make it where there is none, or one of another format."""
        self._unit = self.world.unit
        self.openings += 1
        self.path = self._unit.root / "dashboard" / "index.sqlite"
        self._signatures.clear()
        if self.path.exists():
            # what a crash or a full disk damaged is made again from the lake
            with contextlib.suppress(sqlite3.DatabaseError), self.read() as db:
                if db.execute("pragma user_version").fetchone()[0] == self._update.format:
                    self.stamp = int(db.execute("select coalesce(max(seq), 0) from cases").fetchone()[0])
                    return
            for file in self.path.parent.glob("index.sqlite*"):
                file.unlink()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        db = self._connect()
        begin_tables(db, f"{SCHEMA} pragma user_version = {self._update.format};")
        db.close()
        self.stamp = 0

    def _connect(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, timeout=10, isolation_level=None)
        db.execute("pragma synchronous = off")  # a damaged index can be made again from the lake
        return db

    def read(self) -> IndexReader:
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
            self._add_files(db, unit.table("plays"), ingest.add_links)
            self._add_files(db, unit.table("sessions"), self._add_sessions_of_job)
            self._add_files(db, unit.table("alerts"), ingest.add_alerts)
            self._add_files(db, unit.table("rule_hits"), ingest.add_rule_hits)
            self._add_scored_in_batch(db, self.world.from_raw(SCORED_IN_BATCH))
            for challenger in sorted(unit.table("shadow").glob("*/")):
                self._add_files(db, challenger, ingest.add_shadow)
            for changed_users in (add_daily(db, unit, self._has_changed), add_weeks(db, self.world, self._has_changed)):
                if changed_users is not None:
                    self._update_cases(db, changed_users)
        except BaseException:
            self._signatures.clear()  # what could not be read is tried again
            raise
        finally:
            db.close()
        return self.stamp != stamp_before

    def add_kept(self, cases: Sequence[KeptCase]) -> None:
        """Add cases whose rows are gone, with `seq` 0; those that the index has stay as they are."""
        if not cases:
            return
        db = self._connect()
        db.execute("begin")
        columns = ", ".join(KeptCase._fields)
        query = f"""insert or ignore into cases ({columns}, sessions, flagged, probability, risk, seq)
            values (?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, 0)"""
        db.executemany(query, cases)
        db.execute("commit")
        db.close()
        self.stamp += 1

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

    def _add_files(self, db: sqlite3.Connection, table: Path, add: ingest.AddFile) -> None:
        """Read what is new in a table. `add` reads a file and returns the accounts whose cases it changes.

        Cases are computed once for many files: a case that is in each of them is then written once.
        """
        if not self._has_changed(table):
            return
        names = {str(file.relative_to(table.parent)): file for file in committed_files(table)}
        unread = [(name, file) for name, file in names.items() if not _is_read(db, name)]
        rows_wanted = FIRST_ROWS
        while unread:
            db.execute("begin")
            users: set[str] = set()
            rows_before = db.total_changes
            try:
                while unread and db.total_changes - rows_before < rows_wanted:
                    name, file = unread.pop(0)
                    db.execute("savepoint before_file")
                    users |= add(db, file)
                    db.execute("insert into files values (?, ?)", (name, table.name))
                    db.execute("release before_file")
            except BaseException:
                db.execute("rollback to before_file")  # the files before it stay
                raise
            finally:
                if users:
                    self._update_cases(db, users)
                db.execute("commit")
            rows_wanted *= GROWTH

    def _add_scored_in_batch(self, db: sqlite3.Connection, folder: Path) -> None:
        """Read the sessions of raw rows, unless a job has scored some; a later run replaces all of them."""
        if not self._has_changed(folder) or db.execute("select 1 from files where part = 'sessions'").fetchone():
            return
        files = {f"{folder.name}/{file.name} of {file.stat().st_mtime_ns}": file for file in batch_files(folder)}
        if all(_is_read(db, name) for name in files):
            return
        db.execute("begin")
        self._remove_scored_in_batch(db)
        users: set[str] = set()
        for name, file in files.items():
            users |= ingest.add_sessions(db, file)
            db.execute("insert into files values (?, ?)", (name, SCORED_IN_BATCH))
        self._update_cases(db, users)
        db.execute("commit")

    def _remove_scored_in_batch(self, db: sqlite3.Connection) -> None:
        """Take the sessions of raw rows out again; they are the only ones where there are any."""
        if db.execute("delete from files where part = ?", (SCORED_IN_BATCH,)).rowcount == 0:
            return
        users = [str(row[0]) for row in db.execute("select distinct user_id from sessions")]
        for table in ("sessions", "session_tracks", "suspect_tracks"):
            db.execute(f"delete from {table}")
        self._update_cases(db, users)

    def _add_sessions_of_job(self, db: sqlite3.Connection, file: Path) -> ingest.Users:
        self._remove_scored_in_batch(db)
        return ingest.add_sessions(db, file)

    def _update_cases(self, db: sqlite3.Connection, users: Iterable[str]) -> None:
        """Compute the cases of some accounts again."""
        self.stamp += 1
        self._update.run(db, users, self.stamp, daily_run_at(self._unit or self.world.unit))


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
