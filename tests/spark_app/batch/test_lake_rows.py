"""User-days of the lake are up to date as long as the lake has the rows that they were computed from."""

from pathlib import Path

import pyarrow as pa
import pytest

from runtime.lake import upkeep
from runtime.lake.commits import Transaction, replace, write_files
from runtime.world import Unit, World
from spark_app.batch.lake_rows import READ_ROWS, TABLE, is_up_to_date, rows_in_lake
from tests.lake_rows import commit


@pytest.fixture
def unit(tmp_path: Path) -> Unit:
    return World(tmp_path / "w").unit


def archive(unit: Unit, *ids: str) -> None:
    commit(unit.table("plays"), pa.table({"play_id": [*ids]}))


def compute(unit: Unit) -> None:
    days = pa.table({"user_id": ["u1"]})
    table = unit.table(TABLE)
    replace(table, write_files(table, days), days.schema, Transaction(READ_ROWS, rows_in_lake(unit)))


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
