"""A case whose rows are gone by retention opens as long as there is anything in the record of verdicts."""

import io
import shutil
import zipfile
from datetime import date
from pathlib import Path

import orjson
import pytest

from consumer_viz.dashboard.decisions.rules import Policy
from consumer_viz.dashboard.index.sampling import case_id
from consumer_viz.dashboard.state import AppState
from runtime.lake.upkeep import TIME_COLUMN, expire, tables
from runtime.world import World
from tests.consumer_viz.dashboard import tiny_world
from tests.consumer_viz.dashboard.analyst import Browser
from tests.consumer_viz.dashboard.tiny_world import make_state


def without_rows(state: AppState, *, new_index: bool = True) -> Browser:
    """Remove all rows of the lake by retention, and the index as an upgrade does; return ana's browser after that."""
    world = World(state.world.root)
    for table in tables(world.unit.lake):
        if table.name in TIME_COLUMN:
            expire(table, table.name, date(2030, 1, 1))
    if new_index:
        shutil.rmtree(world.unit.root / "dashboard")
    return Browser(make_state(world))


def test_a_decided_case_whose_rows_are_gone_opens_with_what_is_kept(
    state: AppState, ana: Browser, users: list[str]
) -> None:
    ana.confirm(users[0], note="stops at 31 s")
    after = without_rows(state)
    page = after.client.get(f"/cases/{case_id(users[0])}")
    assert page.status_code == 200
    assert "are gone by retention: the lake has no sessions any more" in page.text
    assert "84 streams in a suspected session; nine in ten honest sessions: 3" in page.text, "as it was decided"
    assert "Cedar south" in page.text, "the track of the ledger"
    for kept in ("stops at 31 s", "held back until", "money at risk when it was decided", "session_xgb@0123abcd"):
        assert kept in page.text
    assert "It was not flagged" not in page.text
    assert "Plays over time" not in page.text
    assert after.client.get(f"/cases/{case_id(users[1])}").status_code == 404, "nobody ever touched it"


def test_a_case_whose_rows_are_gone_is_undone_appealed_and_settled(
    state: AppState, ana: Browser, users: list[str]
) -> None:
    ana.confirm(users[0])
    ana.confirm(users[1])
    after = without_rows(state)
    assert after.step(users[0], "undo").status_code == 200
    assert after.step(users[1], "appeal", note="a school choir").status_code == 200
    assert after.step(users[1], "roll_back", reason="superfan", note="they were right").status_code == 200
    decisions, store = {d.case_id: d for d in state.store.all()}, state.store
    assert [decisions[case_id(user)].verdict for user in users[:2]] == ["open", "dismiss"]
    assert [store.actions(case_id(user))[-1].action for user in users[:2]] == ["release", "restore"]
    first = store.history(case_id(users[1]))[0]
    assert first.eur > 0
    assert (decisions[case_id(users[1])].eur, decisions[case_id(users[1])].streams) == (first.eur, first.streams)


def test_lists_search_exports_and_team_have_the_case_whose_rows_are_gone(
    state: AppState, ana: Browser, users: list[str]
) -> None:
    case = case_id(users[0])
    ana.confirm(users[0])
    before = state.store.history(case)[0]
    after = without_rows(state)
    assert users[0] in after.client.get("/queue?tab=decided").text
    assert f"{case}," in after.client.get("/queue.csv?tab=decided").text.replace('"', "")
    assert after.client.get("/find", params={"q": users[0]}).url.path == f"/cases/{case}"
    assert case in after.client.get("/find", params={"q": case[:10]}).text
    assert after.client.get(f"/queue/rows/{case}").status_code == 200
    csrf = after.fields("/queue")["csrf"]
    assert after.client.post(f"/leases/{case}", data={"csrf": csrf, "page": "p"}).json()["is_mine"]
    for reader in ("", "artist"):
        pack = zipfile.ZipFile(io.BytesIO(after.client.get(f"/cases/{case}/pack.zip?reader={reader}").content))
        folder = pack.namelist()[0].partition("/")[0]
        assert "gone by retention" in pack.read(f"{folder}/report.html").decode()
        assert orjson.loads(pack.read(f"{folder}/case.json"))["case"]["eur"] == before.eur


