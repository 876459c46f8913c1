"""A ring is one case: one row of the queue, one verdict, one undo; exceptions and others' verdicts are kept."""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from consumer_viz.dashboard.index.sampling import case_id
from consumer_viz.dashboard.state import AppState
from runtime.world import World
from tests.consumer_viz.dashboard import tiny_world
from tests.consumer_viz.dashboard.analyst import Browser
from tests.consumer_viz.dashboard.rings_world import campaign, make_ring_world, ring_users
from tests.consumer_viz.dashboard.tiny_world import make_state

SIZE = 6
USERS = ring_users(SIZE)
HTMX = {"hx-request": "true"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = make_ring_world(tmp_path_factory.mktemp("rings"), SIZE)
    make_state(world)
    return world


@pytest.fixture
def state(world: World, tmp_path: Path) -> AppState:
    shutil.copytree(world.root, tmp_path / "ring")
    return make_state(World(tmp_path / "ring"))


@pytest.fixture
def ring(state: AppState) -> str:
    """The address of the ring's page."""
    [ring_id] = {row["ring_id"] for user in USERS for row in state.rings.of_account(user)}
    return f"/rings/{ring_id}"


def decide(who: Browser, ring: str, users: list[str], html: str = "", **values: str) -> str:
    """Tick accounts on the ring's page, as `html` shows it, and confirm them."""
    html = html or who.client.get(ring).text
    fields = dict(re.findall(r'type="hidden" name="(csrf|key)" value="([^"]*)"', html))
    ticks = dict(re.findall(r'name="case" value="(c-\w+):(\d+)"', html))
    ticked = [f"{case_id(user)}:{ticks[case_id(user)]}" for user in users]
    chosen = {"verdict": "confirm", "reason": "device_or_ip_farm"} | values
    return str(who.client.post(f"{ring}/verdict", data=fields | chosen | {"case": ticked}, headers=HTMX).text)


def undo(who: Browser, ring: str) -> str:
    fields = dict(re.findall(r'type="hidden" name="(csrf|together)" value="([^"]*)"', who.client.get(ring).text))
    return str(who.client.post(f"{ring}/undo", data=fields, headers=HTMX).text)


def test_the_queue_shows_a_ring_once_and_its_members_not_at_all(state: AppState, ana: Browser, ring: str) -> None:
    shown = re.findall(r'data-case="([cr]-\w+)"', ana.client.get("/queue").text)
    assert shown == [ring.rpartition("/")[2], *map(case_id, tiny_world.flagged_users(2))]
    assert state.cases.counts()["suspected"] == 3
    assert state.cases.new_since(0) == 3
    assert f"Ring of {SIZE} accounts" in ana.client.get(f"{ring}/panel").text


def test_a_ring_says_what_binds_its_accounts_and_whom_they_stream(ana: Browser, ring: str) -> None:
    html = ana.client.get(ring).text
    assert "of their streams are of a track that another of these accounts streams in the same hour" in html.replace(
        "\xa0", " "
    )
    assert f"{SIZE} of them use 1 device that another of them uses too" in html
    assert "suspected target" in html
    assert f'aria-label="{SIZE} accounts by 8 tracks' in html
    assert "84 streams" in ana.client.get(f"{ring}/members/{case_id(USERS[0])}").text


def test_one_verdict_for_all_is_taken_back_by_one_undo(state: AppState, ana: Browser, ring: str) -> None:
    decide(ana, ring, USERS, note="one operator")
    assert (state.cases.counts()["suspected"], state.cases.counts()["decided"]) == (2, SIZE)
    assert {d.note for d in state.store.all()} == {"one operator"}
    undo(ana, ring)
    assert state.cases.counts()["suspected"] == 3
    assert state.cases.counts()["decided"] == 0
    assert "already taken back" in undo_again(ana, ring, state)


def undo_again(who: Browser, ring: str, state: AppState) -> str:
    with state.store.reading() as db:
        key = db.execute("select key from together").fetchone()[0]
    data = {"csrf": who.fields(ring)["csrf"], "together": key}
    return str(who.client.post(f"{ring}/undo", data=data, headers=HTMX).text)


def test_exceptions_come_to_the_queue_one_by_one_until_the_verdict_is_undone(
    state: AppState, ana: Browser, ring: str
) -> None:
    decide(ana, ring, USERS[:4])
    queue = re.findall(r'data-case="([cr]-\w+)"', ana.client.get("/queue").text)
    assert set(queue) == {case_id(user) for user in [*USERS[4:], *tiny_world.flagged_users(2)]}
    assert "4 accounts: suspicion confirmed" in ana.client.get(ring).text
    undo(ana, ring)
    assert state.cases.counts()["suspected"] == 3


def test_a_few_ticked_accounts_leave_the_others_in_the_ring(state: AppState, ana: Browser, ring: str) -> None:
    decide(ana, ring, USERS[:2], verdict="dismiss", reason="shared_household")
    assert state.cases.counts()["suspected"] == 3
    found = state.rings.one(ring.rpartition("/")[2])
    assert found is not None
    assert (found.waiting, found.decided, found.left_out) == (SIZE - 2, 2, 0)


def test_the_row_of_a_ring_shows_the_money_of_the_accounts_that_wait_as_it_is_ranked(
    state: AppState, ana: Browser, ring: str
) -> None:
    ring_id, members = ring.rpartition("/")[2], state.rings.members(ring.rpartition("/")[2])
    whole = sum(member.eur for member in members)
    decide(ana, ring, USERS[:2])
    row = state.rings.one(ring_id)
    assert row is not None
    waiting = [member.eur for member in members if member.user_id not in USERS[:2]]
    assert [row.eur, row.at_risk_eur] == pytest.approx([whole, sum(waiting)])
    assert f"€{sum(waiting):.2f}" in ana.client.get("/queue").text
    assert f"€{sum(waiting):.2f}" in ana.client.get(ring).text


def test_a_verdict_of_somebody_else_stays_and_is_shown(state: AppState, ana: Browser, ben: Browser, ring: str) -> None:
    seen = ana.client.get(ring).text
    ben.send(USERS[1], ben.form(USERS[1]), verdict="dismiss", reason="superfan")
    answer = decide(ana, ring, USERS, seen)
    assert f"1 not saved, {SIZE - 1} saved" in answer
    assert "ben decided while you looked: dismissed, a genuine fan of one artist" in answer
    latest = state.store.latest(case_id(USERS[1]))
    assert latest is not None
    assert (latest.verdict, latest.analyst) == ("dismiss", "ben")


def test_an_undo_leaves_what_was_decided_again_since_then(
    state: AppState, ana: Browser, ben: Browser, ring: str
) -> None:
    decide(ana, ring, USERS)
    ben.send(USERS[0], ben.form(USERS[0]), verdict="dismiss", reason="superfan")
    assert "Only ana can undo this" in undo_again(ben, ring, state)
    assert f"1 not taken back, {SIZE - 1} taken back" in undo(ana, ring)
    assert [state.cases.one(case_id(user)).verdict for user in USERS[:2]] == ["dismiss", "open"]  # type: ignore[union-attr]


def test_a_form_that_is_sent_twice_counts_once_and_one_without_a_tick_not_at_all(
    state: AppState, ana: Browser, ring: str
) -> None:
    page = ana.client.get(ring).text
    assert "No account is ticked" in decide(ana, ring, [], page)
    decide(ana, ring, USERS, page)
    decide(ana, ring, USERS, page)
    assert len(state.store.all()) == SIZE


def test_the_card_of_an_account_counts_members_in_the_queue(ana: Browser, ring: str) -> None:
    html = ana.client.get(f"/cases/{case_id(USERS[0])}").text
    assert f"Open its ring: {SIZE} accounts, {SIZE} of them in the queue" in html
    assert f"Same suspected campaign: {SIZE - 1} accounts, {SIZE - 1} of them suspected" in html


def test_a_ring_that_grows_keeps_its_address(state: AppState, ana: Browser, ring: str) -> None:
    decide(ana, ring, USERS)
    tiny_world.commit(state.world, "campaigns", pd.DataFrame([campaign("lockstep-k9", [*USERS, "late1"])]))
    state.refresh()
    [grown] = state.rings.of_account("late1")
    assert (f"/rings/{grown['ring_id']}", grown["size"]) == (ring, SIZE + 1)
    assert state.cases.counts()["suspected"] == 3


def test_a_decided_ring_that_the_daily_run_does_not_have_any_more_opens_is_found_and_undone(
    state: AppState, ana: Browser, ring: str
) -> None:
    decide(ana, ring, USERS[:5])
    tiny_world.commit(state.world, "campaigns", pd.DataFrame([campaign("other", ["x", "y"])]))
    shutil.rmtree(state.world.unit.root / "dashboard")
    after = Browser(make_state(World(state.world.root)))
    html = after.client.get(ring).text
    assert "does not have this ring any more" in html
    assert "5 accounts: suspicion confirmed" in html
    assert all(f'/cases/{case_id(user)}"' in html for user in USERS[:5])
    assert f'href="{ring}"' in after.client.get("/find", params={"q": ring[7:14]}).text
    fields = dict(re.findall(r'type="hidden" name="(csrf|together)" value="([^"]*)"', html))
    assert "was taken back" in after.client.post(f"{ring}/undo", data=fields).text
    assert {d.verdict for d in map(state.store.latest, map(case_id, USERS[:5])) if d} == {"open"}
    assert after.client.post(f"{ring}/undo", data=fields).status_code == 422
    assert after.client.get("/rings/r-0").status_code == 404
