"""The plot in a window of its own, where there is a display."""

import importlib.util
import sys

import matplotlib.pyplot as plt

from consumer_viz.plot.figure import DPI, SIZE_INCHES
from consumer_viz.plot.viewer import FRAME_S, Watch

TOOLKITS = {"PyQt6": "qtagg", "PySide6": "qtagg", "_tkinter": "tkagg"}
"""Module to look for -> matplotlib backend."""


def backend(platform: str = sys.platform) -> str | None:
    """Name a matplotlib backend that can open a window here; None without a toolkit."""
    if platform == "darwin":
        return "macosx"
    return next((name for module, name in TOOLKITS.items() if importlib.util.find_spec(module)), None)


def show(watch: Watch) -> None:
    """Show the plot until it is over or the window is closed."""
    plt.switch_backend(backend() or "tkagg")
    figure = plt.figure("Playproof live", figsize=SIZE_INCHES, dpi=DPI)
    plot = watch.plot_on(figure)

    def frame() -> bool:
        if watch.is_over:
            plt.close(figure)
            return False
        plot.update(watch.view())
        figure.canvas.draw_idle()
        return True

    timer = figure.canvas.new_timer(interval=int(FRAME_S * 1000))
    timer.add_callback(frame)
    frame()
    timer.start()
    plt.show(block=True)
    timer.stop()
