"""Pictures in files: a PNG of one view, a GIF in which the run unfolds."""

from collections.abc import Iterable
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from consumer_viz.plot.figure import LivePlot
from consumer_viz.plot.view import View, film
from consumer_viz.plot.viewer import HISTORY_S, Watch, blank_figure

FRAMES, FRAME_MS, HOLD_MS = 60, 120, 3000
"""A film of seven seconds that rests on its last picture for three."""
GIF_DPI = 80


def write_png(view: View, out: Path) -> None:
    """Write a view as a picture of 1200 x 700 pixels."""
    out.parent.mkdir(parents=True, exist_ok=True)
    figure = blank_figure()
    LivePlot(figure, view.zone).update(view)
    figure.savefig(out, format="png")


def write_gif(views: Iterable[View], zone: ZoneInfo, out: Path) -> None:
    """Write views as a film; the last one stays a while."""
    out.parent.mkdir(parents=True, exist_ok=True)
    figure = blank_figure(dpi=GIF_DPI)
    canvas, plot = FigureCanvasAgg(figure), LivePlot(figure, zone)
    frames = []
    for view in views:
        plot.update(view)
        canvas.draw()
        # the adaptive palette keeps the anti-aliased text clean, and a frame a third of the size
        frames.append(Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("P", palette=Image.Palette.ADAPTIVE))
    lengths = [FRAME_MS] * (len(frames) - 1) + [HOLD_MS]
    frames[0].save(out, save_all=True, append_images=frames[1:], duration=lengths, loop=0)


def save_png(watch: Watch) -> None:
    """Watch to the end, then write the last ten minutes."""
    _sit(watch)
    write_png(watch.view(), watch.out)
    watch.say(f"picture: {watch.out}")


def save_gif(watch: Watch) -> None:
    """Watch to the end, then write how it came about."""
    _sit(watch)
    snapshot = watch.source.snapshot(watch.clock() - HISTORY_S)
    write_gif(film(snapshot, watch.zone, FRAMES), watch.zone, watch.out)
    watch.say(f"film: {watch.out}")


def _sit(watch: Watch) -> None:
    while not watch.is_over:
        watch.view()
        watch.rest()
