"""A ring of 132 accounts by keyboard, and two analysts in two browsers, as they would work."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from consumer_viz.dashboard.decisions.leases import live_leases
from consumer_viz.dashboard.decisions.rules import Policy
from consumer_viz.dashboard.index.sampling import case_id
from consumer_viz.dashboard.state import AppState
from runtime.world import World
from tests.browser.looks import ALL_LOOKS, check_looks
from tests.browser.served import new_analyst, serving_copy
from tests.consumer_viz.dashboard import tiny_world
from tests.consumer_viz.dashboard.rings_world import make_ring_world, ring_users

SIZE = 132
SINGLE = case_id(tiny_world.flagged_users(2)[0])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_ring_world(tmp_path_factory.mktemp("world"), SIZE)


@pytest.fixture
def site(world: World, tmp_path: Path) -> Iterator[tuple[AppState, str]]:
    """Pages on which nothing was decided yet."""
    with serving_copy(world, tmp_path) as running:
        yield running


@contextmanager
def analyst(browser: Browser, address: str, name: str) -> Iterator[Page]:
    """A browser of an analyst, who signs with a name; anything it complains about fails the test."""
    complaints: list[str] = []
    with new_analyst(browser) as page:
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        page.locator(".me summary").click()
        page.locator("#name").fill(name)
        page.locator(".me button").click()
        expect(page.locator(".me summary")).to_contain_text(name)
        yield page
    assert complaints == []


def test_a_ring_of_132_is_decided_undone_and_decided_with_three_exceptions_by_keyboard(
    browser: Browser, site: tuple[AppState, str]
) -> None:
    state, address = site
    with analyst(browser, address, "ana") as page:
        expect(page.locator("#panel h2")).to_have_text(f"Ring of {SIZE} accounts")
        page.locator(".row.selected a").focus()
        began = time.perf_counter()
        page.keyboard.press("Enter")
        page.wait_for_url("**/rings/*")  # until it is loaded: rows are there before the scripts that hear the keys
        expect(page.locator(".members .row")).to_have_count(SIZE)
        page.keyboard.press("a")
        expect(page.locator("#ticked")).to_have_text(str(SIZE))
        for key in "c5":
            page.keyboard.press(key)
        expect(page.locator("#verdict .standing")).to_contain_text(f"{SIZE} accounts: suspicion confirmed")
        decided = time.perf_counter()
        assert state.cases.counts()["decided"] == SIZE
        page.keyboard.press("u")
        expect(page.locator("#verdict .standing")).to_have_count(0)
        assert state.cases.counts()["decided"] == 0
        page.keyboard.press("a")
        for _ in range(3):
            page.keyboard.press("j")
            page.keyboard.press("x")
        expect(page.locator("#ticked")).to_have_text(str(SIZE - 3))
        for key in "c5":
            page.keyboard.press(key)
        expect(page.locator("#verdict .standing")).to_contain_text("3 left out")
        print(f"{SIZE} accounts decided in {decided - began:.1f} s, all steps in {time.perf_counter() - began:.1f} s")
        assert decided - began < 60
        assert (state.cases.counts()["decided"], state.cases.counts()["suspected"]) == (SIZE - 3, 5)
        check_looks(page, "ring-decided", looks=ALL_LOOKS)
        page.keyboard.press("u")
        expect(page.locator("#verdict .standing")).to_have_count(0)
    assert state.cases.counts()["decided"] == 0


def test_two_analysts_see_each_other_hand_over_and_do_not_overwrite(
    browser: Browser, site: tuple[AppState, str]
) -> None:
    state, address = site
    row = f"#row-{SINGLE}"
    with analyst(browser, address, "ana") as ana, analyst(browser, address, "ben") as ben:
        ana.locator(f"{row} a").focus()
        ana.goto(address.split("/?")[0] + f"/cases/{SINGLE}")
        expect(ben.locator(f"{row} .looking")).to_have_text("ana is looking")
        ben.goto(address.split("/?")[0] + f"/cases/{SINGLE}")
        expect(ben.locator("#looking")).to_contain_text("ana is looking at this")
        ben.locator("#take-over").click()
        expect(ana.locator("#looking")).to_contain_text("ben is looking at this")
        assert live_leases(state.store)[SINGLE] == "ben"
        ben.keyboard.press("g")
        expect(ben.locator("#team .standing")).to_contain_text("For ben")
        assert state.cases.one(SINGLE).assignee == "ben"  # type: ignore[union-attr]
        ana.goto(address.split("/?")[0] + "/queue")
        expect(ana.locator(f"{row} .meta")).to_contain_text("for ben")
        with analyst(browser, address, "cleo") as cleo:
            cleo.goto(address.split("/?")[0] + f"/cases/{SINGLE}")
            expect(cleo.locator("#looking")).to_contain_text("ben is looking at this")
            ben.keyboard.press("c")
            ben.keyboard.press("1")
            expect(ana.locator(f"{row} .meta")).to_contain_text("confirmed")  # the open queue hears of it
            cleo.keyboard.press("d")
            cleo.keyboard.press("2")
            expect(cleo.locator("#verdict .alert")).to_contain_text("ben decided while you looked")
    assert [d.analyst for d in state.store.history(SINGLE)] == ["ben"]


def test_two_people_confirm_what_is_over_the_sum_by_keyboard_a_ring_too(
    browser: Browser, site: tuple[AppState, str]
) -> None:
    state, address = site
    desk, before = address.split("/?")[0], len(state.store.unsent_actions())
    state.store.policy = Policy(second_review_eur=5.0)  # over one account's money, below the ring's
    with analyst(browser, address, "ana") as ana, analyst(browser, address, "ben") as ben:
        expect(ana.locator("#panel h2")).to_have_text(f"Ring of {SIZE} accounts")
        ana.locator(".row.selected a").focus()
        ana.keyboard.press("Enter")
        ana.wait_for_url("**/rings/*")
        expect(ana.locator(".members .row")).to_have_count(SIZE)
        ana.keyboard.press("a")
        for key in "c5":
            ana.keyboard.press(key)
        expect(ana.locator("#verdict .standing")).to_contain_text("confirmed once")
        assert (state.cases.counts()["review"], len(state.store.unsent_actions())) == (1, before)
        ana.keyboard.press("a")
        expect(ana.locator("#ticked")).to_have_text("0")  # nothing is left for the same person to confirm
        ana.goto(f"{desk}/cases/{case_id(ring_users(1)[0])}")
        for key in "c5":
            ana.keyboard.press(key)
        expect(ana.locator("#verdict .standing")).to_contain_text(re.compile("Confirmed once.*version 2", re.DOTALL))
        assert [d.verdict for d in state.store.history(case_id(ring_users(1)[0]))] == ["proposed"] * 2
        assert len(state.store.unsent_actions()) == before
        ben.goto(f"{desk}/queue?tab=review")
        expect(ben.locator("#panel h2")).to_have_text(f"Ring of {SIZE} accounts")
        check_looks(ben, "second-review-queue")
        ben.locator(".row.selected a").focus()
        ben.keyboard.press("Enter")
        ben.wait_for_url("**/rings/*")
        expect(ben.locator("#verdict .note")).to_contain_text("a second person confirms them")
        check_looks(ben, "second-review-ring", within="aside.panel")
        ben.keyboard.press("a")
        for key in "c5":
            ben.keyboard.press(key)
        expect(ben.locator("#verdict .standing")).to_contain_text(f"{SIZE} accounts: suspicion confirmed")
        assert len(state.store.unsent_actions()) == before + SIZE
        ben.keyboard.press("u")
        expect(ben.locator("#verdict .standing")).to_contain_text("confirmed once")
        assert {action.action for action in state.store.unsent_actions()[before + SIZE :]} == {"release"}
        assert state.cases.counts()["review"] == 1
        ben.goto(f"{desk}/quality")
        expect(ben.locator("#main")).to_contain_text("wait for a second review")
        check_looks(ben, "second-review-quality")
