"""The case index: read once, made again when deleted or of another format, queried by its indexes."""

import shutil
import sqlite3
from typing import Any

import pyarrow as pa
import pytest

from consumer_viz.dashboard.index import case_index
from consumer_viz.dashboard.index.sampling import case_id
from consumer_viz.dashboard.state import AppState
from models.tables.lake_tables import replace_part
from tests.consumer_viz.dashboard import tiny_world
from tests.consumer_viz.dashboard.analyst import Browser


def test_the_index_is_made_of_new_files_only_and_can_be_deleted(state: AppState, users: list[str]) -> None:
    assert state.index.refresh() is False
    state.index.path.unlink()
    state.index.open()
    state.index.refresh()
    assert [case.user_id for case in state.cases.queue("suspected", 9)] == users


def test_sessions_of_before_a_feature_are_shown_and_an_index_of_before_it_is_made_anew(
    state: AppState, ana: Browser, users: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    older = tiny_world.sessions([users[0]], first=60, hour=9).drop(columns=["night_share", "is_paid_plan"])
    tiny_world.commit(state.world, "sessions", older, batch=6)
    state.refresh()
    assert state.trouble == ""
    assert "not measurable" in ana.client.get(f"/cases/{case_id(users[0])}").text
    monkeypatch.setattr(case_index, "FORMAT", 7)
    state.index.open()
    assert state.index.stamp == 0
    state.refresh()
    assert [case.user_id for case in state.cases.queue("suspected", 9)] == users


def test_a_batch_that_is_not_committed_is_not_shown(state: AppState, users: list[str]) -> None:
    tiny_world.commit(state.world, "sessions", tiny_world.sessions(["half"], first=90), batch=9)
    (state.world.unit.table("sessions") / "batch_id=9" / "_SUCCESS").unlink()
    state.refresh()
    assert state.cases.of_account("half") is None


def test_the_queue_is_read_in_the_order_of_its_index_so_that_many_cases_cost_what_few_do(
    state: AppState, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    connect = sqlite3.connect

    def overheard(*where: Any, **how: Any) -> sqlite3.Connection:
        db: sqlite3.Connection = connect(*where, **how)
        db.set_trace_callback(asked.append)
        return db

    monkeypatch.setattr(sqlite3, "connect", overheard)
    state.cases.queue("suspected", 50)
    [query] = [text for text in asked if text.startswith("select")]
    with state.cases._both() as db:
        steps = [row[3] for row in db.execute(f"explain query plan {query}")]
    assert steps[0] == "SEARCH c USING INDEX cases_by_risk (drawn_by=?)"
    assert not [step for step in steps if "SCAN" in step or "TEMP" in step]


def test_sessions_of_rows_that_no_job_has_read_are_shown_and_a_later_run_replaces_them(state: AppState) -> None:
    shutil.rmtree(state.world.unit.table("sessions"))
    state.index.path.unlink()
    state.index.open()
    folder = state.world.from_raw("scored_sessions")
    for name in ("early", "late"):
        replace_part(folder, pa.Table.from_pandas(tiny_world.sessions([name]), preserve_index=False))
        state.refresh()
        assert state.trouble == ""
        assert state.cases.sessions(name)
    assert not state.cases.sessions("early")
