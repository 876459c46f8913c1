"""Rules in SQLite (WAL): every version, every step, every back-test, every exemption. Rows are only added."""

import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from contracts.rules import ARCHIVED, DRAFT
from models.rules.errors import RuleError
from models.rules.lifecycle import Exemption, Version, check_draft, check_exemption, check_step, replaced_by
from runtime.event_text import format_time
from runtime.sqlite_tables import begin_tables
from runtime.world import World

_SCHEMA = """
create table if not exists versions (
    rule_id text not null, version integer not null, title text not null, grain text not null,
    expression text not null, author text not null, drafted_at text not null, primary key (rule_id, version)
);
create table if not exists steps (
    rule_id text not null, version integer not null, state text not null, person text not null, at text not null,
    note text not null, sequence integer not null unique
);
create index if not exists steps_of on steps (rule_id, version);
create table if not exists tests (
    rule_id text not null, version integer not null, person text not null, at text not null, report blob not null
);
create table if not exists exemptions (
    kind text not null, subject text not null, until text not null, why text not null, person text not null,
    at text not null, sequence integer not null unique
);
create view if not exists states as select s.*, max(s.sequence) from steps s group by s.rule_id, s.version;
""" + "".join(
    f"create trigger if not exists {table}_{event} before {event} on {table} "
    "begin select raise(abort, 'append only'); end;\n"
    for table in ("versions", "steps", "tests", "exemptions")
    for event in ("update", "delete")
)
_VERSIONS = """select v.rule_id, v.version, v.title, v.grain, v.expression, v.author, v.drafted_at, s.state,
    coalesce((select a.person from steps a where a.rule_id = v.rule_id and a.version = v.version and a.state = 'active'
        order by a.sequence desc limit 1), ''), s.person, s.at, s.note,
    exists (select 1 from tests t where t.rule_id = v.rule_id and t.version = v.version)
    from versions v join states s using (rule_id, version)"""
_DECIDERS = "select analyst from decisions union select assignee from assignments where assignee is not null"
"""Of the verdicts: who decided a case, or was given one."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a version: who took it to a state, when, and why."""

    version: int
    state: str
    person: str
    at: str
    note: str


