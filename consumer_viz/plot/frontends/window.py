"""The plot in a window, where there is a display."""

import importlib.util
import sys

import matplotlib.pyplot as plt

from consumer_viz.plot.figure import DPI, SIZE_INCHES, LivePlot
from consumer_viz.plot.viewer import FRAME_S, Viewer

TOOLKITS = {"PyQt6": "qtagg", "PySide6": "qtagg", "_tkinter": "tkagg"}
"""Module to look for -> matplotlib backend."""


def find_backend(platform: str = sys.platform) -> str | None:
    """Return the name of a matplotlib backend that can open a window here; None without a toolkit."""
    if platform == "darwin":
        return "macosx"
    return next((name for module, name in TOOLKITS.items() if importlib.util.find_spec(module)), None)


def show(viewer: Viewer) -> None:
    """Show the plot until it is over or the window is closed."""
    plt.switch_backend(find_backend() or "tkagg")
    figure = plt.figure("Playproof live", figsize=SIZE_INCHES, dpi=DPI)
    plot = LivePlot(figure, viewer.zone, viewer.domain)

    def draw_frame() -> bool:
        if viewer.is_over:
            plt.close(figure)
            return False
        plot.update(viewer.view())
        figure.canvas.draw_idle()
        return True

    timer = figure.canvas.new_timer(interval=int(FRAME_S * 1000))
    timer.add_callback(draw_frame)
    draw_frame()
    timer.start()
    plt.show(block=True)
    timer.stop()
