"""Verdicts in SQLite (WAL): decisions are only ever added, the newest of a case stands, every attempt is audited.

Two analysts: a decision names the version it was made on, and is refused if another came in between. A form sent
twice carries the same key, and the second time gives the first decision back.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

from contracts import verdicts as v
from contracts.topics import TOPICS, VERDICTS

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


@dataclass(frozen=True, slots=True)
class Draft:
    """What an analyst asks for. `seen_version` is the version on the screen, 0 where there was none."""

    case_id: str
    user_id: str
    step: str
    analyst: str
    seen_version: int
    key: str
    verdict: str = ""
    reason_code: str | None = None
    note: str | None = None
    model_version: str | None = None
    drawn_by: str = v.BY_FLAG
    draw_probability: float = 1.0
    eur: float = 0.0
    """Money at risk when it was decided; what a confirmed case counts for."""
    streams: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """One version of a case's verdict, as it stands in table `decisions`."""

    case_id: str
    version: int
    user_id: str
    verdict: str
    reason_code: str | None
    note: str | None
    analyst: str
    model_version: str | None
    decided_at: str
    step: str
    drawn_by: str
    draw_probability: float
    key: str
    eur: float
    streams: int

    @property
    def is_appealed(self) -> bool:
        return self.step == v.APPEAL


class Refused(Exception):
    """A decision that makes no sense as it is; the text says why."""


class Conflict(Exception):
    """Somebody decided in between: `standing` is theirs, `draft` is what was not saved."""

    def __init__(self, standing: Decision, draft: Draft) -> None:
        super().__init__(f"case {draft.case_id} is at version {standing.version}, decided on {draft.seen_version}")
        self.standing = standing
        self.draft = draft


_NAMES = ", ".join(f.name for f in fields(Decision))


def _now() -> datetime:
    return datetime.now(UTC)


class VerdictStore:
    """The truth of decisions. Every call opens its own connection, so any thread or process may call."""

    def __init__(self, path: Path, now: Callable[[], datetime] = _now) -> None:
        self.path = path
        self._now = now
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as db:
            db.execute("pragma journal_mode = wal")
            db.executescript(_SCHEMA)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        db = sqlite3.connect(self.path, timeout=10, isolation_level=None)
        try:
            yield db
        finally:
            db.close()

    def standing(self, case_id: str) -> Decision | None:
        """Return the newest decision of a case."""
        with self._open() as db:
            return _standing(db, case_id)

    def history(self, case_id: str) -> list[Decision]:
        """Return all decisions of a case, oldest first."""
        with self._open() as db:
            rows = db.execute(f"select {_NAMES} from decisions where case_id = ? order by version", (case_id,))
            return [Decision(*row) for row in rows]

    def all(self) -> list[Decision]:
        """Return every decision ever made, in order."""
        with self._open() as db:
            return [Decision(*row) for row in db.execute(f"select {_NAMES} from decisions order by rowid")]

    def stamp(self) -> int:
        """Return a number that grows with every decision, whoever made it."""
        with self._open() as db:
            return int(db.execute("select coalesce(max(rowid), 0) from decisions").fetchone()[0])

    def audit(self, case_id: str) -> list[tuple[str, ...]]:
        """Return (at, analyst, step, seen_version, verdict, outcome) of every attempt on a case, oldest first."""
        with self._open() as db:
            columns = "at, analyst, step, seen_version, verdict, outcome"
            return db.execute(f"select {columns} from audit where case_id = ? order by rowid", (case_id,)).fetchall()

    def write(self, draft: Draft) -> Decision:
        """Add a decision. Raises Conflict, Refused; both are audited, like what was saved."""
        with self._open() as db:
            db.execute("begin immediate")
            done = db.execute(f"select {_NAMES} from decisions where key = ?", (draft.key,)).fetchone()
            if done:
                db.execute("rollback")
                return Decision(*done)
            at = self._now().isoformat(timespec="milliseconds").replace("+00:00", "Z")
            try:
                decision = _next(draft, _standing(db, draft.case_id), self.history(draft.case_id), at)
            except (Conflict, Refused) as error:
                _audit(db, at, draft, f"{type(error).__name__.lower()}: {error}")
                db.execute("commit")
                raise
            marks = ", ".join("?" * len(fields(Decision)))
            values = tuple(getattr(decision, f.name) for f in fields(Decision))
            db.execute(f"insert into decisions ({_NAMES}) values ({marks})", values)
            db.execute("insert into outbox values (?, ?, null)", (decision.case_id, decision.version))
            _audit(db, at, draft, f"saved as version {decision.version}")
            db.execute("commit")
            return decision

    def unsent(self, limit: int | None = None) -> list[Decision]:
        """Return decisions that topic `verdicts` has not acknowledged, the oldest first."""
        names = ", ".join(f"d.{f.name}" for f in fields(Decision))
        query = f"select {names} from outbox o join decisions d using (case_id, version) where o.sent_at is null"
        with self._open() as db:
            return [Decision(*row) for row in db.execute(f"{query} order by d.rowid limit ?", (limit or -1,))]

    def mark_sent(self, decisions: Iterable[Decision]) -> None:
        """Note that the topic has acknowledged decisions."""
        at = self._now().isoformat()
        with self._open() as db:
            db.execute("begin")
            db.executemany(
                "update outbox set sent_at = ? where case_id = ? and version = ?",
                [(at, decision.case_id, decision.version) for decision in decisions],
            )
            db.execute("commit")


