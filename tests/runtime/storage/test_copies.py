"""Copies of a bucket's files: whoever changes the bucket meanwhile, and whatever this machine's disk does."""

import os
import time
from pathlib import Path

import pyarrow as pa
import pytest

from runtime.errors import CheckpointError, StorageError
from runtime.lake import committed_files, listed_files, signature
from runtime.lake.upkeep import READERS_NEED_S, keep_up, vacuum
from runtime.parquet import ParquetError, read_parquet
from runtime.storage import bucket, push, refresh, s3
from runtime.world import Unit
from tests.lake_rows import commit
from tests.local_bucket import there_and_here

LATER_S = 2 * READERS_NEED_S


@pytest.fixture
def machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Unit, Unit]:
    """A version with a table of four commits in the bucket, and the same version on a machine that has read nothing."""
    there, here = there_and_here(tmp_path, monkeypatch)
    for number in range(4):
        commit(there.table("alerts"), pa.table({"session_key": [f"u:{number}"]}))
    return there, here


def keys(table: Path) -> list[str]:
    return sorted(key for file in committed_files(table) for key in read_parquet(file)["session_key"].to_pylist())


@pytest.mark.parametrize("suffix", [".json", ".parquet"])
def test_what_upkeep_removes_while_it_is_copied_is_read_from_what_replaced_it(
    machines: tuple[Unit, Unit], monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    there, here = (unit.table("alerts") for unit in machines)
    copy, removed = bucket.Storage._copy, list[Path]()

    def copy_after_upkeep(storage: bucket.Storage, file: Path, info: object) -> None:
        if file.suffix == suffix and not removed:
            keep_up(there, now=time.time() + LATER_S, fully=True)
            removed.extend(vacuum(there, time.time() + 2 * LATER_S))
        copy(storage, file, info)

    monkeypatch.setattr(bucket.Storage, "_copy", copy_after_upkeep)
    assert keys(here) == ["u:0", "u:1", "u:2", "u:3"]
    assert len(removed) == 3
    assert keys(here) == keys(there)


def test_a_file_that_the_log_names_and_the_bucket_lacks_is_named(machines: tuple[Unit, Unit]) -> None:
    there, here = (unit.table("alerts") for unit in machines)
    gone = listed_files(there)[2]
    assert [file.name for file in listed_files(here)] == [file.name for file in listed_files(there)]
    assert not any(here.glob("*.parquet")), "names need no copy"
    gone.unlink()
    with pytest.raises(CheckpointError, match=f"lake/alerts counts a file that is not there: .*{gone.name}"):
        committed_files(here)


def test_a_copy_that_was_cut_is_named_and_is_copied_again_once_it_is_removed(machines: tuple[Unit, Unit]) -> None:
    table = machines[1].table("alerts")
    file = committed_files(table)[0]
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(ParquetError, match=f"{file.name} is not a readable parquet file"):
        keys(table)
    file.unlink()
    assert keys(table) == ["u:0", "u:1", "u:2", "u:3"]
    log = sorted((table / "_delta_log").glob("*.json"))[-1]
    log.write_bytes(b"")
    assert signature(table) is not None
    assert keys(table) == ["u:0", "u:1", "u:2", "u:3"], "of the log a cut copy is replaced"


def test_a_disk_that_is_full_is_not_blamed_on_the_bucket(
    machines: tuple[Unit, Unit], monkeypatch: pytest.MonkeyPatch
) -> None:
    table = machines[1].table("alerts")

    def no_space(file: Path, content: bytes) -> int:
        file.touch()
        raise OSError(28, "No space left on device", str(file))

    monkeypatch.setattr(Path, "write_bytes", no_space)
    with pytest.raises(OSError, match="No space left on device") as caught:
        committed_files(table)
    assert not isinstance(caught.value, StorageError)
    assert str(table) in str(caught.value)
    assert [*(table / "_delta_log").iterdir()] == [], "nothing is left of a copy that failed"


def test_a_storage_without_the_bucket_is_no_empty_table_and_no_copy_goes(machines: tuple[Unit, Unit]) -> None:
    there, table = machines[0], machines[1].table("alerts")
    copies = committed_files(table)
    there.root.parents[1].rename(there.root.parents[2] / "of-another-team")
    s3._require_bucket.cache_clear()  # as a process does that begins now
    for use in (committed_files, signature):
        with pytest.raises(StorageError, match="there is no bucket playproof at Amazon: make it, look at AWS_ENDPOINT"):
            use(table)
    assert all(file.exists() for file in copies)
    assert any((table / "_delta_log").iterdir())


def test_a_file_that_is_not_here_replaces_nothing_in_the_bucket(machines: tuple[Unit, Unit]) -> None:
    there, here = (unit.checkpoints / "STATE.json" for unit in machines)
    there.parent.mkdir()
    there.write_text("{}")
    with pytest.raises(FileNotFoundError):
        push(here)
    assert there.read_text() == "{}"


def test_a_copy_has_the_time_of_the_bucket_whatever_the_clock_here_says(machines: tuple[Unit, Unit]) -> None:
    there, here = (unit.checkpoints / "STATE.json" for unit in machines)
    there.parent.mkdir()
    for content, at in (("old", 4e9), ("new", 1e9)):  # the bucket's clock went back
        there.write_text(content)
        os.utime(there, (at, at))
        refresh(here.parent)
        assert (here.read_text(), here.stat().st_mtime) == (content, at)
