"""Only committed files count: orphans of a crash, half-written folders and moved worlds included."""

import json
import shutil
from pathlib import Path

import pytest

from runtime.errors import CheckpointError
from runtime.lake import committed_files


@pytest.fixture
def table(tmp_path: Path) -> Path:
    folder = tmp_path / "v1" / "lake" / "sessions"
    (folder / "_spark_metadata").mkdir(parents=True)
    return folder


def commit(table: Path, log: str, *names: str) -> None:
    """Write a log file of the sink that commits files, and the files."""
    for name in names:
        path = table / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    entries = [json.dumps({"path": (table / name).as_uri(), "size": 0, "action": "add"}) for name in names]
    (table / "_spark_metadata" / log).write_text("\n".join(["v1", *entries]))


def names_of(table: Path) -> list[str]:
    return [file.relative_to(table).as_posix() for file in committed_files(table)]


def test_a_table_that_does_not_exist_has_no_files(tmp_path: Path) -> None:
    assert committed_files(tmp_path / "none") == []


def test_files_are_listed_in_the_order_of_batches_by_number(table: Path) -> None:
    for batch in (0, 2, 10):
        commit(table, str(batch), f"date=2025-03-03/part-{batch}.parquet")
    assert names_of(table) == [f"date=2025-03-03/part-{batch}.parquet" for batch in (0, 2, 10)]


def test_a_part_file_that_no_batch_committed_is_left_out(table: Path) -> None:
    commit(table, "0", "date=2025-03-03/part-0.parquet")
    (table / "date=2025-03-03" / "part-orphan.parquet").touch()
    assert names_of(table) == ["date=2025-03-03/part-0.parquet"]


def test_a_batch_without_files_is_no_error(table: Path) -> None:
    commit(table, "0")
    assert names_of(table) == []


def test_a_compact_log_stands_for_all_batches_before_it(table: Path) -> None:
    commit(table, "8", "a.parquet")
    commit(table, "9.compact", "old.parquet", "a.parquet")
    commit(table, "10", "b.parquet")
    assert names_of(table) == ["old.parquet", "a.parquet", "b.parquet"]


def test_of_two_compact_logs_the_newest_stands(table: Path) -> None:
    commit(table, "9.compact", "a.parquet")
    commit(table, "19.compact", "a.parquet", "b.parquet")
    assert names_of(table) == ["a.parquet", "b.parquet"]


def test_checksums_and_temporary_files_of_the_log_are_not_read(table: Path) -> None:
    commit(table, "0", "a.parquet")
    (table / "_spark_metadata" / ".0.crc").write_bytes(b"crc\0\xff")
    (table / "_spark_metadata" / ".1.5f3a.tmp").write_bytes(b"half")
    assert names_of(table) == ["a.parquet"]


def test_a_world_that_was_moved_is_read_where_it_is_now(table: Path, tmp_path: Path) -> None:
    commit(table, "0", "date=2025-03-03/part 0.parquet")
    moved = tmp_path / "elsewhere" / "sessions"
    moved.parent.mkdir()
    shutil.move(table, moved)
    (file,) = committed_files(moved)
    assert file == moved / "date=2025-03-03" / "part 0.parquet"
    assert file.exists()


def test_a_batch_folder_counts_once_it_is_complete(tmp_path: Path) -> None:
    table = tmp_path / "fraud_counts"
    for batch, is_done in ((0, True), (1, False)):
        folder = table / f"batch_id={batch}"
        folder.mkdir(parents=True)
        (folder / "part-0.parquet").touch()
        if is_done:
            (folder / "_SUCCESS").touch()
    assert names_of(table) == ["batch_id=0/part-0.parquet"]


def test_a_batch_folder_that_is_partitioned_by_date_is_read_to_the_bottom(tmp_path: Path) -> None:
    folder = tmp_path / "plays" / "batch_id=0"
    (folder / "date=2025-03-03").mkdir(parents=True)
    (folder / "date=2025-03-03" / "part-0.parquet").touch()
    (folder / "_SUCCESS").touch()
    assert names_of(tmp_path / "plays") == ["batch_id=0/date=2025-03-03/part-0.parquet"]


def test_a_batch_folder_that_is_partitioned_counts_with_all_its_parts(tmp_path: Path) -> None:
    table = tmp_path / "plays"
    for day in ("2025-03-03", "2025-03-04"):
        folder = table / "batch_id=0" / f"date={day}"
        folder.mkdir(parents=True)
        (folder / "part-0.parquet").touch()
    assert names_of(table) == []
    (table / "batch_id=0" / "_SUCCESS").touch()
    assert names_of(table) == [f"batch_id=0/date=2025-03-0{day}/part-0.parquet" for day in (3, 4)]


def test_a_damaged_log_is_named(table: Path) -> None:
    commit(table, "0", "date=2025-03-03/part-0.parquet")
    log = table / "_spark_metadata" / "0"
    log.write_text(log.read_text()[:-9])
    with pytest.raises(CheckpointError, match=r"_spark_metadata/0 is unreadable .*restore it from a copy"):
        committed_files(table)
