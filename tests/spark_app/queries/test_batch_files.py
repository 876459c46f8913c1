"""Files that workers write: only what a task reported, and the driver moved, ever counts."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from runtime.lake import committed_files
from spark_app.queries.batch_files import WRITING, BatchFiles, clear, commit

BATCH, DAY = "batch_id=3", "date=2026-03-01"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "lake" / "plays"


def written(table: Path, *names: str) -> dict[str, str]:
    """Let a task write rows, each in a group of its own; return what it reports."""
    files = BatchFiles()
    for name in names:
        files.add(pa.table({"play_id": [name], "user_id": ["u1"]}), table, BATCH, DAY, unique=["play_id"])
    report = files.report().to_pydict()
    return dict(zip(report["path"], report["folder"], strict=True))


def rows_in(table: Path) -> list[str]:
    return [name for file in committed_files(table) for name in pq.read_table(file)["play_id"].to_pylist()]


def test_nothing_counts_before_the_driver_has_moved_it(table: Path) -> None:
    report = written(table, "p1", "p2")
    assert rows_in(table) == []
    commit(report, [table], BATCH)
    assert rows_in(table) == ["p1", "p2"]
    (file,) = committed_files(table)
    assert file.parent == table / BATCH / DAY
    assert pq.ParquetFile(file).num_row_groups == 2


def test_what_a_failed_task_wrote_never_counts_and_is_removed(table: Path) -> None:
    written(table, "half of it")  # and reports nothing to the driver
    commit(written(table, "p1"), [table], BATCH)
    assert rows_in(table) == ["p1"]
    assert not (table / WRITING).exists()


def test_a_second_try_of_a_micro_batch_replaces_the_first(table: Path) -> None:
    commit(written(table, "p1", "p2"), [table], BATCH)
    clear([table], BATCH)
    assert rows_in(table) == []
    commit(written(table, "p1"), [table], BATCH)
    assert rows_in(table) == ["p1"]


def test_a_table_without_rows_is_complete_too(table: Path) -> None:
    files = BatchFiles()
    files.add(pa.table({"play_id": pa.array([], pa.string())}), table, BATCH)
    assert files.report().num_rows == 0
    commit({}, [table], BATCH)
    assert committed_files(table) == []
    assert (table / BATCH / "_SUCCESS").exists()
