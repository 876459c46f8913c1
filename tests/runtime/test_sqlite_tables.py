"""Programs that begin one SQLite file at the same time."""

import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from runtime import sqlite_tables
from runtime.sqlite_tables import begin_tables

SCHEMA = "create table if not exists rows (person text); create index if not exists by_person on rows (person);"


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """Another program that reads a file which is not begun."""
    with closing(sqlite3.connect(tmp_path / "file.sqlite", isolation_level=None)) as db:
        db.execute("create table other (x)")
        db.execute("begin")
        db.execute("select * from other").fetchall()
        yield db


def test_a_file_that_another_program_reads_is_begun_when_that_is_done(
    reader: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            reader.execute("rollback")

    monkeypatch.setattr(time, "sleep", pause)
    with closing(sqlite3.connect(tmp_path / "file.sqlite", timeout=0, isolation_level=None)) as db:
        begin_tables(db, SCHEMA)
        assert db.execute("pragma journal_mode").fetchone() == ("wal",)
        assert db.execute("select count(*) from rows").fetchone() == (0,)
    assert len(pauses) == 3


def test_a_file_that_stays_locked_is_said_to_be(
    reader: sqlite3.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_tables, "WAITS_S", 0.0)
    with (
        closing(sqlite3.connect(tmp_path / "file.sqlite", timeout=0, isolation_level=None)) as db,
        pytest.raises(sqlite3.OperationalError, match="locked"),
    ):
        begin_tables(db, SCHEMA)


def test_many_begin_a_file_at_once_and_each_saves_its_row(tmp_path: Path) -> None:
    def save(person: int) -> None:
        with closing(sqlite3.connect(tmp_path / "new.sqlite", timeout=60, isolation_level=None)) as db:
            begin_tables(db, SCHEMA)
            db.execute("insert into rows values (?)", (str(person),))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(save, range(40)))
    with closing(sqlite3.connect(tmp_path / "new.sqlite")) as db:
        assert db.execute("select count(*), count(distinct person) from rows").fetchone() == (40, 40)
