"""The plot as a page on loopback (matplotlib's WebAgg): needs no display, only a browser."""

import asyncio
from contextlib import suppress
from typing import Any

import matplotlib.pyplot as plt

from consumer_viz.plot.figure import DPI, SIZE_INCHES, LivePlot
from consumer_viz.plot.viewer import FRAME_S, Viewer

ADDRESS = "127.0.0.1"
HOSTS = frozenset({ADDRESS, "localhost", "[::1]"})
"""Allowed names in a request's Host. Another name means that somebody made it point to this machine."""
MISDIRECTED = 421
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
    from tornado.web import ErrorHandler  # noqa: PLC0415 (the same)
    from tornado.websocket import WebSocketClosedError  # noqa: PLC0415 (the same)

    plt.rcParams["webagg.port"] = viewer.port
    whole_width = f'<meta name="viewport" content="width={round(SIZE_INCHES[0] * DPI) + 2 * MARGIN_PX}">'

    class WholePage(WebAggApplication.SingleFigurePage):  # type: ignore[misc]
        """The page of a figure, of which a telephone shows the whole width instead of its left third."""

        def render_string(self, template_name: str, **values: Any) -> bytes:
            html: bytes = super().render_string(template_name, **values)
            return html.replace(b"<head>", b"<head>" + whole_width.encode(), 1)

    class OwnNamesOnly(WebAggApplication):  # type: ignore[misc]
        """Answers for names of loopback only; tornado itself refuses a socket that a page of another site opens."""

        SingleFigurePage = WholePage

        def find_handler(self, request: Any, **kwargs: Any) -> Any:
            if request.host_name not in HOSTS:
                return self.get_handler_delegate(request, ErrorHandler, {"status_code": MISDIRECTED})
            return super().find_handler(request, **kwargs)

    OwnNamesOnly.initialize(address=ADDRESS)
    plot = LivePlot(figure, viewer.zone, viewer.domain)
    viewer.report(f"live plot: http://{ADDRESS}:{OwnNamesOnly.port}/{figure.number}")
    while not viewer.is_over:
        plot.update(viewer.view())
        with suppress(WebSocketClosedError):  # a tab that closes in this moment: the next frame reaches the others
            figure.canvas.draw_idle()
        for _ in range(round(FRAME_S / CHECK_S)):
            if not viewer.is_over:
                await asyncio.sleep(CHECK_S)
