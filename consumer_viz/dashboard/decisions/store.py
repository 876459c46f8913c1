"""Verdicts in SQLite (WAL). Decisions are only added; the newest of a case is valid; every attempt is recorded.

Two analysts: a decision names the version it was made on, and is refused if another decision came in between. A form
that is sent twice carries the same key; the second time returns the first decision.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

from consumer_viz.dashboard.decisions.rules import Decision, DecisionError, Draft, next_decision
from consumer_viz.errors import ServeError
from contracts.topics import TOPICS, VERDICTS
from runtime.event_text import format_time

COLUMNS = TOPICS[VERDICTS].row_fields
_SCHEMA = """
create table if not exists decisions (
    case_id text not null, version integer not null, user_id text not null, verdict text not null, reason_code text,
    note text, analyst text not null, model_version text, decided_at text not null, step text not null,
    drawn_by text not null, draw_probability real not null, key text not null unique,
    eur real not null, streams integer not null, primary key (case_id, version)
);
create view if not exists standing as select * from decisions d
    where not exists (select 1 from decisions n where n.case_id = d.case_id and n.version = d.version + 1);
create table if not exists outbox (case_id text, version integer, sent_at text, primary key (case_id, version));
create index if not exists unsent on outbox (sent_at) where sent_at is null;
create table if not exists audit (
    at text not null, analyst text not null, step text not null, case_id text not null, seen_version integer not null,
    verdict text, outcome text not null
);
create trigger if not exists decisions_stay before delete on decisions begin select raise(abort, 'append only'); end;
create trigger if not exists decisions_hold before update on decisions begin select raise(abort, 'append only'); end;
create trigger if not exists audit_stays before delete on audit begin select raise(abort, 'append only'); end;
create trigger if not exists audit_holds before update on audit begin select raise(abort, 'append only'); end;
"""
_NAMES = ", ".join(f.name for f in fields(Decision))


def _now() -> datetime:
    return datetime.now(UTC)


class VerdictStore:
    """The record of all decisions. Every call opens a connection, so any thread or process may call."""

    def __init__(self, path: Path, now: Callable[[], datetime] = _now) -> None:
        """Open the record, or begin one. Raises ServeError where that cannot be done; the file is left as it is."""
        self.path = path
        self._now = now
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with self._open() as db:
                db.execute("pragma journal_mode = wal")
                db.executescript(_SCHEMA)
        except sqlite3.OperationalError as error:
            raise ServeError(
                f"{path} cannot be opened ({error}): see whether another program holds it, and its rights"
            ) from None
        except sqlite3.DatabaseError as error:
            raise ServeError(
                f"{path} cannot be opened ({error}): restore it from a copy, or rename it to begin a new record; "
                "topic verdicts has every decision that was sent"
            ) from None

    def _now_text(self) -> str:
        return format_time(round(self._now().timestamp() * 1000))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        db = sqlite3.connect(self.path, timeout=10, isolation_level=None)
        try:
            yield db
        finally:
            db.close()

    def latest(self, case_id: str) -> Decision | None:
        """Return the newest decision of a case."""
        with self._open() as db:
            return _latest(db, case_id)

    def history(self, case_id: str) -> list[Decision]:
        """Return all decisions of a case, oldest first."""
        with self._open() as db:
            rows = db.execute(f"select {_NAMES} from decisions where case_id = ? order by version", (case_id,))
            return [Decision(*row) for row in rows]

    def all(self) -> list[Decision]:
        """Return every decision, oldest first."""
        with self._open() as db:
            return [Decision(*row) for row in db.execute(f"select {_NAMES} from decisions order by rowid")]

    def stamp(self) -> int:
        """Return a number that grows with every decision, whoever made it."""
        with self._open() as db:
            return int(db.execute("select coalesce(max(rowid), 0) from decisions").fetchone()[0])

    def attempts(self, case_id: str) -> list[tuple[str, ...]]:
        """Return (at, analyst, step, seen_version, verdict, outcome) of every attempt on a case, oldest first."""
        with self._open() as db:
            columns = "at, analyst, step, seen_version, verdict, outcome"
            return db.execute(f"select {columns} from audit where case_id = ? order by rowid", (case_id,)).fetchall()

    def write(self, draft: Draft) -> Decision:
        """Add a decision. Raises VersionConflict, InvalidDecision. Every attempt is recorded, refused or not."""
        with self._open() as db:
            db.execute("begin immediate")
            earlier = db.execute(f"select {_NAMES} from decisions where key = ?", (draft.key,)).fetchone()
            if earlier:
                db.execute("rollback")
                return Decision(*earlier)
            at = self._now_text()
            try:
                decision = next_decision(draft, _latest(db, draft.case_id), self.history(draft.case_id), at)
            except DecisionError as error:
                _record_attempt(db, at, draft, f"{error.outcome}: {error}")
                db.execute("commit")
                raise
            marks = ", ".join("?" * len(fields(Decision)))
            values = tuple(getattr(decision, f.name) for f in fields(Decision))
            db.execute(f"insert into decisions ({_NAMES}) values ({marks})", values)
            db.execute("insert into outbox values (?, ?, null)", (decision.case_id, decision.version))
            _record_attempt(db, at, draft, f"saved as version {decision.version}")
            db.execute("commit")
            return decision

    def unsent(self, limit: int | None = None) -> list[Decision]:
        """Return decisions that topic `verdicts` has not acknowledged, the oldest first."""
        names = ", ".join(f"d.{f.name}" for f in fields(Decision))
        query = f"select {names} from outbox o join decisions d using (case_id, version) where o.sent_at is null"
        with self._open() as db:
            return [Decision(*row) for row in db.execute(f"{query} order by d.rowid limit ?", (limit or -1,))]

    def mark_sent(self, decisions: Iterable[Decision]) -> None:
        """Record that the topic has acknowledged decisions."""
        at = self._now_text()
        with self._open() as db:
            db.execute("begin")
            db.executemany(
                "update outbox set sent_at = ? where case_id = ? and version = ?",
                [(at, decision.case_id, decision.version) for decision in decisions],
            )
            db.execute("commit")


def _latest(db: sqlite3.Connection, case_id: str) -> Decision | None:
    row = db.execute(f"select {_NAMES} from standing where case_id = ?", (case_id,)).fetchone()
    return Decision(*row) if row else None


def _record_attempt(db: sqlite3.Connection, at: str, draft: Draft, outcome: str) -> None:
    row = (at, draft.analyst, draft.step, draft.case_id, draft.seen_version, draft.verdict or None, outcome)
    db.execute("insert into audit values (?, ?, ?, ?, ?, ?, ?)", row)