class RuleStore:
    """The record of a world's rules. Every call opens a connection, so any thread or process may call."""

    def __init__(self, path: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Open the record; it is begun with its first row. Raises RuleError where the file is none, as all calls."""
        self.path, self._now = path, now
        if path.exists():
            with self._open() as db:
                db.executescript(_SCHEMA)

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path, timeout=10, isolation_level=None)) as db:
                yield db
        except sqlite3.OperationalError as error:  # locked, full, not ours to write
            raise RuleError(f"{self.path} cannot be used now ({error}): try again") from None
        except sqlite3.DatabaseError as error:
            raise RuleError(
                f"{self.path} cannot be read ({error}): restore it from a copy, or rename it to begin new rules"
            ) from None

    @contextmanager
    def _writing(self) -> Iterator[tuple[sqlite3.Connection, str]]:
        """Open one transaction, with the time of now; nothing of it is saved where it raises."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._open() as db:
            begin_tables(db, _SCHEMA)
            db.execute("begin immediate")
            try:
                yield db, self.now_text()
            except BaseException:
                db.execute("rollback")
                raise
            db.execute("commit")

    def _read(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        if not self.path.exists():
            return []
        with self._open() as db:
            return db.execute(query, values).fetchall()

    def now_text(self) -> str:
        """Return the time of now as it is kept with a step."""
        return format_time(round(self._now().timestamp() * 1000))

    def versions(self, rule_id: str | None = None) -> list[Version]:
        """Return all versions, or those of one rule, by name and number."""
        query = f"{_VERSIONS} where ?1 is null or v.rule_id = ?1 order by v.rule_id, v.version"
        return [_version(row) for row in self._read(query, rule_id)]

    def version(self, rule_id: str, number: int | None = None) -> Version:
        """Return a version of a rule, the newest without a number. Raises RuleError where there is none."""
        found = [v for v in self.versions(rule_id) if number in (None, v.version)]
        if not found:
            names = ", ".join(sorted({v.rule_id for v in self.versions()})) or "none yet"
            wanted = rule_id if number is None else f"version {number} of rule {rule_id}"
            raise RuleError(f"there is no {wanted}; rules of this world: {names}")
        return found[-1]

    def steps(self, rule_id: str) -> list[Step]:
        """Return every step of a rule, oldest first."""
        query = "select version, state, person, at, note from steps where rule_id = ? order by sequence"
        return [Step(*row) for row in self._read(query, rule_id)]

    def last_test(self, rule_id: str, number: int) -> dict[str, Any] | None:
        """Return the newest back-test of a version (`backtest.BackTest.as_dict`, with person and at)."""
        query = "select report, person, at from tests where rule_id = ? and version = ? order by rowid desc limit 1"
        rows = self._read(query, rule_id, number)
        return {**orjson.loads(rows[0][0]), "person": rows[0][1], "at": rows[0][2]} if rows else None

    def exemptions(self) -> list[Exemption]:
        """Return the newest row of every exemption, ended ones among them, by kind and subject."""
        query = """select kind, subject, until, why, person, at, max(sequence) from exemptions group by kind, subject
            order by kind, subject"""
        return [Exemption(*row) for row in self._read(query)]

    def people(self) -> set[str]:
        """Return who drafted, tested or approved a rule, or changed the allow-list."""
        query = "select author from versions union select person from steps union select person from exemptions"
        return {str(row[0]) for row in self._read(query)}

    def sequences(self) -> dict[str, int]:
        """Return the newest change of each rule and exemption by the key of its message."""
        query = """select rule_id, max(sequence) from steps group by rule_id union all
            select 'allow:' || kind || ':' || subject, max(sequence) from exemptions group by kind, subject"""
        return {str(key): int(sequence) for key, sequence in self._read(query)}

    def draft(self, rule_id: str, title: str, grain: str, expression: str, person: str, seen: int = -1) -> Version:
        """Save a new version of a rule as a draft; an earlier draft of it is archived.

        `seen`: the newest version that the person saw, -1 for any. Raises RuleError, RuleTextError.
        """
        check_draft(rule_id, title, grain, expression)
        with self._writing() as (db, at):
            others = _versions_of(db, rule_id)
            newest = max((v.version for v in others), default=0)
            if seen not in (-1, newest):
                raise RuleError(f"somebody saved version {newest} of {rule_id} in between: look at it and try again")
            if others and others[-1].grain != grain:
                raise RuleError(f"rule {rule_id} looks at {others[-1].grain}: give a rule over {grain} another name")
            row = (rule_id, newest + 1, " ".join(title.split()), grain, expression, person, at)
            db.execute("insert into versions values (?, ?, ?, ?, ?, ?, ?)", row)
            new = Version(*row)
            for other in replaced_by(new, DRAFT, others):
                self._add_step(db, other, ARCHIVED, person, at, f"replaced by version {new.version}")
            self._add_step(db, new, DRAFT, person, at, "")
        return self.version(rule_id, new.version)

    def step(self, rule_id: str, number: int, state: str, person: str, people: Collection[str], note: str = "") -> None:
        """Take a version to a state. Versions that it replaces are archived. Raises RuleError where it may not."""
        with self._writing() as (db, at):
            others = _versions_of(db, rule_id)
            version = next((v for v in others if v.version == number), None)
            if version is None:
                raise RuleError(f"there is no version {number} of rule {rule_id}")
            check_step(version, state, person, people, note)
            for other in replaced_by(version, state, others):
                self._add_step(db, other, ARCHIVED, person, at, f"replaced by version {number}")
            self._add_step(db, version, state, person, at, note)

    def _add_step(self, db: sqlite3.Connection, version: Version, state: str, person: str, at: str, note: str) -> None:
        row = (version.rule_id, version.version, state, person, at, note, self._next_sequence(db))
        db.execute("insert into steps values (?, ?, ?, ?, ?, ?, ?)", row)

    def _next_sequence(self, db: sqlite3.Connection) -> int:
        """Return a number above all others: epoch ms, so that a store that was begun again is newer too."""
        query = """select coalesce(max(sequence), 0) from
            (select sequence from steps union all select sequence from exemptions)"""
        return max(int(db.execute(query).fetchone()[0]) + 1, round(self._now().timestamp() * 1000))

    def add_test(self, rule_id: str, number: int, person: str, report: dict[str, Any]) -> None:
        """Keep the result of a back-test."""
        with self._writing() as (db, at):
            row = (rule_id, number, person, at, orjson.dumps(report))
            db.execute("insert into tests values (?, ?, ?, ?, ?)", row)

    def exempt(self, kind: str, subject: str, until: str, why: str, person: str) -> Exemption:
        """Let an account or track pass up to a day, and with it. Raises RuleError for what cannot be exempted."""
        last = check_exemption(kind, subject, until, why, self.now_text()[:10])
        return self._add_exemption(kind, subject, last, " ".join(why.split()), person)

    def end_exemption(self, kind: str, subject: str, person: str) -> Exemption:
        """End an exemption at once. Raises RuleError where there is none in force."""
        today = date.fromisoformat(self.now_text()[:10])
        now = [e for e in self.exemptions() if (e.kind, e.subject) == (kind, subject)]
        if not now or not now[0].is_in_force(today.isoformat()):
            raise RuleError(f"no exemption of {kind} {subject} is in force")
        return self._add_exemption(kind, subject, (today - timedelta(1)).isoformat(), now[0].why, person)

    def _add_exemption(self, kind: str, subject: str, until: str, why: str, person: str) -> Exemption:
        with self._writing() as (db, at):
            row = Exemption(kind, subject, until, why, person, at, self._next_sequence(db))
            db.execute(
                "insert into exemptions values (?, ?, ?, ?, ?, ?, ?)",
                (kind, subject, until, why, person, at, row.sequence),
            )
        return row


def known_people(world: World, store: RuleStore) -> set[str]:
    """Return the names; those of the verdicts where they can be read."""
    names = store.people()
    if world.verdicts.exists():
        try:
            with closing(sqlite3.connect(f"{world.verdicts.resolve().as_uri()}?mode=ro", uri=True)) as db:
                names |= {str(row[0]) for row in db.execute(_DECIDERS)}
        except sqlite3.DatabaseError:
            pass  # of another version, or damaged: the desk says so
    return names


def _versions_of(db: sqlite3.Connection, rule_id: str) -> list[Version]:
    rows = db.execute(f"{_VERSIONS} where v.rule_id = ? order by v.version", (rule_id,))
    return [_version(row) for row in rows]


def _version(row: tuple[Any, ...]) -> Version:
    version = Version(*row)
    return replace(version, is_tested=bool(version.is_tested))
