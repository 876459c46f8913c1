"""Front ends of the live plot: each shows what a `Viewer` watches until it is over. One file, one line in FRONTENDS."""

import importlib.util
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from consumer_viz.plot.frontends import browser, image, terminal, window
from consumer_viz.plot.viewer import Viewer

FRONTENDS: dict[str, Callable[[Viewer], None]] = {
    "window": window.show,
    "browser": browser.show,
    "terminal": terminal.show,
    "png": image.save_png,
    "gif": image.save_gif,
}
"""A notebook cell calls `frontends.notebook` itself, so that one is never chosen here."""


def choose_frontend(out: Path | None, env: Mapping[str, str], platform: str = sys.platform, gui: str = "") -> str:
    """Choose a front end: by the ending of the file asked for, else the best that this session can show.

    `gui` is the matplotlib backend for windows; it is looked up if empty. Over SSH a page on loopback cannot be
    reached, so the terminal is chosen.

    >>> choose_frontend(Path("run.gif"), {})
    'gif'
    >>> choose_frontend(None, {"SSH_CONNECTION": "…"}, "linux")
    'terminal'
    >>> choose_frontend(None, {}, "linux")
    'browser'
    """
    if out is not None:
        return "gif" if out.suffix == ".gif" else "png"
    has_display = platform in ("darwin", "win32") or bool(env.get("DISPLAY") or env.get("WAYLAND_DISPLAY"))
    if has_display and (gui or window.find_backend(platform)):
        return "window"
    if env.get("SSH_CONNECTION"):
        return "terminal"
    return "browser" if importlib.util.find_spec("tornado") else "terminal"
