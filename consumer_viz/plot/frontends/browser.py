"""The plot as a page on loopback (matplotlib's WebAgg): needs no display, only a browser."""

import asyncio
from typing import Any

import matplotlib.pyplot as plt

from consumer_viz.plot.figure import DPI, SIZE_INCHES, LivePlot
from consumer_viz.plot.viewer import FRAME_S, Viewer

ADDRESS = "127.0.0.1"
CHECK_S = 0.2
"""How soon a stop is noticed."""
MARGIN_PX = 10
"""Around the figure, in matplotlib's page."""


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
    whole_width = f'<meta name="viewport" content="width={round(SIZE_INCHES[0] * DPI) + 2 * MARGIN_PX}">'

    class WholePage(WebAggApplication.SingleFigurePage):  # type: ignore[misc]
        """The page of a figure, of which a telephone shows the whole width instead of its left third."""

        def render_string(self, template_name: str, **values: Any) -> bytes:
            html: bytes = super().render_string(template_name, **values)
            return html.replace(b"<head>", b"<head>" + whole_width.encode(), 1)

    WebAggApplication.SingleFigurePage = WholePage
    WebAggApplication.initialize(address=ADDRESS)
    plot = LivePlot(figure, viewer.zone, viewer.domain)
    viewer.report(f"live plot: http://{ADDRESS}:{WebAggApplication.port}/{figure.number}")
    while not viewer.is_over:
        plot.update(viewer.view())
        figure.canvas.draw_idle()
        for _ in range(round(FRAME_S / CHECK_S)):
            if not viewer.is_over:
                await asyncio.sleep(CHECK_S)
