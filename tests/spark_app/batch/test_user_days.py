"""The files of a run of user-days, of which none counts before the run's end."""

import time
from pathlib import Path

import pyarrow as pa

from runtime.lake import batch_of, committed_files
from runtime.lake.commits import replace, write_files
from runtime.lake.upkeep import READERS_NEED_S, vacuum
from spark_app.batch.user_days import next_number
from tests.lake_rows import replace_rows


def test_upkeep_removes_no_file_of_a_run_that_takes_long_and_those_of_the_run_before_once_they_are_replaced(
    tmp_path: Path,
) -> None:
    table, days = tmp_path / "lake" / "user_days", pa.table({"user_id": ["u1"]})
    assert next_number(table) == 0
    replace_rows(table, days)
    (before,) = committed_files(table)
    (running,) = write_files(table, days, next_number(table))
    late = time.time() + READERS_NEED_S + 60
    assert vacuum(table, late) == []
    replace(table, [running], days.schema)
    assert committed_files(table) == [table / running.path]
    assert batch_of(table / running.path) == 1
    assert next_number(table) == 2
    assert vacuum(table, late) == [before]
