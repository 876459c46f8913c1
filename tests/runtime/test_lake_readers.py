"""What upkeep leaves to the queries that read a table by its commits."""

from pathlib import Path

import pyarrow as pa
import pytest

from runtime.lake import committed_files
from runtime.lake.readers import SNAPSHOT, Readers, note_snapshot, readers
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
