"""The plot as a page on loopback (matplotlib's WebAgg): needs no display, only a browser."""

import asyncio

import matplotlib.pyplot as plt

from consumer_viz.plot.figure import DPI, SIZE_INCHES, LivePlot
from consumer_viz.plot.viewer import FRAME_S, Viewer

ADDRESS = "127.0.0.1"
CHECK_S = 0.2
"""How soon a stop is noticed."""


def show(viewer: Viewer) -> None:
    """Serve the page until it is over. Where the wanted port is taken it uses a near one, and reports which."""
    plt.switch_backend("webagg")
    figure = plt.figure("Playproof live", figsize=SIZE_INCHES, dpi=DPI)
    try:
        asyncio.run(_serve(viewer, figure))
    finally:
        plt.close(figure)


async def _serve(viewer: Viewer, figure: plt.Figure) -> None:
    from matplotlib.backends.backend_webagg import WebAggApplication  # noqa: PLC0415 (needs tornado)

    plt.rcParams["webagg.port"] = viewer.port
    WebAggApplication.initialize(address=ADDRESS)
    plot = LivePlot(figure, viewer.zone, viewer.domain)
    viewer.report(f"live plot: http://{ADDRESS}:{WebAggApplication.port}/{figure.number}")
    while not viewer.is_over:
        plot.update(viewer.view())
        figure.canvas.draw_idle()
        for _ in range(round(FRAME_S / CHECK_S)):
            if not viewer.is_over:
                await asyncio.sleep(CHECK_S)
