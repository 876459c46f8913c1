"""Upkeep changes no row: files are merged, the log is cut, what nothing needs is removed; a day leaves few files."""

import os
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from runtime.errors import LakeError
from runtime.lake import LOG, batch_of, committed_files, last_number, merging, upkeep
from runtime.lake.commits import Transaction, append_rows, rewrite, write_files
from runtime.lake.merging import level_of, merge, replace_files
from runtime.lake.moments import files_at, version_at, versions
from runtime.lake.readers import Readers
from runtime.lake.readings import FOLDER, reading
from runtime.lake.upkeep import READERS_NEED_S, expire, export, keep_up, vacuum
from runtime.parquet import count_rows, read_parquet
from tests.lake_rows import WRITER, commit

DAY = date(2025, 3, 3)
NOON = datetime(2025, 3, 3, 12, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[2]
READ_UNTIL_KILLED = """
import sys
from pathlib import Path
from runtime.lake.readings import reading

with reading(Path(sys.argv[1])):
    print("reading", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return tmp_path / "lake" / "sessions"


def session(number: int, day: date = DAY) -> pa.Table:
    at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC) + timedelta(seconds=number % 40_000)
    ended = pa.array([at], pa.timestamp("us", "UTC"))
    return pa.table({"session_key": [f"u:{number}"], "ended_at": ended, "date": pa.array([day], pa.date32())})


def keys(files: list[Path]) -> list[str]:
    return sorted(key for file in files for key in read_parquet(file)["session_key"].to_pylist())


def files_below(table: Path) -> int:
    return sum(len(files) for _, _, files in os.walk(table))


def test_small_files_become_one_and_nothing_else_changes(table: Path) -> None:
    for number in range(30):
        commit(table, session(number))
    before = keys(committed_files(table))
    assert merge(table) == 29, "the newest micro-batch waits: another table may not have it yet"
    merged, newest = committed_files(table)
    assert (level_of(merged), batch_of(merged), batch_of(newest)) == (1, 28, 29)
    assert merged.parent == table / f"date={DAY}"
    assert keys([merged, newest]) == before
    assert last_number(table, WRITER) == 29
    commit(table, session(30))
    assert not append_rows(table, session(30), Transaction(WRITER, 30)), "a repeated micro-batch adds nothing still"
    assert merge(table) == 0
    assert merge(table, fully=True) == 2


def test_a_column_that_came_later_is_null_in_the_rows_of_before(table: Path) -> None:
    commit(table, session(0))
    commit(table, session(1).append_column("score", pa.array([0.5])))
    commit(table, session(2))
    assert merge(table, fully=True) == 2
    rows = read_parquet(committed_files(table)[0])
    assert dict(zip(rows["session_key"].to_pylist(), rows["score"].to_pylist(), strict=True)) == {
        "u:0": None,
        "u:1": 0.5,
    }


def test_files_stay_as_long_as_a_reader_or_a_running_micro_batch_may_need_them(table: Path) -> None:
    for number in range(30):
        commit(table, session(number))
    listed = committed_files(table)
    (orphan,) = write_files(table, session(7), 7)
    (running,) = write_files(table, session(31), 31)
    unfinished = table / f".0f-{Path(running.path).name}"  # so HDFS names it until it is whole
    unfinished.touch()
    merge(table)
    now = time.time()
    assert vacuum(table, now) == []
    assert keys(listed) == keys(committed_files(table)), "as one reads who has listed the files before"
    late = now + READERS_NEED_S + 60
    assert len(vacuum(table, late, is_dry=True)) == 29 + 1
    unread = listed[3]
    assert len(vacuum(table, late, Readers(1, frozenset({unread})))) == 28 + 1
    assert vacuum(table, late) == [unread]
    assert not (table / orphan.path).exists()
    assert (table / running.path).exists()
    assert unfinished.exists()
    assert len(keys(committed_files(table))) == 30


def test_what_a_killed_merge_has_replaced_stays_for_readers_too(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(30):
        commit(table, session(number))
    listed, late = committed_files(table), time.time() + READERS_NEED_S + 60

    def rewrite_and_die(*arguments: Any, **options: Any) -> None:
        rewrite(*arguments, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(merging, "rewrite", rewrite_and_die)
    with pytest.raises(KeyboardInterrupt):
        merge(table, now=late)
    assert len(committed_files(table)) == 2
    assert vacuum(table, late + 1) == []
    assert len(keys(listed)) == 30
    assert len(vacuum(table, late + READERS_NEED_S + 1)) == 29


def test_a_reading_keeps_its_files_however_long_it_takes(table: Path, tmp_path: Path) -> None:
    for number in range(30):
        commit(table, session(number))
    late = time.time() + READERS_NEED_S + 60
    with reading(tmp_path):
        listed = committed_files(table)
        merge(table)
        with reading(tmp_path, lambda: late):
            assert vacuum(table, late) == []
        assert len(keys(listed)) == 30
    assert len(vacuum(table, late)) == 29
    assert [*(tmp_path / FOLDER).iterdir()] == []


def test_a_reading_of_another_process_keeps_its_files_until_that_ends(table: Path, tmp_path: Path) -> None:
    for number in range(30):
        commit(table, session(number))
    late = time.time() + READERS_NEED_S + 60
    command = [sys.executable, "-c", READ_UNTIL_KILLED, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "reading\n"
        merge(table)
        assert vacuum(table, late) == []
        reader.kill()
    assert len(vacuum(table, late)) == 29, "what a killed reader left keeps nothing"
    assert [*(tmp_path / FOLDER).iterdir()] == []


def test_where_there_is_no_version_a_reading_makes_none(tmp_path: Path) -> None:
    with reading(tmp_path / "v1"):
        assert not (tmp_path / "v1").exists()


def test_where_nothing_can_be_written_a_reading_goes_on_and_hides_no_error(tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_text("no folder")  # as on a read-only copy: nothing can be put into it
    with pytest.raises(OSError, match="of the reader"), reading(tmp_path):
        raise OSError("of the reader")
    assert [file.name for file in tmp_path.iterdir()] == [FOLDER]


def test_the_log_is_cut_only_as_far_as_its_readers_are_and_a_kept_version_can_be_read(table: Path) -> None:
    for number in range(10):
        commit(table, session(number))
    keep_up(table, Readers(4), time.time() + 120)
    assert min(int(file.stem) for file in (table / LOG).glob("*.json")) == 4
    then = versions(table)[-1]
    for number in range(10, 20):
        commit(table, session(number))
    keep_up(table, fully=True)
    assert len(list((table / LOG).glob("*.json"))) > 10, "another program may be reading them"
    keep_up(table, now=time.time() + 120)
    assert len(list((table / LOG).glob("*.json"))) == 1
    vacuum(table, time.time() + 10 * READERS_NEED_S)
    assert len(keys(files_at(table, then))) == 10
    assert len(keys(committed_files(table))) == len(keys(files_at(table, versions(table)[-1]))) == 20
    assert version_at(table, datetime.now(UTC)) == versions(table)[-1]
    with pytest.raises(LakeError, match=r"lake/sessions has no version of 2025-03-03 12:00 UTC: the oldest kept is of"):
        version_at(table, NOON)


def test_old_rows_are_removed_from_the_table_and_from_what_it_was(table: Path) -> None:
    for number, day in enumerate([DAY, DAY + timedelta(days=1), DAY + timedelta(days=2)]):
        commit(table, session(number, day))
    keep_up(table)
    both = pa.concat_tables([session(3), session(4, DAY + timedelta(days=2))]).drop_columns(["date"])
    commit(table, both)
    assert expire(table, "sessions", DAY + timedelta(days=2), is_dry=True) == 3
    assert len(keys(committed_files(table))) == 5
    assert expire(table, "sessions", DAY + timedelta(days=2)) == 3
    assert keys(committed_files(table)) == ["u:2", "u:4"]
    vacuum(table, time.time() + 2 * READERS_NEED_S)
    assert count_rows(table.rglob("*.parquet")) >= 2
    assert {key for file in table.glob("date=*/*.parquet") for key in keys([file])} == {"u:2", "u:4"}
    assert expire(table, "sessions", DAY + timedelta(days=2)) == 0


def test_rows_that_went_before_an_expiry_was_killed_are_in_no_earlier_version(
    table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (0, 1):
        commit(table, session(number, DAY + timedelta(days=number)))
    keep_up(table)

    def replace_and_die(*arguments: Any, **options: Any) -> None:
        replace_files(*arguments, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(upkeep, "replace_files", replace_and_die)
        with pytest.raises(KeyboardInterrupt):
            expire(table, "sessions", DAY + timedelta(days=1))
    assert expire(table, "sessions", DAY + timedelta(days=1)) == 0
    keep_up(table)
    vacuum(table, time.time() + 2 * READERS_NEED_S)
    assert keys([*table.rglob("part-*.parquet"), *table.rglob("merged-*.parquet")]) == ["u:1"]


def test_an_export_is_plain_folders(table: Path, tmp_path: Path) -> None:
    commit(table, session(1))
    commit(table, session(2, DAY + timedelta(days=1)))
    assert export(table, committed_files(table), tmp_path / "out") == 2
    names = sorted(file.relative_to(tmp_path / "out").as_posix() for file in (tmp_path / "out").rglob("*.parquet"))
    assert names == ["date=2025-03-03/part-00000.parquet", "date=2025-03-04/part-00001.parquet"]


def test_many_commits_leave_few_files(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day at 1-second triggers in small: upkeep after every 20 commits, merges of 4 files."""
    monkeypatch.setattr(merging, "SMALL_FILES", 4)
    began = time.time()
    for number in range(160):
        commit(table, session(number))
        if number % 20 == 19:
            keep_up(table, now=began + number * 60)
    keep_up(table, now=time.time() + 2 * READERS_NEED_S)
    assert files_below(table) < 60
    assert len(keys(committed_files(table))) == 160
    assert len(DeltaTable(table).file_uris()) < 20
