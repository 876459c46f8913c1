"""The pages in a real browser: by keyboard alone, in two tabs, for a screen reader, moving by themselves."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from consumer_viz.dashboard.events import event_stream
from consumer_viz.dashboard.index.sampling import case_id
from consumer_viz.dashboard.state import AppState
from runtime.world import World
from tests.browser.served import new_analyst, serving_copy
from tests.consumer_viz.dashboard import analyst, tiny_world

USERS = tiny_world.flagged_users(16)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return tiny_world.make_world(tmp_path_factory.mktemp("world"), USERS)


@pytest.fixture
def site(world: World, tmp_path: Path) -> Iterator[tuple[AppState, str]]:
    """Pages on which nothing was decided yet."""
    with serving_copy(world, tmp_path) as running:
        yield running


@pytest.fixture
def page(browser: Browser, site: tuple[AppState, str]) -> Iterator[Page]:
    """A page of a new analyst, logged in; anything the browser complains about fails the test."""
    complaints: list[str] = []
    with new_analyst(browser) as page:
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" and "409" not in m.text else None)
        page.goto(site[1])
        yield page
    assert complaints == []


def go(page: Page, site: tuple[AppState, str], path: str) -> None:
    page.goto(site[1].split("/?")[0] + path)


def is_shown(page: Page, user: str) -> None:
    """Wait until the panel beside the list is that of an account."""
    expect(page.locator("#panel h2")).to_have_text(user)


def test_ten_cases_are_reviewed_by_keyboard_alone_and_one_taken_back(page: Page, site: tuple[AppState, str]) -> None:
    state = site[0]
    for n, user in enumerate(USERS[:10]):
        is_shown(page, user)
        page.keyboard.press("cdn"[n % 3])
        page.keyboard.press(str(n % 3 + 1))
        expect(page.locator(f"#row-{case_id(user)}")).to_have_attribute("data-decided", "")
    is_shown(page, USERS[10])
    expect(page.locator("#sums")).to_contain_text("confirmed4")
    expect(page.locator("#sums")).to_contain_text("dismissed3")
    assert [d.user_id for d in state.store.all()] == USERS[:10]
    page.keyboard.press("u")
    expect(page.locator("#last")).to_contain_text("taken back")
    is_shown(page, USERS[9])
    assert state.store.latest(case_id(USERS[9])).verdict == "open"  # type: ignore[union-attr]
    order = page.locator(".row").evaluate_all("rows => rows.map(row => row.dataset.case)")
    assert order == [case_id(user) for user in USERS]  # nothing moved


def test_the_introduction_is_shown_until_it_is_closed_and_can_be_read_again(
    page: Page, site: tuple[AppState, str]
) -> None:
    tour = page.locator("#tour")
    assert tour.is_visible()
    page.locator("#tour-close").click()
    go(page, site, "/queue")
    assert tour.is_hidden()
    page.keyboard.press("?")
    page.locator("#tour-open").click()
    assert tour.is_visible()


def test_a_note_is_written_and_help_read_without_a_mouse(page: Page, site: tuple[AppState, str]) -> None:
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    user = page.locator(".row.selected b").inner_text()
    is_shown(page, user)
    page.keyboard.press("d")
    page.keyboard.press("m")
    page.keyboard.type("jd1: plays for a shop")
    page.keyboard.press("Escape")
    page.keyboard.press("3")
    expect(page.locator("#last")).to_contain_text("dismissed")
    assert site[0].store.all()[-1].note == "jd1: plays for a shop"


PRESS_AT_ONCE = """() => new MutationObserver((_, observer) => {
    if (!document.querySelector("#panel #decide")) return;
    observer.disconnect();
    for (const key of "d2") document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
}).observe(document.getElementById("panel"), { childList: true })"""
"""Presses keys before the browser does anything else with a panel that came."""


def test_a_case_that_is_decided_the_moment_it_is_shown_leaves_the_list_on_the_page(
    page: Page, site: tuple[AppState, str]
) -> None:
    is_shown(page, page.locator(".row b").nth(0).inner_text())
    user = page.locator(".row b").nth(1).inner_text()
    page.evaluate(PRESS_AT_ONCE)
    with page.expect_response("**/verdict") as answer:
        page.keyboard.press("j")
    assert answer.value.request.headers.get("hx-request") == "true"
    expect(page.locator(f"#row-{case_id(user)}")).to_have_attribute("data-decided", "")
    assert site[0].store.latest(case_id(user)).verdict == "dismiss"  # type: ignore[union-attr]


def test_the_focus_is_visible_at_every_tab_stop(page: Page) -> None:
    page.wait_for_selector("#panel h2")
    without_outline, visited = [], set()
    for _ in range(24):
        page.keyboard.press("Tab")
        tag, outline = page.evaluate(
            """() => { const e = document.activeElement, s = getComputedStyle(e.matches(".choice input") ?
               e.nextElementSibling : e); return [e.outerHTML.slice(0, 80), `${s.outlineStyle} ${s.outlineWidth}`]; }"""
        )
        visited.add(tag)
        if outline != "solid 3px":
            without_outline.append((tag, outline))
    assert len(visited) > 15
    assert without_outline == []


def test_a_plain_form_works_without_htmx_and_the_new_name_signs(page: Page, site: tuple[AppState, str]) -> None:
    page.locator(".me summary").click()
    page.locator("#name").fill("ben")
    page.locator(".me button").click()
    expect(page.locator(".me summary")).to_contain_text("ben")
    go(page, site, f"/cases/{case_id(USERS[15])}")
    for key in "d2":
        page.keyboard.press(key)
    expect(page.locator("#verdict .standing")).to_be_visible()
    assert site[0].store.latest(case_id(USERS[15])).analyst == "ben"  # type: ignore[union-attr]


def test_two_tabs_in_conflict_both_see_who_was_first(page: Page, site: tuple[AppState, str]) -> None:
    path = f"/cases/{case_id(USERS[14])}"
    go(page, site, path)
    other = page.context.new_page()
    go(other, site, path)
    for tab, key in ((other, "d"), (page, "c")):
        tab.keyboard.press(key)
        tab.keyboard.press("2")
        expect(tab.locator("#verdict .standing")).to_be_visible()
    expect(page.locator("#verdict .alert")).to_contain_text("Yours was not saved")
    expect(page.locator("#verdict .both")).to_contain_text("suspicion confirmed")
    expect(page.locator("#verdict .both")).to_contain_text("dismissed: sleep, focus or background listening")
    assert [d.verdict for d in site[0].store.history(case_id(USERS[14]))] == ["dismiss"]


def test_new_cases_wait_behind_the_pill_and_the_list_holds_still(page: Page, site: tuple[AppState, str]) -> None:
    state = site[0]
    before = page.locator(".row").evaluate_all("rows => rows.map(row => row.dataset.case)")
    newcomers = [user for user in tiny_world.flagged_users(40) if user not in USERS][:2]
    tiny_world.commit(state.world, "sessions", tiny_world.sessions(newcomers, first=500, hour=1))
    state.refresh()
    expect(page.locator("#pill")).to_have_text("2 new")
    assert page.locator(".row").evaluate_all("rows => rows.map(row => row.dataset.case)") == before
    page.keyboard.press("r")
    expect(page.locator(f"#row-{case_id(newcomers[0])}")).to_be_visible()


KEEP_TROUBLES = """addEventListener("DOMContentLoaded", () => {
    const trouble = document.getElementById("trouble");
    window.troubles = [];
    new MutationObserver(() => { if (!trouble.hidden) troubles.push(trouble.textContent); })
        .observe(trouble, { attributes: true });
})"""
"""Keeps what the page reports as trouble, however short."""


def test_a_stream_that_the_server_ended_and_the_page_asks_for_again_is_no_trouble(
    page: Page, site: tuple[AppState, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "STREAM_S", 0)
    monkeypatch.setattr(event_stream, "RETRY_MS", 100)  # far less than the silence that a busy machine may add to it
    page.add_init_script(KEEP_TROUBLES)
    with page.expect_request("**/events*"):
        go(page, site, "/queue")
    with page.expect_request("**/events*"):
        pass  # it comes by itself
    assert page.evaluate("troubles") == []


def test_the_live_charts_points_grow(page: Page, site: tuple[AppState, str]) -> None:
    go(page, site, "/live")
    chart = page.locator("#pace")
    expect(chart.locator("canvas")).to_be_visible()
    first = int(chart.get_attribute("data-points") or 0)
    assert first > 60
    expect(chart).not_to_have_attribute("data-points", str(first))
    assert int(chart.get_attribute("data-points") or 0) > first


LOOKS = [
    ("/queue?tab=sample", "light"),
    ("/queue?tab=decided", "light"),
    ("/quality", "light"),
    (f"/cases/{case_id(USERS[0])}", "light"),
    (f"/cases/{case_id(USERS[0])}", "dark"),
]
"""What has decisions on it; all pages without are looked at in `tests/flow/test_pages.py`."""


@pytest.mark.parametrize(("path", "scheme"), LOOKS)
def test_axe_finds_no_violation(page: Page, site: tuple[AppState, str], path: str, scheme: str) -> None:
    person = analyst.Browser(site[0])
    for n, user in enumerate(USERS[:10]):
        verdict, reason = (("confirm", "velocity"), ("dismiss", "superfan"), ("need_more", "more_days"))[n % 3]
        person.send(user, person.form(user), verdict=verdict, reason=reason, note=f"note {n}")
    assert len(site[0].store.all()) == 10
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    go(page, site, path)
    violations = Axe().run(page).response["violations"]
    assert [(v["id"], [node["html"] for node in v["nodes"]][:3]) for v in violations] == []
