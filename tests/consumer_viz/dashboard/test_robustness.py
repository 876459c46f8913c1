"""Odd addresses, damaged files and a busy record: a page or one line says it, and the other pages go on."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from consumer_viz.dashboard.decisions.store import VerdictStore
from consumer_viz.dashboard.events import event_stream
from consumer_viz.dashboard.events.event_stream import EventStream, Subscriber
from consumer_viz.dashboard.index.case_index import CaseIndex
from consumer_viz.dashboard.state import AppState
from consumer_viz.errors import ServeError
from tests.consumer_viz.dashboard.analyst import HOME, Browser
from tests.consumer_viz.dashboard.tiny_world import TOKEN


@pytest.mark.parametrize("path", [f"/queue?offset={10**22}", "/queue?offset=-1", f"/events?seq={10**29}"])
def test_a_number_that_no_page_asks_for_is_refused(ana: Browser, path: str) -> None:
    assert ana.client.get(path).status_code == 422


@pytest.mark.parametrize("version", ["9" * 19, "9" * 40, "٣", "-1", ""])
def test_a_form_with_a_version_that_no_page_gave_saves_nothing(
    state: AppState, ana: Browser, users: list[str], version: str
) -> None:
    answer = ana.send(users[0], ana.form(users[0]) | {"version": version}, verdict="confirm", reason="velocity")
    assert answer.status_code in (409, 422)
    assert state.store.all() == []


@pytest.mark.parametrize("path", ["//evil.example/", "/\\evil.example/", "///evil.example"])
def test_the_address_with_the_token_leads_to_no_other_site(state: AppState, ana: Browser, path: str) -> None:
    for client in (ana.client, TestClient(ana.client.app, base_url=HOME)):
        answer = client.get(f"{HOME}{path}?token={TOKEN}", follow_redirects=False)
        assert answer.status_code == 303
        assert answer.headers["location"] in ("/evil.example/", "/evil.example", "/%5Cevil.example/")


def test_a_missing_file_is_missing_also_for_who_never_signed_in(ana: Browser) -> None:
    assert TestClient(ana.client.app, base_url=HOME).get("/static/nowhere.js").status_code == 404


def test_where_another_program_writes_the_record_the_page_says_so(
    state: AppState, ana: Browser, users: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    form = ana.form(users[0])
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path, **options: connect(path, **options | {"timeout": 0}))
    other = connect(state.store.path, isolation_level=None)
    other.execute("begin immediate")
    answer = ana.send(users[0], form, verdict="confirm", reason="velocity")
    other.close()
    assert answer.status_code == 503
    assert "Nothing was saved: try again" in answer.text
    assert ana.send(users[0], form, verdict="confirm", reason="velocity").status_code == 200


def test_a_damaged_index_is_made_again(state: AppState) -> None:
    cases = state.cases.counts()
    path = state.index.path
    path.write_bytes(b"not a database, or what a full disk left of one" * 100)
    index = CaseIndex(state.world, b"", 0.004)
    index.refresh()
    with index.read() as db:
        assert db.execute("select count(*) from cases where drawn_by is not null").fetchone()[0] > 0
    assert cases["suspected"] > 0


def test_a_damaged_record_is_named_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.sqlite"
    path.write_bytes(b"damaged" * 200)
    with pytest.raises(ServeError, match=r"verdicts.sqlite cannot be opened \(file is not a database\): restore it"):
        VerdictStore(path)
    assert path.read_bytes() == b"damaged" * 200


def test_a_record_that_another_program_holds_is_not_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.sqlite"
    path.mkdir()
    with pytest.raises(
        ServeError, match=r"verdicts.sqlite cannot be opened \(unable to open .*\): see whether another"
    ):
        VerdictStore(path)


def test_an_error_ends_no_stream_of_events_and_is_said_once(
    state: AppState, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(event_stream, "TICK_S", 0)
    events = EventStream(state)
    subscriber = Subscriber("queue", 0)
    events._subscribers.add(subscriber)
    faults = iter([OSError("gone for a moment")] * 3)
    counts_event = events.counts_event

    def sometimes(of: Subscriber) -> bytes:
        events._stamp = (-1, events._stamp[1])
        for fault in faults:
            raise fault
        return counts_event(of)

    monkeypatch.setattr(events, "counts_event", sometimes)

    async def first_event() -> bytes:
        task = asyncio.create_task(events.run())
        message = await asyncio.wait_for(subscriber.queue.get(), 30)
        task.cancel()
        return message

    assert asyncio.run(first_event()).startswith(b"event: counts")
    assert capsys.readouterr().err.count("the pages were not updated") == 1


def test_a_page_that_stays_open_has_to_ask_for_its_events_again(
    state: AppState, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "STREAM_S", 0)

    async def events() -> list[bytes]:
        return [each async for each in EventStream(state).subscribe("queue", 0)]

    assert len(asyncio.run(events())) == 1
