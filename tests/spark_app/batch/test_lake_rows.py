"""User-days of the lake are up to date as long as the lake has the rows that they were computed from."""

from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from runtime.lake import committed_files, size_of, upkeep
from runtime.lake.commits import Transaction, replace, write_files
from runtime.world import Unit, World
from spark_app.batch.lake_rows import ARCHIVE, READ_ROWS, TABLE, fingerprint_of_rows, is_up_to_date
from tests.lake_rows import commit


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    return World(tmp_path / "w").unit


def archive(unit: Unit, *ids: str) -> None:
    commit(unit.table("plays"), pa.table({"play_id": [*ids]}))


def compute(unit: Unit) -> None:
    days = pa.table({"user_id": ["u1"]})
    table = unit.table(TABLE)
    replace(table, write_files(table, days), days.schema, Transaction(READ_ROWS, fingerprint_of_rows(unit)))


def test_rows_that_retention_removed_make_them_outdated_and_fewer_rows_count_then(unit: Unit) -> None:
    days = [datetime(2025, 3, day, 12, tzinfo=UTC) for day in (3, 3, 9)]
    commit(unit.table("plays"), pa.table({"event_time": pa.array(days, pa.timestamp("us", "UTC"))}))
    compute(unit)
    assert upkeep.expire(unit.table("plays"), "plays", date(2025, 3, 5)) == 2
    assert not is_up_to_date(unit)
    compute(unit)
    assert is_up_to_date(unit)


def test_as_many_new_rows_as_retention_removed_make_them_outdated(unit: Unit) -> None:
    for batch, day in enumerate((3, 9, 10)):
        if batch == 2:
            compute(unit)
            assert upkeep.expire(unit.table("plays"), "plays", date(2025, 3, 5)) == 1
        time = pa.array([datetime(2025, 3, day, 12, tzinfo=UTC)], pa.timestamp("us", "UTC"))
        commit(unit.table("plays"), pa.table({"event_time": time}), batch, ARCHIVE)
    assert size_of(unit.table("plays"))[0] == 2
    assert not is_up_to_date(unit)


def test_files_that_an_earlier_version_left_in_the_folder_do_not_count(unit: Unit) -> None:
    old = unit.table(TABLE) / "date=2025-03-03" / "part-0.parquet"
    old.parent.mkdir(parents=True)
    pq.write_table(pa.table({"user_id": ["of before"]}), old)
    archive(unit, "p1")
    assert not is_up_to_date(unit)
    compute(unit)
    assert [pq.read_table(file)["user_id"].to_pylist() for file in committed_files(unit.table(TABLE))] == [["u1"]]


def test_a_new_row_makes_them_outdated_and_files_that_are_merged_do_not(unit: Unit) -> None:
    assert not is_up_to_date(unit)
    archive(unit, "p1", "p2")
    assert not is_up_to_date(unit)
    compute(unit)
    assert is_up_to_date(unit)
    for number in range(30):
        archive(unit, f"q{number}")
        compute(unit)
    assert upkeep.keep_up(unit.table("plays"), now=4e9).merged > 0
    assert is_up_to_date(unit)
    commit(unit.table("activity"), pa.table({"event_id": ["e1"]}))
    assert not is_up_to_date(unit)
