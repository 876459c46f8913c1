"""Verdicts in SQLite (WAL). Decisions are only added; the newest of a case is valid; every attempt is recorded.

Two analysts: a decision names the version it was made on, and is refused if another decision came in between. A form
that is sent twice carries the same key; the second time returns the first decision.
"""

import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

from consumer_viz.dashboard.decisions.actions import COLUMNS as ACTION_COLUMNS
from consumer_viz.dashboard.decisions.actions import action_of_row, actions_of, add_action_of, held_by_track
from consumer_viz.dashboard.decisions.grounds import add_grounds, grounds_of
from consumer_viz.dashboard.decisions.handling import note_handled
from consumer_viz.dashboard.decisions.holds import Action
from consumer_viz.dashboard.decisions.rules import Decision, DecisionError, Draft, Policy, next_decision
from consumer_viz.dashboard.decisions.schema import SCHEMA
from consumer_viz.errors import ServeError
from contracts import verdicts as v
from contracts.topics import TOPICS, VERDICTS
from runtime.event_text import format_time
from runtime.sqlite_tables import begin_tables

COLUMNS = TOPICS[VERDICTS].row_fields
_NAMES = ", ".join(f.name for f in fields(Decision))


def _now() -> datetime:
    return datetime.now(UTC)


class VerdictStore:
    """The record of all decisions. Any thread or process may call."""

    def __init__(self, path: Path, now: Callable[[], datetime] = _now, policy: Policy | None = None) -> None:
        """Open the record, or begin one. Raises ServeError where that cannot be done; the file is left as it is."""
        self.path = path
        self.policy = policy or Policy()
        self._now = now
        self._watch_lock = threading.Lock()
        self._watched: tuple[tuple[int, int], sqlite3.Connection] | None = None
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with self.reading() as db:
                begin_tables(db, SCHEMA)
        except sqlite3.OperationalError as error:
            raise ServeError(
                f"{path} cannot be opened ({error}): see whether another program holds it, and its rights"
            ) from None
        except sqlite3.DatabaseError as error:
            raise ServeError(
                f"{path} cannot be opened ({error}): restore it from a copy, or rename it to begin a new record; "
                "topic verdicts has every decision that was sent"
            ) from None

    def now_text(self) -> str:
        """Return the time of now as it is kept with a decision."""
        return format_time(round(self._now().timestamp() * 1000))

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Open a connection; what it writes is saved statement by statement."""
        db = sqlite3.connect(self.path, timeout=10, isolation_level=None)
        try:
            yield db
        finally:
            db.close()

    @contextmanager
    def watching(self) -> Iterator[sqlite3.Connection]:
        """Use the connection that stays open, for what is asked every second: a new one reads the whole schema first.

        It follows the path: a file that was put there since, such as a copy, is opened instead. Raises OSError.
        """
        with self._watch_lock:
            at_path = self.path.stat()
            file = (at_path.st_dev, at_path.st_ino)
            if self._watched is None or self._watched[0] != file:
                if self._watched is not None:
                    self._watched[1].close()
                db = sqlite3.connect(self.path, timeout=10, isolation_level=None, check_same_thread=False)
                weakref.finalize(self, db.close)
                self._watched = (file, db)
            yield self._watched[1]

    def latest(self, case_id: str) -> Decision | None:
        """Return the newest decision of a case."""
        with self.reading() as db:
            return _latest(db, case_id)

    def history(self, case_id: str) -> list[Decision]:
        """Return all decisions of a case, oldest first."""
        with self.reading() as db:
            return _history(db, case_id)

    def all(self) -> list[Decision]:
        """Return every decision, oldest first."""
        with self.reading() as db:
            return [Decision(*row) for row in db.execute(f"select {_NAMES} from decisions order by rowid")]

    def stamp(self) -> int:
        """Return a number that grows with every decision, whoever made it."""
        with self.watching() as db:
            return int(db.execute("select coalesce(max(rowid), 0) from decisions").fetchone()[0])

    def change_stamp(self) -> tuple[int, int, str]:
        """Return what changes with every decision, every assignment, and every day."""
        query = """select (select coalesce(max(rowid), 0) from decisions),
            (select coalesce(max(rowid), 0) from assignments)"""
        with self.watching() as db:
            decisions, assignments = db.execute(query).fetchone()
        return decisions, assignments, self.now_text()[:10]

    def changed_since(self, decisions: int, assignments: int) -> set[str]:
        """Return the cases and rings that were decided or assigned after a `change_stamp`."""
        query = """select case_id from decisions where rowid > ? union
            select subject from assignments where rowid > ?"""
        with self.reading() as db:
            return {str(row[0]) for row in db.execute(query, (decisions, assignments))}

    def attempts(self, case_id: str) -> list[tuple[str, ...]]:
        """Return (at, analyst, step, seen_version, verdict, outcome) of every attempt on a case, oldest first."""
        with self.reading() as db:
            columns = "at, analyst, step, seen_version, verdict, outcome"
            return db.execute(f"select {columns} from audit where case_id = ? order by rowid", (case_id,)).fetchall()

    def write(self, draft: Draft) -> Decision:
        """Add a decision. Raises VersionConflict, InvalidDecision. Every attempt is recorded, refused or not."""
        with self.writing() as (db, at):
            result = add_decision(db, draft, at, self.policy)
        if isinstance(result, DecisionError):
            raise result
        return result

    @contextmanager
    def writing(self) -> Iterator[tuple[sqlite3.Connection, str]]:
        """Open a transaction that writes, with the time of now: all of it is saved at the end, or nothing."""
        with self.reading() as db:
            db.execute("begin immediate")
            yield db, self.now_text()
            db.execute("commit")

    def grounds(self, case_id: str) -> dict[int, list[str]]:
        """Return why a case was suspected, as the page said it: by version of the verdict, the oldest first."""
        with self.reading() as db:
            return grounds_of(db, case_id)

    def unsent(self, limit: int | None = None) -> list[Decision]:
        """Return decisions that topic `verdicts` has not acknowledged, the oldest first."""
        names = ", ".join(f"d.{f.name}" for f in fields(Decision))
        query = f"select {names} from outbox o join decisions d using (case_id, version) where o.sent_at is null"
        with self.reading() as db:
            return [Decision(*row) for row in db.execute(f"{query} order by d.rowid limit ?", (limit or -1,))]

    def mark_sent(self, decisions: Iterable[Decision]) -> None:
        """Record that the topic has acknowledged decisions."""
        at = self.now_text()
        with self.reading() as db:
            db.execute("begin")
            db.executemany(
                "update outbox set sent_at = ? where case_id = ? and version = ?",
                [(at, decision.case_id, decision.version) for decision in decisions],
            )
            db.execute("commit")

    def actions(self, case_id: str) -> list[Action]:
        """Return a case's actions, the oldest first."""
        with self.reading() as db:
            return actions_of(db, case_id)

    def held_by_track(self, since: str = "") -> dict[str, float]:
        """Return the euros of each track that are held back now, of streams from a month (YYYY-MM) on."""
        with self.reading() as db:
            return held_by_track(db, self.now_text(), since)

    def action_stamp(self) -> int:
        """Return a number that grows with every action."""
        with self.watching() as db:
            return int(db.execute("select coalesce(max(rowid), 0) from actions").fetchone()[0])

    def unsent_actions(self, limit: int | None = None) -> list[Action]:
        """Return actions that topic `actions` has not acknowledged, the oldest first."""
        names = ", ".join(f"a.{name}" for name in ACTION_COLUMNS.split(", "))
        query = f"select {names} from action_outbox o join actions a using (action_id) where o.sent_at is null"
        with self.reading() as db:
            return [action_of_row(row) for row in db.execute(f"{query} order by a.rowid limit ?", (limit or -1,))]

    def mark_actions_sent(self, actions: Iterable[Action]) -> None:
        """Record that the topic has acknowledged actions."""
        at = self.now_text()
        with self.reading() as db:
            db.execute("begin")
            db.executemany(
                "update action_outbox set sent_at = ? where action_id = ?", [(at, each.action_id) for each in actions]
            )
            db.execute("commit")


