"""Pictures in files: a PNG of one view, a GIF that shows a run as it unfolds.

A file is written only when the feed has read everything. While it catches up the counts are not complete, and the
picture would show a quiet stretch where there is an attack.
"""

from collections.abc import Iterable
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from consumer_viz.plot.figure import LivePlot, new_figure
from consumer_viz.plot.view import View, animation_views
from consumer_viz.plot.viewer import Viewer
from contracts.domain import MUSIC, Domain

FRAMES, FRAME_MS, LAST_FRAME_MS = 60, 120, 3000
"""An animation of seven seconds; its last picture stays for three more."""
GIF_DPI = 80


def write_png(view: View, out: Path) -> None:
    """Write a view as a picture of 1200 x 700 pixels."""
    out.parent.mkdir(parents=True, exist_ok=True)
    figure = new_figure()
    LivePlot(figure, view.zone, view.snapshot.domain).update(view)
    figure.savefig(out, format="png")


def write_gif(views: Iterable[View], zone: ZoneInfo, out: Path, domain: Domain = MUSIC) -> None:
    """Write views of a domain as an animation."""
    out.parent.mkdir(parents=True, exist_ok=True)
    figure = new_figure(dpi=GIF_DPI)
    canvas, plot = FigureCanvasAgg(figure), LivePlot(figure, zone, domain)
    frames = []
    for view in views:
        plot.update(view)
        canvas.draw()
        # the adaptive palette keeps the smoothed text clean, and makes a frame a third of the size
        frames.append(Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("P", palette=Image.Palette.ADAPTIVE))
    durations = [FRAME_MS] * (len(frames) - 1) + [LAST_FRAME_MS]
    frames[0].save(out, format="GIF", save_all=True, append_images=frames[1:], duration=durations, loop=0)


def save_png(viewer: Viewer) -> None:
    """Watch to the end, then write the last ten minutes. Raises PlotError, and writes nothing, if they are not read."""
    _watch(viewer)
    write_png(viewer.view(), viewer.out)
    viewer.report(f"picture: {viewer.out}")


def save_gif(viewer: Viewer) -> None:
    """Watch to the end, then write how it came about. Raises PlotError as `save_png` does."""
    _watch(viewer)
    write_gif(animation_views(viewer.snapshot(), viewer.zone, FRAMES), viewer.zone, viewer.out, viewer.domain)
    viewer.report(f"animation: {viewer.out}")


def _watch(viewer: Viewer) -> None:
    viewer.wait_until_read()
    while not viewer.is_over:
        viewer.view()
        viewer.wait_for_next_frame()
    viewer.wait_until_read()
