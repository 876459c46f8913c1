"""Front ends of the live plot: each takes a `Watch` and shows it until it is over. One file, one line in FRONTS."""

import importlib.util
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from consumer_viz.plot.frontends import browser, image, terminal, window
from consumer_viz.plot.viewer import Watch

FRONTS: dict[str, Callable[[Watch], None]] = {
    "window": window.show,
    "browser": browser.show,
    "terminal": terminal.show,
    "png": image.save_png,
    "gif": image.save_gif,
}
"""The notebook's (`fronts.notebook`) is called from a cell, never chosen here."""


def choose(out: Path | None, env: Mapping[str, str], platform: str = sys.platform, gui: str | None = None) -> str:
    """Choose a front end: by the name of the file asked for, else the best that this session can show.

    `gui` is the matplotlib backend for windows, found if not given. Over SSH a page on loopback is out of reach, so
    the terminal serves.

    >>> choose(Path("run.gif"), {})
    'gif'
    >>> choose(None, {"SSH_CONNECTION": "…"}, "linux")
    'terminal'
    >>> choose(None, {}, "linux")
    'browser'
    """
    if out is not None:
        return "gif" if out.suffix == ".gif" else "png"
    has_display = platform in ("darwin", "win32") or bool(env.get("DISPLAY") or env.get("WAYLAND_DISPLAY"))
    if has_display and (gui or window.backend(platform)):
        return "window"
    if env.get("SSH_CONNECTION"):
        return "terminal"
    return "browser" if importlib.util.find_spec("tornado") else "terminal"
