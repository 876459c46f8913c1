"""A form that the server refuses, in a real browser: it stays with what was written in it, and the page says why."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from consumer_viz.dashboard.state import AppState
from tests.browser.served import new_analyst, serving_copy
from tests.consumer_viz.dashboard import tiny_world

USERS = tiny_world.flagged_users(3)
NOTE = "half an hour of work"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[AppState, str]]:
    world = tiny_world.make_world(tmp_path_factory.mktemp("world"), USERS)
    with serving_copy(world, tmp_path_factory.mktemp("copy")) as running:
        yield running


@pytest.fixture
def page(browser: Browser, site: tuple[AppState, str]) -> Iterator[Page]:
    with new_analyst(browser) as page:
        page.goto(site[1])
        yield page


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (403, "This address needs its token.", "This address needs its token."),
        (503, "<main><h1>No</h1><p>Another program is writing.</p></main>", "Another program is writing."),
        (0, "", "The server does not answer."),
    ],
)
def test_a_form_that_is_refused_stays_and_can_be_sent_again(
    page: Page, site: tuple[AppState, str], status: int, body: str, reason: str
) -> None:
    expect(page.locator("#panel h2")).to_be_visible()
    page.route("**/verdict", lambda route: route.fulfill(status=status, body=body) if status else route.abort())
    page.keyboard.press("d")
    page.locator("#decide textarea").fill(f"{NOTE} {status}")
    page.keyboard.press("Escape")
    page.keyboard.press("3")
    expect(page.locator("#refused")).to_contain_text(reason)
    expect(page.locator("#decide textarea")).to_have_value(f"{NOTE} {status}")
    page.unroute("**/verdict")
    page.locator("#decide .buttons button").click()
    expect(page.locator("#last")).to_contain_text("dismissed")
    expect(page.locator("#refused")).to_be_hidden()
    assert site[0].store.all()[-1].note == f"{NOTE} {status}"