@pytest.mark.parametrize("is_named", [True, False])
def test_a_case_with_only_a_note_opens_whether_its_account_is_known_or_not(
    state: AppState, ana: Browser, users: list[str], is_named: bool
) -> None:
    form = {"csrf": ana.fields("/queue")["csrf"], "version": "0", "step": "escalate", "note": "call the label"}
    ana.client.post(f"/team/{case_id(users[2])}", data=form)
    if not is_named:
        shutil.rmtree(state.world.root / "static" / "users")
    after = without_rows(state)
    html = after.client.get(f"/cases/{case_id(users[2])}").text
    assert "call the label" in html
    assert "gone by retention" in html
    assert (f"<h1>{users[2]}</h1>" in html) == is_named
    world = World(state.world.root)
    tiny_world.commit(world, "sessions", tiny_world.sessions([users[2]], first=70, hour=5))
    again = Browser(make_state(world))
    html = again.client.get(f"/cases/{case_id(users[2])}").text
    assert f"<h1>{users[2]}</h1>" in html
    assert "call the label" in html
    assert "Sessions that this case is about are gone" not in html


def test_an_account_that_goes_on_after_its_sessions_are_gone_says_so_and_keeps_the_money_of_the_decision(
    state: AppState, ana: Browser, users: list[str]
) -> None:
    ana.confirm(users[0])
    decided = state.store.history(case_id(users[0]))[0]
    without_rows(state)
    world = World(state.world.root)
    tiny_world.commit(world, "sessions", tiny_world.sessions([users[0]], flagged=False, first=70, hour=5))
    after = Browser(make_state(world))
    html = after.client.get(f"/cases/{case_id(users[0])}").text
    assert "gone by retention: the lake has sessions from " in html
    assert "84 streams in a suspected session" in html
    after.step(users[0], "appeal", note="a school choir")
    assert state.store.history(case_id(users[0]))[-1].eur == decided.eur


def test_a_case_whose_plays_alone_are_gone_says_so(state: AppState, ana: Browser, users: list[str]) -> None:
    before = ana.client.get(f"/cases/{case_id(users[0])}").text
    after = without_rows(state, new_index=False)
    html = after.client.get(f"/cases/{case_id(users[0])}").text
    assert "gone by retention" not in before
    assert "The plays of its sessions are gone by retention" in html
    assert "84 streams in a suspected session" in html


def test_the_page_of_a_held_track_opens_when_neither_rows_nor_a_static_table_name_it(
    state: AppState, ana: Browser, users: list[str]
) -> None:
    ana.confirm(users[0])
    shutil.rmtree(state.world.root / "static" / "tracks")
    after = without_rows(state)
    assert after.client.get("/music/tracks?id=t1").status_code == 200
    assert after.client.get("/music/tracks?id=t2").status_code == 404


def test_money_that_a_set_score_holds_is_in_the_queue_after_its_rows_are_gone(tmp_path: Path, users: list[str]) -> None:
    policy = Policy(auto_hold_score=0.9)
    state = make_state(tiny_world.make_world(tmp_path, users[:1]), policy=policy)
    [held] = state.store.actions(case_id(users[0]))
    after = without_rows(state)
    assert users[0] in after.client.get("/queue").text
    page = after.client.get(f"/cases/{case_id(users[0])}").text
    assert "gone by retention" in page
    assert "Cedar south" in page
    assert after.send(users[0], after.form(users[0]), verdict="dismiss", reason="superfan").status_code == 200
    assert [a.action for a in state.store.actions(case_id(users[0]))] == [held.action, "release"]
