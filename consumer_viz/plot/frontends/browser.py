"""The plot as a page on loopback (matplotlib's WebAgg): works without a display, on any machine with a browser."""

import asyncio

import matplotlib.pyplot as plt

from consumer_viz.plot.figure import DPI, SIZE_INCHES
from consumer_viz.plot.viewer import FRAME_S, Watch

ADDRESS = "127.0.0.1"
CHECK_S = 0.2
"""How soon a stop is noticed."""


def show(watch: Watch) -> None:
    """Serve the page until it is over; takes a port near the wanted one if that is taken, and says which."""
    plt.switch_backend("webagg")
    figure = plt.figure("Playproof live", figsize=SIZE_INCHES, dpi=DPI)
    try:
        asyncio.run(_serve(watch, figure))
    finally:
        plt.close(figure)


async def _serve(watch: Watch, figure: plt.Figure) -> None:
    from matplotlib.backends.backend_webagg import WebAggApplication  # noqa: PLC0415 (needs tornado)

    plt.rcParams["webagg.port"] = watch.port
    WebAggApplication.initialize(address=ADDRESS)
    plot = watch.plot_on(figure)
    watch.say(f"live plot: http://{ADDRESS}:{WebAggApplication.port}/{figure.number}")
    while not watch.is_over:
        plot.update(watch.view())
        figure.canvas.draw_idle()
        for _ in range(round(FRAME_S / CHECK_S)):
            if not watch.is_over:
                await asyncio.sleep(CHECK_S)