def add_decision(db: sqlite3.Connection, draft: Draft, at: str, policy: Policy) -> Decision | DecisionError:
    """Add a decision, with the action that it makes, within a transaction; return it, or why it was refused.

    The attempt is recorded in either case.
    """
    earlier = db.execute(f"select {_NAMES} from decisions where key = ?", (draft.key,)).fetchone()
    if earlier:
        return Decision(*earlier)
    try:
        decision = next_decision(draft, _latest(db, draft.case_id), _history(db, draft.case_id), at, policy)
    except DecisionError as error:
        _record_attempt(db, at, draft, f"{error.outcome}: {error}")
        return error
    marks = ", ".join("?" * len(fields(Decision)))
    values = tuple(getattr(decision, f.name) for f in fields(Decision))
    db.execute(f"insert into decisions ({_NAMES}) values ({marks})", values)
    db.execute("insert into outbox values (?, ?, null)", (decision.case_id, decision.version))
    add_grounds(db, decision, draft)
    add_action_of(db, decision, draft, policy)
    if not draft.is_of_ring and decision.step in (v.DECIDE, v.SECOND):
        note_handled(db, draft.case_id, draft.key, draft.analyst, decision.verdict, at)
    _record_attempt(db, at, draft, f"saved as version {decision.version}")
    return decision


def decisions_of(db: sqlite3.Connection, key: str) -> list[Decision]:
    """Return the decisions that one verdict on many cases made."""
    names = ", ".join(f"d.{f.name}" for f in fields(Decision))
    query = f"select {names} from together_cases c join decisions d using (case_id, version) where c.key = ?"
    return [Decision(*row) for row in db.execute(f"{query} order by d.rowid", (key,))]


def _history(db: sqlite3.Connection, case_id: str) -> list[Decision]:
    rows = db.execute(f"select {_NAMES} from decisions where case_id = ? order by version", (case_id,))
    return [Decision(*row) for row in rows]


def _latest(db: sqlite3.Connection, case_id: str) -> Decision | None:
    row = db.execute(f"select {_NAMES} from standing where case_id = ?", (case_id,)).fetchone()
    return Decision(*row) if row else None


def _record_attempt(db: sqlite3.Connection, at: str, draft: Draft, outcome: str) -> None:
    row = (at, draft.analyst, draft.step, draft.case_id, draft.seen_version, draft.verdict or None, outcome)
    db.execute("insert into audit values (?, ?, ?, ?, ?, ?, ?)", row)
