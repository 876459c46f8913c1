"""Files that workers write: only what a task reported, and the driver committed, ever counts."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import Row

from runtime.lake import batch_of, committed_files
from runtime.world import Unit
from spark_app.queries.batch_files import BatchFiles, commit

BATCH, DAY = 3, "date=2026-03-01"


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    return Unit(tmp_path / "v1")


def written(unit: Unit, *names: str, batch: int = BATCH) -> list[Row]:
    """Let a task write rows, each in a group of its own; return what it reports."""
    files = BatchFiles(batch)
    for name in names:
        files.add(pa.table({"play_id": [name], "user_id": ["u1"]}), unit.table("plays"), DAY, unique=["play_id"])
    return [Row(**line) for line in files.report().to_pylist()]


def rows_in(unit: Unit) -> list[str]:
    files = committed_files(unit.table("plays"))
    return [name for file in files for name in pq.ParquetFile(file).read()["play_id"].to_pylist()]


def test_nothing_counts_before_the_driver_has_committed_it(unit: Unit) -> None:
    report = written(unit, "p1", "p2")
    assert rows_in(unit) == []
    commit(report, unit, "archive", BATCH)
    assert rows_in(unit) == ["p1", "p2"]
    (file,) = committed_files(unit.table("plays"))
    assert (file.parent, batch_of(file)) == (unit.table("plays") / DAY, BATCH)
    assert pq.ParquetFile(file).num_row_groups == 2


def test_what_a_failed_task_wrote_never_counts(unit: Unit) -> None:
    written(unit, "half of it")  # and reports nothing to the driver
    commit(written(unit, "p1"), unit, "archive", BATCH)
    assert rows_in(unit) == ["p1"]


def test_a_micro_batch_that_is_repeated_adds_nothing_and_leaves_no_file(unit: Unit) -> None:
    for _ in range(2):
        commit(written(unit, "p1", "p2"), unit, "archive", BATCH)
        assert rows_in(unit) == ["p1", "p2"]
    assert len(list(unit.table("plays").rglob("*.parquet"))) == 1
    commit(written(unit, "p3", batch=4), unit, "archive", 4)
    assert rows_in(unit) == ["p1", "p2", "p3"]


def test_a_task_without_rows_writes_no_file(unit: Unit) -> None:
    files = BatchFiles(BATCH)
    files.add(pa.table({"play_id": pa.array([], pa.string())}), unit.table("plays"))
    assert files.report().num_rows == 0
    commit([], unit, "archive", BATCH)
    assert committed_files(unit.table("plays")) == []
