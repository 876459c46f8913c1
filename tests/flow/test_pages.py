"""The analyst's pages on the farm raid that was played live, in a real browser, on a desk and on a telephone."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect, sync_playwright

from tests.browser.conftest import CHROMIUM
from tests.browser.looks import faults
from tests.flow.conftest import Raid

WITHIN_MS = 120_000
SIZES = {"desk": (1280, 800, "light"), "telephone": (390, 844, "dark")}
SHOWN = {
    "live": "#tracks tbody td + td",
    "queue": ".row",
    "case": "#h-clock",
    "quality": "h1",
    "models": "#m-1",
    "health": "#batches canvas",
    "rules": "#r-list",
}
"""Pages, and what each shows once it is there."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.mark.parametrize("size", SIZES)
def test_every_page_of_the_raid_is_clear_and_shuts_nobody_out(
    raid: Raid, browser: Browser, size: str, tmp_path: Path
) -> None:
    width, height, scheme = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
    context.set_default_timeout(WITHIN_MS)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(raid.address)
    found: list[str] = []
    for name, there in SHOWN.items():
        page.goto(raid.base + (raid.campaign_case if name == "case" else f"/{name}"))
        expect(page.locator(there).first).to_be_visible(timeout=WITHIN_MS)
        page.screenshot(path=tmp_path / f"{name}.png", full_page=True)
        barriers = [violation["id"] for violation in Axe().run(page).response["violations"]]
        found += [f"{name}: {fault}" for fault in faults(page) + barriers]
        assert (tmp_path / f"{name}.png").stat().st_size > 20_000
    context.close()
    assert found == []
    assert complaints == []


def test_the_raids_farm_is_told_as_a_campaign_with_its_accounts_and_targets(raid: Raid, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(raid.address)
    page.goto(raid.base + raid.campaign_case)
    told = page.locator("#h-links ~ p", has_text="Suspected campaign")
    expect(told.first).to_contain_text("accounts", timeout=WITHIN_MS)
    page.goto(raid.base + "/live")
    expect(page.locator("#tracks")).to_contain_text("suspected target", timeout=WITHIN_MS)
    page.close()
