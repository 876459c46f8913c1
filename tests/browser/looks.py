"""What is wrong with how a page looks, measured in the browser: overflow, clipped or tiny words, empty charts."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

SHOTS = os.environ.get("PLAYPROOF_TEST_SHOTS")
"""Folder for pictures of what `check_looks` sees; none without it."""
Look = tuple[int, Literal["light", "dark"]]
"""Width in pixels and colours."""
LOOKS: tuple[Look, ...] = ((1280, "light"), (390, "dark"))
ALL_LOOKS: tuple[Look, ...] = (*LOOKS, (1280, "dark"), (390, "light"))

SMALLEST_PX = 9
"""Of a label in a picture, as it is shown."""
_FAULTS = """
(smallest) => {
  const faults = [], wide = document.documentElement.clientWidth;
  const words = (e) => e.textContent.trim();
  const report = (what, e) => faults.push(`${what}: ${e.tagName}.${e.getAttribute("class")} ${words(e).slice(0, 60)}`);
  const isShown = (e) => e.checkVisibility() && !e.closest(".unseen, .skip, dialog");
  if (document.documentElement.scrollWidth > wide) faults.push("the page scrolls sideways");
  for (const e of document.querySelectorAll("body *:not(svg *)")) {
    if (!isShown(e)) continue;
    const style = getComputedStyle(e), box = e.getBoundingClientRect();
    const cuts = ["hidden", "clip"].includes(style.overflowX);
    if (cuts && words(e) && e.scrollWidth > e.clientWidth + 1) report("clipped", e);
    if (box.width > 0 && box.right > wide + 1 && !e.closest(".scroll")) report("beyond the edge", e);
    if (e.dataset.points === "0") report("empty chart", e);
  }
  for (const text of document.querySelectorAll("svg.plot text")) {
    if (!isShown(text)) continue;
    const picture = text.closest("svg"), frame = picture.getBoundingClientRect(), box = text.getBoundingClientRect();
    const scale = frame.width / picture.viewBox.baseVal.width;
    if (parseFloat(getComputedStyle(text).fontSize) * scale < smallest) report("too small to read", text);
    if (box.left < frame.left - 1 || box.right > frame.right + 1) report("cut off in its picture", text);
  }
  return faults;
}
"""


def faults(page: Page) -> list[str]:
    """List what is wrong with the page as it is."""
    return page.evaluate(_FAULTS, SMALLEST_PX)


def check_looks(page: Page, name: str, within: str = "body", looks: Sequence[Look] = LOOKS) -> None:
    """Fail if the page as it is looks wrong, or breaks a rule of axe, on a desk in light and on a telephone in dark.

    `within`: selector of what axe looks at; it needs a second for each hundred rows.
    """
    size: Any = page.viewport_size
    for width, scheme in looks if not SHOTS else ALL_LOOKS:
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # no colour in between two
        if SHOTS:
            page.evaluate("scrollTo(0, 0)")
            page.screenshot(path=Path(SHOTS) / f"{name}-{width}-{scheme}.png")
        assert faults(page) == [], (name, width, scheme)
        violations = Axe().run(page, context=within).response["violations"]
        found = [(v["id"], [node["html"] for node in v["nodes"]][:3]) for v in violations]
        assert found == [], (name, width, scheme, found)
    page.set_viewport_size(size)
    page.emulate_media(color_scheme="light")
