"""The case index: read once, made again when deleted or of another format, queried by its indexes."""

import shutil
import sqlite3
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from consumer_viz.dashboard.index import case_update
from consumer_viz.dashboard.index.sampling import case_id
from consumer_viz.dashboard.state import AppState
from models.tables.lake_tables import replace_part
from models.tables.sessions import SCORED_IN_BATCH
from runtime.lake import LOG, committed_files
from runtime.lake.commits import write_files
from runtime.lake.merging import merge
from tests.consumer_viz.dashboard import tiny_world
from tests.consumer_viz.dashboard.analyst import Browser
from tests.lake_rows import DAY


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
    tiny_world.commit(state.world, "sessions", older)
    state.refresh()
    assert state.trouble == ""
    assert "not measurable" in ana.client.get(f"/cases/{case_id(users[0])}").text
    monkeypatch.setattr(case_update, "FORMAT", 7)
    state.index.open()
    assert state.index.stamp == 0
    state.refresh()
    assert [case.user_id for case in state.cases.queue("suspected", 9)] == users


def test_a_batch_that_is_not_committed_is_not_shown(state: AppState, users: list[str]) -> None:
    rows = pa.Table.from_pandas(tiny_world.sessions(["half"], first=90), preserve_index=False)
    assert write_files(state.world.unit.table("sessions"), rows.append_column("date", pa.repeat(DAY, len(rows))))
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
    state.rings.queue("suspected", 50)
    query = next(text for text in asked if text.startswith("select c.case_id"))
    with state.cases.reading() as db:
        steps = [row[3] for row in db.execute(f"explain query plan {query}")]
    assert steps[0] == "SEARCH c USING INDEX cases_by_risk (drawn_by=?)"
    assert not [step for step in steps if "SCAN" in step or "TEMP" in step]


def test_an_alert_opens_a_case_until_its_session_closes(state: AppState, ana: Browser) -> None:
    user = tiny_world.flagged_users(40)[-1]
    alert = {
        "session_key": f"{user}:90:0", "user_id": user, "streams": 14, "money_eur": 0.049, "score": 0.97,
        "reasons": [{"feature": n, "value": 0.8, "contribution": 2.0} for n in ("repeat_ratio", "suspicion_before")],
        "withdrawn": False,
        **dict.fromkeys(("started_at", "looked_at", "alerted_at"), tiny_world.NOON),
    }  # fmt: skip
    tiny_world.commit(state.world, "alerts", pd.DataFrame([alert]))
    state.refresh()
    (case,) = [case for case in state.cases.queue("suspected", 99) if case.user_id == user]
    assert (case.sessions, case.flagged, case.eur, case.probability) == (0, 0, 0.049, 0.97)
    page = ana.client.get(f"/cases/{case.case_id}").text
    assert "An alert while it listens: after 14 streams of the session, with a score of" in page
    assert "repeat a track · already suspicious in the 48\xa0h before it (0.69)" in page

    tiny_world.commit(state.world, "sessions", tiny_world.sessions([user], flagged=False, first=90))
    tiny_world.commit(state.world, "alerts", pd.DataFrame([alert | {"withdrawn": True, "score": 0.05}]))
    state.refresh()
    assert state.accounts.alerts(user) == []
    assert user not in [case.user_id for case in state.cases.queue("suspected", 99)]


@pytest.fixture
def unread(state: AppState) -> AppState:
    """A world whose rows no job has read."""
    shutil.rmtree(state.world.unit.table("sessions"))
    state.index.path.unlink()
    state.index.open()
    return state


def score_in_batch(state: AppState, *users: str) -> None:
    sessions = pa.Table.from_pandas(tiny_world.sessions([*users]), preserve_index=False)
    replace_part(state.world.from_raw(SCORED_IN_BATCH), sessions)


def refreshed_queue(state: AppState) -> list[str]:
    state.refresh()
    assert state.trouble == ""
    return [case.user_id for case in state.cases.queue("suspected", 9)]


def test_sessions_of_rows_that_no_job_has_read_are_shown_and_a_later_run_replaces_them(unread: AppState) -> None:
    early, late, both = tiny_world.flagged_users(3)
    score_in_batch(unread, early, both)
    assert refreshed_queue(unread) == [early, both]
    score_in_batch(unread, late, both)
    assert refreshed_queue(unread) == [late, both]
    assert not unread.accounts.sessions(early)


def test_the_sessions_of_a_job_replace_those_of_raw_rows_and_stay(unread: AppState) -> None:
    in_batch, by_job, later = tiny_world.flagged_users(3)
    score_in_batch(unread, in_batch, by_job)
    assert refreshed_queue(unread) == [in_batch, by_job]
    tiny_world.commit(unread.world, "sessions", tiny_world.sessions([by_job], first=7))
    assert refreshed_queue(unread) == [by_job]
    assert [row["session_key"] for row in unread.accounts.sessions(by_job)] == [f"{by_job}:7:0"]
    score_in_batch(unread, later)
    assert refreshed_queue(unread) == [by_job]


def test_a_file_that_could_not_be_read_is_named_until_it_can(state: AppState) -> None:
    tiny_world.commit(state.world, "sessions", tiny_world.sessions(["torn"], first=90))
    part = committed_files(state.world.unit.table("sessions"))[-1]
    content = part.read_bytes()
    part.write_bytes(content[: len(content) // 2])
    for _ in range(2):
        state.refresh()
        assert "the lake could not be read" in state.trouble
    part.write_bytes(content)
    state.refresh()
    assert state.trouble == ""
    assert state.cases.of_account("torn") is not None


def test_files_that_upkeep_merged_change_nothing(state: AppState) -> None:
    table = state.world.unit.table("sessions")
    tiny_world.commit(state.world, "sessions", tiny_world.sessions(["later"], first=90))
    state.refresh()
    tracks = state.catalogue.suspect_tracks(99)
    tiny_world.commit(state.world, "sessions", tiny_world.sessions(["unread"], first=91))
    tiny_world.commit(state.world, "sessions", tiny_world.sessions(["newest"], flagged=False, first=92))
    assert merge(table, fully=True) == 4
    state.refresh()
    assert state.cases.of_account("unread") is not None
    (track,), (before,) = state.catalogue.suspect_tracks(99), tracks
    assert track["streams"] == before["streams"] + 80, "those of the session that had not been read"


def test_a_damaged_log_of_a_table_is_named_and_ends_no_refresh(state: AppState) -> None:
    log = state.world.unit.table("user_day_flags") / LOG
    log.mkdir(parents=True)
    (log / f"{0:020}.json").write_text('{"path"')
    for _ in range(2):
        state.refresh()
        assert "the lake could not be read (CheckpointError)" in state.trouble


def test_what_was_read_before_a_damaged_file_is_shown(state: AppState) -> None:
    for first, user in ((93, "before"), (94, "damaged")):
        tiny_world.commit(state.world, "sessions", tiny_world.sessions([user], flagged=False, first=first))
    committed_files(state.world.unit.table("sessions"))[-1].write_bytes(b"PAR1 cut")
    state.refresh()
    assert "the lake could not be read" in state.trouble
    assert state.cases.of_account("before") is not None
