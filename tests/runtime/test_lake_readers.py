"""What upkeep leaves to the queries that read a table by its commits."""

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from runtime.errors import CheckpointError
from runtime.lake import LOG, committed_files
from runtime.lake.commits import Transaction, append_rows, create_table
from runtime.lake.moments import LOG_NEEDED_S, versions
from runtime.lake.readers import SNAPSHOT, Readers, missed_commits, note_snapshot, readers
from runtime.lake.upkeep import keep_up
from runtime.world import Unit
from tests.lake_rows import commit


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    """A version whose lake has sessions in four commits, the versions 1 to 4."""
    unit = Unit(tmp_path / "v1")
    for number in range(4):
        commit(unit.table("sessions"), pa.table({"session_key": [f"u:{number}"]}))
    return unit


def report(unit: Unit, query: str, done: int, read: dict[int, list[str]]) -> None:
    """Write the checkpoint of a report: the files that it has read by micro-batch, of which `done` is the last."""
    folder = unit.checkpoints / query
    for name in ("offsets", "commits", "sources/0"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for number, paths in read.items():
        (folder / "offsets" / str(number)).write_text(f'v1\n{{}}\n{{"logOffset":{number}}}\n{{"offset":1}}')
        lines = [f'{{"path":"file:///w/{path}","timestamp":1,"batchId":{number}}}' for path in paths]
        (folder / "sources" / "0" / str(number)).write_text("\n".join(["v1", *lines]))
        if number <= done:
            (folder / "commits" / str(number)).write_text("v1\n{}")


def log(*versions: int) -> list[str]:
    return [f"sessions/_delta_log/{version:020}.json" for version in versions]


def test_the_log_of_a_table_is_needed_from_what_its_slowest_reader_has_done(unit: Unit) -> None:
    table = unit.table("sessions")
    files = committed_files(table)
    assert readers(table, unit) is None
    report(unit, "scores", 1, {0: log(0, 1), 1: log(2, 3, 4)})
    assert readers(table, unit) == Readers(4)
    assert readers(unit.table("alerts"), unit) is None
    report(unit, "fraud_counts", 0, {0: log(0, 1), 1: log(2, 3)})
    assert readers(table, unit) == Readers(1, frozenset(files[1:])), "the second micro-batch is planned, not done"
    report(unit, "shadow/now-1", 0, {0: log(0)})
    assert (readers(table, unit), readers(table, unit, "now-1")) == (
        Readers(1, frozenset(files[1:])),
        Readers(0, frozenset(files)),
    )


def test_what_a_table_had_at_the_start_of_a_query_stays_until_the_query_has_read_it(unit: Unit) -> None:
    table = unit.table("sessions")
    files = committed_files(table)
    note_snapshot(table, unit.checkpoints / "scores" / SNAPSHOT, files_each=2)
    assert readers(table, unit) == Readers(-1, frozenset(files)), "a query that has not begun"
    (first, _) = sorted(file.name for file in (unit.checkpoints / "scores" / SNAPSHOT).iterdir())
    report(unit, "scores", 0, {0: [f"scores/snapshot/{first}", *log(4)]})
    assert readers(table, unit) == Readers(4, frozenset(files[2:]))


def versions_in_log(table: Path) -> list[int]:
    return sorted(int(file.stem) for file in (table / LOG).glob("*.json"))


def test_a_challenger_that_comes_back_knows_what_the_log_has_no_more(unit: Unit) -> None:
    table = unit.table("sessions")
    newest = committed_files(table)[-1]
    report(unit, "scores", 0, {0: log(0, 1, 2, 3, 4)})
    for name, done in (("late-1", 2), ("just-2", 3), ("now-3", 4)):
        report(unit, f"shadow/{name}", 0, {0: log(*range(done + 1))})
    note_snapshot(table, unit.checkpoints / "shadow" / "begins-4" / SNAPSHOT)
    names = ("late-1", "just-2", "now-3", "begins-4", "fresh-5")
    assert [missed_commits(unit, name) for name in names] == [0] * 5
    keep_up(table, readers(table, unit), time.time() + LOG_NEEDED_S + 30)
    assert versions_in_log(table) == [4, 5], "the last one that the report has read, and one that merges"
    assert [missed_commits(unit, name) for name in names] == [1, 0, 0, 0, 0]
    assert readers(table, unit, "late-1") == Readers(4), "nobody goes on with it"
    assert readers(table, unit, "just-2") == Readers(3, frozenset({newest}))
    scored = pa.table({"session_key": [f"u:{number}" for number in range(4)]})
    append_rows(unit.shadow("late@1"), scored, Transaction("shadow", 0), "shadow")
    assert missed_commits(unit, "late-1") == 0, "it has scored all: upkeep alone has committed since"


def test_of_a_table_without_a_session_no_challenger_has_missed_any(tmp_path: Path) -> None:
    empty = Unit(tmp_path / "v2")
    report(empty, "shadow/now-1", 0, {0: log(0)})
    assert missed_commits(empty, "now-1") == 0
    create_table(empty.table("sessions"))
    assert missed_commits(empty, "now-1") == 0


def test_times_of_a_log_rise_with_its_versions_after_a_clock_that_was_ahead_and_it_is_cut(unit: Unit) -> None:
    table = unit.table("sessions")
    ahead = time.time() + timedelta(days=7).total_seconds()
    os.utime(table / LOG / f"{4:020}.json", (ahead, ahead))
    for number in range(4, 7):
        commit(table, pa.table({"session_key": [f"u:{number}"]}))
    ms = [file.stat().st_mtime_ns // 10**6 for file in sorted((table / LOG).glob("*.json"))]
    assert len(ms) == 8
    assert ms == sorted(set(ms)), "a report takes them by these, and none that is a day older than the newest"
    assert versions(table)[-1].at < datetime.now(UTC) + timedelta(hours=1), "a version is as old as its commit"
    keep_up(table, now=time.time() + LOG_NEEDED_S + 30)
    assert versions_in_log(table) == [8]


@pytest.mark.parametrize(
    ("damaged", "end"), [("offsets/0", 12), ("sources/0/0", -2), ("snapshot/4-000000000.json", -2)]
)
def test_a_log_that_is_damaged_is_named(unit: Unit, damaged: str, end: int) -> None:
    table = unit.table("sessions")
    note_snapshot(table, unit.checkpoints / "scores" / SNAPSHOT)
    report(unit, "scores", 0, {0: log(4)})
    assert readers(table, unit) == Readers(4, frozenset(committed_files(table)))
    file = unit.checkpoints / "scores" / damaged
    file.write_text(file.read_text()[:end])
    with pytest.raises(CheckpointError, match=rf"scores/{damaged} is unreadable .*: restore it from a copy$"):
        readers(table, unit)
