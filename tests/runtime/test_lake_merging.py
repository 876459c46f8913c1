"""Past days become one file each, however many micro-batches wrote them, and nothing is written again and again."""

import time
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from hypothesis import given
from hypothesis import strategies as st

from runtime.lake import LOG, batch_of, committed_files, merging, moments, places
from runtime.lake.merging import CLOSED_AFTER_S, MAX_MERGED_BYTES, MAX_RATIO, level_of, merge, similar
from runtime.lake.readings import reading
from runtime.lake.upkeep import READERS_NEED_S, keep_up, vacuum
from runtime.parquet import read_parquet
from tests.lake_rows import commit

DAY = date(2025, 3, 3)
NEXT = DAY + timedelta(days=1)


def session(number: int, day: date) -> pa.Table:
    ended = pa.array([number], pa.timestamp("us", "UTC"))
    return pa.table({"session_key": [f"u:{number}"], "ended_at": ended, "date": pa.array([day], pa.date32())})


def files_of(table: Path, day: date) -> list[Path]:
    return [file for file in committed_files(table) if file.parent.name == f"date={day}"]


@pytest.fixture
def two_days(tmp_path: Path) -> Path:
    """Five micro-batches of a day and five of the next one: too few to be merged by their number."""
    table = tmp_path / "lake" / "sessions"
    for number in range(10):
        commit(table, session(number, DAY if number < 5 else NEXT))
    return table


def test_a_day_without_new_files_becomes_one_file_and_the_newest_micro_batch_waits(two_days: Path) -> None:
    now = time.time()
    assert merge(two_days, now=now) == 0, "both days have just had new files"
    assert merge(two_days, now=now + CLOSED_AFTER_S + 60) == 5 + 4
    (past,), present = files_of(two_days, DAY), files_of(two_days, NEXT)
    assert (level_of(past), batch_of(past)) == (1, 4)
    assert [batch_of(file) for file in present] == [8, 9]
    rows = sorted(key for file in committed_files(two_days) for key in read_parquet(file)["session_key"].to_pylist())
    assert rows == [f"u:{n}" for n in range(10)]
    assert merge(two_days, now=now + 2 * CLOSED_AFTER_S) == 0


def test_a_late_row_opens_its_day_again_and_a_day_that_is_open_waits(two_days: Path) -> None:
    now = time.time()
    merge(two_days, now=now + CLOSED_AFTER_S + 60)
    commit(two_days, session(10, DAY))
    commit(two_days, session(11, NEXT))
    assert merge(two_days, now=now) == 0
    assert merge(two_days, now=now + CLOSED_AFTER_S + 60) == 2 + 2
    assert [level_of(file) for file in files_of(two_days, DAY)] == [2]


def test_what_a_long_upkeep_replaces_is_dated_then_and_so_is_the_version_that_it_keeps(
    two_days: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began = float(round(time.time()))
    at, merge_into = [began], merging._merge_into

    def merge_slowly(folder: Path, group: Sequence[Path]) -> Path:
        at[0] += 200
        return merge_into(folder, group)

    monkeypatch.setattr(merging, "_merge_into", merge_slowly)
    listed = committed_files(two_days)
    with reading(tmp_path, lambda: began + 195):
        assert keep_up(two_days, now=lambda: at[0]).merged == 9
        assert at[0] == began + 400
        assert vacuum(two_days, at[0] + READERS_NEED_S + 1) == []
        assert all(file.exists() for file in listed)
    assert moments.upkeep_at(two_days) == at[0]
    assert len(vacuum(two_days, at[0] + READERS_NEED_S + 1)) == 9


SIZES = st.lists(st.integers(1, MAX_MERGED_BYTES // 20), max_size=150)


@given(SIZES)
def test_few_files_are_left_and_a_byte_is_written_few_times_whatever_comes_late(arriving: list[int]) -> None:
    """Upkeep after each file of a closed folder: the worst case."""
    held, written = list[int](), 0
    for size in arriving:
        held.append(size)
        while (count := similar(sorted(held))) > 1:
            held.sort()
            merged = sum(held[:count])
            assert merged <= MAX_MERGED_BYTES
            written += merged
            held = [*held[count:], merged]
    small = sorted(size for size in held if size <= MAX_MERGED_BYTES // 2)
    # each is over MAX_RATIO times as large as all smaller ones together
    assert len(small) <= 10
    assert written <= sum(arriving) * (MAX_RATIO + 2) * 10
    assert sum(held) == sum(arriving)


def test_the_log_forgets_files_that_were_removed(two_days: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert DeltaTable(two_days).metadata().configuration == {
        "delta.deletedFileRetentionDuration": places.REMOVED_ARE_KNOWN_FOR
    }
    monkeypatch.setattr(places, "REMOVED_ARE_KNOWN_FOR", "interval 0 seconds")
    forgetful = two_days.with_name("alerts")
    for table in (two_days, forgetful):
        for number in range(10, 40):
            commit(table, session(number, DAY).drop_columns([] if table == two_days else ["date"]))
        keep_up(table, now=time.time() + CLOSED_AFTER_S + 60)
    assert removed_files(forgetful) == 0
    assert removed_files(two_days) > 30


def removed_files(table: Path) -> int:
    newest = max((table / LOG).glob("*.checkpoint.parquet"))
    return len(read_parquet(newest, ["remove"])["remove"].drop_null())
