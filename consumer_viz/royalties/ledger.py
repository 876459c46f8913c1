"""The royalty ledger: euros held, released and restored by track and month, kept in SQLite.

It keeps the actions themselves, each once by its id, and works out the sums when it is read. So it does not matter in
what order or how often they arrive. The offset up to which the topic was read is saved with them: a reader that was
killed goes on where it was.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from consumer_viz.errors import LedgerError
from consumer_viz.royalties.messages import ActionMessage, UnreadableAction, read_action
from contracts.actions import HOLD, MICROS_PER_EUR, RESTORE
from runtime.sqlite_tables import begin_tables

SCHEMA = """
create table if not exists actions (
    action_id text primary key, case_id text not null, sequence integer not null, action text not null,
    created_at text not null, expires_at text
);
create index if not exists actions_of on actions (case_id, sequence);
create table if not exists lines (
    action_id text not null, session_key text not null, track_id text not null, month text not null,
    streams integer not null, eur_micros integer not null, primary key (action_id, session_key, track_id)
) without rowid;
create table if not exists offsets (partition integer primary key, next_offset integer not null);
create table if not exists unreadable (
    partition integer not null, at_offset integer not null, why text not null, primary key (partition, at_offset)
);
"""


class LedgerRow(NamedTuple):
    """Millionths of a euro of one track in one month; each stream is in one of the three."""

    track_id: str
    month: str
    held: int
    released: int
    restored: int

    def euros(self) -> tuple[str, str, str, str, str]:
        """Return the row as text, in euros."""
        return (self.track_id, self.month, *(f"{n / MICROS_PER_EUR:.6f}" for n in self[2:]))  # type: ignore[return-value]


class RoyaltyLedger:
    """The ledger's file. Every call opens a connection. Raises LedgerError."""

    def __init__(self, path: Path) -> None:
        """Open the ledger, or begin one. Raises LedgerError."""
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._connection() as db:
            begin_tables(db, SCHEMA)

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """Open the file. A file that was cut may open, and fail where it is read. Raises LedgerError."""
        try:
            with closing(sqlite3.connect(self.path, timeout=10, isolation_level=None)) as db:
                yield db
        except sqlite3.Error as error:
            remedy = "remove it: topic actions has all that is in it"
            if "locked" in str(error):
                remedy = "see which other program uses it"
            raise LedgerError(
                f"{self.path} cannot be used as a royalty ledger ({error}): "
                f"name another file with  --ledger, or {remedy}"
            ) from None

    def next_offset(self, partition: int) -> int:
        """Return the offset up to which a partition was read."""
        with self._connection() as db:
            row = db.execute("select next_offset from offsets where partition = ?", (partition,)).fetchone()
            return int(row[0]) if row else 0

    def take(self, partition: int, messages: Iterable[tuple[int, bytes | None]]) -> list[ActionMessage]:
        """Take (offset, value) messages and save how far it was read, all or nothing; return the actions that are new.

        What is unreadable is kept with its place and why, and does not stop the ledger.
        """
        new = []
        with self._connection() as db:
            db.execute("begin immediate")
            for offset, value in messages:
                try:
                    action = read_action(value)
                except UnreadableAction as error:
                    db.execute("insert or ignore into unreadable values (?, ?, ?)", (partition, offset, str(error)))
                else:
                    new += [action] if _add(db, action) else []
                db.execute("insert or replace into offsets values (?, ?)", (partition, offset + 1))
            db.execute("commit")
        return new

    def rows(self, as_of: datetime) -> list[LedgerRow]:
        """Return the ledger at a time, by track and month. A hold that expired before counts as released."""
        sums: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
        with self._connection() as db:
            actions: dict[str, list[tuple[str, str, str | None]]] = defaultdict(list)
            query = "select case_id, action_id, action, expires_at from actions order by case_id, sequence"
            for case_id, action_id, action, expires_at in db.execute(query):
                actions[case_id].append((action_id, action, expires_at))
            for of_case in actions.values():
                _add_case(db, of_case, as_of, sums)
        return [LedgerRow(*key, *values) for key, values in sorted(sums.items())]

    def unreadable(self) -> int:
        """Return how many messages could not be read."""
        with self._connection() as db:
            return int(db.execute("select count(*) from unreadable").fetchone()[0])


def _add(db: sqlite3.Connection, action: ActionMessage) -> bool:
    """Keep an action; say whether it is new."""
    row = (
        action.action_id, action.case_id, action.sequence, action.action, action.created_at, action.expires_at
    )  # fmt: skip
    if not db.execute("insert or ignore into actions values (?, ?, ?, ?, ?, ?)", row).rowcount:
        return False
    lines = [(action.action_id, *line) for line in action.lines]
    db.executemany("insert or replace into lines values (?, ?, ?, ?, ?, ?)", lines)
    return True


def _add_case(
    db: sqlite3.Connection, of_case: list[tuple[str, str, str | None]], as_of: datetime,
    sums: dict[tuple[str, str], list[int]],
) -> None:  # fmt: skip
    """Add what a case's actions, oldest first, mean: the newest one decides about all that was ever held."""
    last_id, last, expires_at = of_case[-1]
    is_held = last == HOLD and expires_at is not None and datetime.fromisoformat(expires_at) > as_of
    booked: set[str] = set()
    for action_id, _, _ in reversed(of_case):
        lines = db.execute(
            "select session_key, track_id, month, eur_micros from lines where action_id = ?", (action_id,)
        )
        sessions = set()
        for session_key, track_id, month, micros in lines:
            if session_key in booked:
                continue  # a later hold has this session
            sessions.add(session_key)
            column = 2 if last == RESTORE else 0 if is_held and action_id == last_id else 1
            sums[track_id, month][column] += micros
        booked |= sessions