def _standing(db: sqlite3.Connection, case_id: str) -> Decision | None:
    row = db.execute(f"select {_NAMES} from standing where case_id = ?", (case_id,)).fetchone()
    return Decision(*row) if row else None


def _audit(db: sqlite3.Connection, at: str, draft: Draft, outcome: str) -> None:
    row = (at, draft.analyst, draft.step, draft.case_id, draft.seen_version, draft.verdict or None, outcome)
    db.execute("insert into audit values (?, ?, ?, ?, ?, ?, ?)", row)


def _next(draft: Draft, standing: Decision | None, history: list[Decision], at: str) -> Decision:
    """Return the decision a draft makes of what stands. Raises Conflict, Refused."""
    if standing and standing.version != draft.seen_version:
        raise Conflict(standing, draft)
    version = standing.version if standing else 0
    verdict, reason, note = _outcome(draft, standing, history)
    return Decision(
        draft.case_id, version + 1, draft.user_id, verdict, reason, note, draft.analyst, draft.model_version, at,
        draft.step, draft.drawn_by, draft.draw_probability, draft.key, draft.eur, draft.streams,
    )  # fmt: skip


def _outcome(draft: Draft, standing: Decision | None, history: list[Decision]) -> tuple[str, str | None, str | None]:
    if draft.step == v.DECIDE:
        return _checked(draft.verdict, draft.reason_code), draft.reason_code, draft.note
    if standing is None or standing.verdict == v.OPEN:
        raise Refused("there is no verdict on this case yet")
    if draft.step == v.UNDO:
        if standing.step == v.UNDO:
            raise Refused("the last decision was already taken back")
        if standing.analyst != draft.analyst:
            raise Refused(f"only {standing.analyst} can undo this; decide anew instead")
        before = history[-2] if len(history) > 1 else None
        return (before.verdict, before.reason_code, draft.note) if before else (v.OPEN, None, draft.note)
    if draft.step == v.APPEAL:
        if standing.verdict != v.CONFIRM or standing.is_appealed:
            raise Refused("only a confirmed case can be appealed, once at a time")
        return standing.verdict, standing.reason_code, draft.note
    if not standing.is_appealed:
        raise Refused("no appeal is waiting on this case")
    if draft.step == v.UPHOLD:
        return standing.verdict, standing.reason_code, draft.note
    if draft.step == v.ROLL_BACK:
        return _checked(v.DISMISS, draft.reason_code), draft.reason_code, draft.note
    raise Refused(f"step {draft.step!r} is none of {', '.join(v.STEPS)}")


def _checked(verdict: str, reason_code: str | None) -> str:
    if verdict not in v.REASONS:
        raise Refused(f"verdict {verdict!r} is none of {', '.join(v.REASONS)}")
    if reason_code not in v.REASONS[verdict]:
        raise Refused(f"pick a reason: a verdict {verdict!r} needs one of {', '.join(v.REASONS[verdict])}")
    return verdict
