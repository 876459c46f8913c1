"""What the job itself does for its tables: when they are due, and no more than its reports allow."""

import shutil
import threading
import time
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from runtime.lake import LOG, committed_files, merging
from runtime.lake import upkeep as lake_upkeep
from runtime.lake.upkeep import Upkeep
from runtime.parquet import count_rows
from runtime.settings import Settings
from runtime.world import Unit
from spark_app.monitoring import upkeep
from spark_app.monitoring.upkeep import TableKeeper
from tests.flow.stage import WITHIN_S
from tests.lake_rows import commit


def add_sessions(unit: Unit, commits: int) -> None:
    for number in range(commits):
        rows = {"session_key": [f"u:{number}"], "ended_at": pa.array([0], pa.timestamp("us", "UTC"))}
        commit(unit.table("sessions"), pa.table(rows))


@pytest.fixture
def unit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Unit:
    """Sessions in 8 commits, and a report that has not begun to read them."""
    monkeypatch.setattr(lake_upkeep, "DUE_COMMITS", 5)
    monkeypatch.setattr(lake_upkeep, "OVERDUE_COMMITS", 10)
    monkeypatch.setattr(merging, "SMALL_FILES", 4)
    unit = Unit(tmp_path / "v1")
    add_sessions(unit, 8)
    (unit.checkpoints / "scores" / "snapshot").mkdir(parents=True)
    return unit


def test_a_table_is_looked_after_where_it_is_due_and_its_log_stays_as_long_as_a_report_needs_it(unit: Unit) -> None:
    table = unit.table("sessions")
    keeper = TableKeeper(unit)
    assert str(keeper.look_after(is_quiet=True)["sessions"]).startswith("7 files merged")
    assert keeper.look_after(is_quiet=True) == {}
    assert len(list((table / LOG).glob("*.json"))) == 10, "the report has read none"
    assert count_rows(committed_files(table)) == 8


def test_a_busy_machine_gives_a_share_of_its_cpu_and_what_is_overdue_does_not_wait_for_it(unit: Unit) -> None:
    at, cpu_s = [time.time()], iter(range(100))
    keeper = TableKeeper(unit, now=lambda: at[0], cpu_s=lambda: float(next(cpu_s)))
    assert [*keeper.look_after(is_quiet=False)] == ["sessions"]
    add_sessions(unit, 6)
    assert keeper.look_after(is_quiet=False) == {}, "the last one took a second: the next may begin ten later"
    at[0] += 1 / upkeep.MAX_SHARE + 0.1
    assert [*keeper.look_after(is_quiet=False)] == ["sessions"]
    add_sessions(unit, 6)
    assert keeper.look_after(is_quiet=False) == {}
    assert [*keeper.look_after(is_quiet=True)] == ["sessions"]
    add_sessions(unit, 11)
    assert [*keeper.look_after(is_quiet=False)] == ["sessions"]


def test_a_table_of_rare_commits_is_due_after_a_while_and_its_old_files_go_without_a_further_commit(unit: Unit) -> None:
    shutil.rmtree(unit.checkpoints)  # no report needs them
    at = [time.time()]
    keeper = TableKeeper(unit, now=lambda: at[0])
    keeper.look_after(is_quiet=True)
    add_sessions(unit, 1)
    assert keeper.look_after(is_quiet=True) == {}
    at[0] += lake_upkeep.READERS_NEED_S + 1
    assert keeper.look_after(is_quiet=True)["sessions"].removed == 7
    assert keeper.look_after(is_quiet=True) == {}
    add_sessions(unit, 1)
    at[0] += lake_upkeep.DUE_AFTER_S + 1
    assert [*keeper.look_after(is_quiet=True)] == ["sessions"]


def damage_alerts(unit: Unit) -> tuple[Path, bytes]:
    """Write alerts in 8 commits, and cut the first file; return it, and what it was."""
    for number in range(8):
        commit(unit.table("alerts"), pa.table({"looked_at": pa.array([number], pa.timestamp("us", "UTC"))}))
    first, *_ = committed_files(unit.table("alerts"))
    whole = first.read_bytes()
    first.write_bytes(whole[:20])
    return first, whole


def test_a_damaged_table_is_named_and_left_alone_for_a_while_and_the_others_are_kept_up(
    unit: Unit, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged, whole = damage_alerts(unit)
    at = [time.time()]
    keeper = TableKeeper(unit, now=lambda: at[0])
    assert [*keeper.look_after(is_quiet=True)] == ["sessions"]
    assert capsys.readouterr().err.startswith(f"upkeep of lake/alerts: {damaged} is not a readable parquet file")
    damaged.write_bytes(whole)
    at[0] += 1
    assert keeper.look_after(is_quiet=True) == {}
    at[0] += upkeep.RETRY_AFTER_S
    assert keeper.look_after(is_quiet=True)["alerts"].merged == 7
    assert capsys.readouterr().err == ""


def test_rows_expire_next_to_a_damaged_table(unit: Unit, capsys: pytest.CaptureFixture[str]) -> None:
    damaged, _ = damage_alerts(unit)
    assert upkeep.expire(unit, {"alerts": 30, "sessions": 30}, date(2025, 3, 3)) == {"sessions": 8}
    assert capsys.readouterr().err.startswith(f"upkeep of lake/alerts: {damaged} is not a readable parquet file")


def test_rows_expire_by_the_days_of_their_table(unit: Unit) -> None:
    assert Settings(keep_days="plays=90, sessions=30").retention == {"plays": 90, "sessions": 30}
    assert upkeep.expire(unit, {"plays": 90}, date(2025, 3, 3)) == {}
    assert upkeep.expire(unit, {"sessions": 30}, date(2025, 3, 3)) == {"sessions": 8}
    assert committed_files(unit.table("sessions")) == []


def test_the_job_keeps_its_tables_up_until_it_ends(unit: Unit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "EVERY_S", 0.01)
    monkeypatch.setattr(upkeep, "QUIET_LOAD", 1e9)
    look_after, done = TableKeeper.look_after, threading.Event()

    def look_and_say(keeper: TableKeeper, is_quiet: bool) -> dict[str, Upkeep]:
        found = look_after(keeper, is_quiet)
        if found:
            done.set()
        return found

    monkeypatch.setattr(TableKeeper, "look_after", look_and_say)
    with upkeep.running(Settings(), unit):
        assert done.wait(WITHIN_S)
    assert len(committed_files(unit.table("sessions"))) == 2


def test_no_error_ends_the_upkeep_and_it_is_said_once(
    unit: Unit, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(upkeep, "EVERY_S", 0.01)
    errors, done = [TypeError("odd"), TypeError("odd")], threading.Event()

    def look_or_fail(keeper: TableKeeper, is_quiet: bool) -> dict[str, Upkeep]:
        if errors:
            raise errors.pop()
        done.set()
        return {}

    monkeypatch.setattr(TableKeeper, "look_after", look_or_fail)
    with upkeep.running(Settings(), unit):
        assert done.wait(WITHIN_S)
    assert capsys.readouterr().err == "upkeep: the lake is left as it is: TypeError: odd\n"
