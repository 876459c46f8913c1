"""What the job itself does for its tables: when they are due, and no more than its reports allow."""

import threading
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from runtime.lake import LOG, committed_files
from runtime.lake import upkeep as lake_upkeep
from runtime.lake.upkeep import Upkeep
from runtime.parquet import count_rows
from runtime.settings import Settings
from runtime.world import Unit
from spark_app.monitoring import upkeep
from tests.flow.stage import WITHIN_S
from tests.lake_rows import commit


@pytest.fixture
def unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Unit:
    """Sessions in 8 commits, and a report that has not begun to read them."""
    monkeypatch.setattr(lake_upkeep, "DUE_COMMITS", 5)
    monkeypatch.setattr(lake_upkeep, "OVERDUE_COMMITS", 10)
    monkeypatch.setattr(lake_upkeep, "SMALL_FILES", 4)
    unit = Unit(tmp_path / "v1")
    for number in range(8):
        rows = {"session_key": [f"u:{number}"], "ended_at": pa.array([0], pa.timestamp("us", "UTC"))}
        commit(unit.table("sessions"), pa.table(rows))
    (unit.checkpoints / "scores" / "snapshot").mkdir(parents=True)
    return unit


def test_a_table_is_looked_after_where_it_is_due_and_its_log_stays_as_long_as_a_report_needs_it(unit: Unit) -> None:
    table = unit.table("sessions")
    assert upkeep.look_after(unit, is_quiet=False) == {}
    assert str(upkeep.look_after(unit, is_quiet=True)["sessions"]).startswith("7 files merged")
    assert len(list((table / LOG).glob("*.json"))) == 10, "the report has read none"
    assert count_rows(committed_files(table)) == 8


def test_rows_expire_by_the_days_of_their_table(unit: Unit) -> None:
    assert Settings(keep_days="plays=90, sessions=30").retention == {"plays": 90, "sessions": 30}
    assert upkeep.expire(unit, {"plays": 90}, date(2025, 3, 3)) == {}
    assert upkeep.expire(unit, {"sessions": 30}, date(2025, 3, 3)) == {"sessions": 8}
    assert committed_files(unit.table("sessions")) == []


def test_the_job_keeps_its_tables_up_until_it_ends(unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "EVERY_S", 0.01)
    monkeypatch.setattr(upkeep, "QUIET_LOAD", 1e9)
    look_after, done = upkeep.look_after, threading.Event()

    def look_and_say(unit: Unit, is_quiet: bool, challenger: str = "") -> dict[str, Upkeep]:
        found = look_after(unit, is_quiet, challenger)
        if found:
            done.set()
        return found

    monkeypatch.setattr(upkeep, "look_after", look_and_say)
    with upkeep.running(Settings(), unit):
        assert done.wait(WITHIN_S)
    assert len(committed_files(unit.table("sessions"))) == 2
