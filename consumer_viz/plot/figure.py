"""Draw a view on a matplotlib figure. No pyplot, no Kafka, no clock: each front end brings a figure and views.

The artists are made once and only their data changes, so a frame costs the same after an hour as after a minute.
"""

from zoneinfo import ZoneInfo

from matplotlib.figure import Figure

from consumer_viz.plot.panels import BLUE, GREEN, GREY, INK, VERMILION, FlagPanel, RatePanel
from consumer_viz.plot.view import View

SIZE_INCHES, DPI = (12.0, 7.0), 100
"""1200 x 700 pixels."""


def new_figure(dpi: int = DPI) -> Figure:
    """Make a figure that belongs to no window and no page."""
    return Figure(figsize=SIZE_INCHES, dpi=dpi)


class LivePlot:
    """Three panels over time: streams per batch, activity per batch, flagged sessions per window."""

    def __init__(self, figure: Figure, zone: ZoneInfo) -> None:
        self.figure = figure
        figure.set_facecolor("white")
        self._headline = figure.text(0.065, 0.955, "", size=17, weight="bold", color=INK, va="center")
        self._legend = figure.text(0.065, 0.917, "", size=10, color=GREY, va="center")
        self._footer = figure.text(0.065, 0.022, "", size=9, color=GREY, va="center")
        grid = figure.add_gridspec(
            3, 1, height_ratios=(3, 3, 2.4), left=0.065, right=0.885, top=0.855, bottom=0.085, hspace=0.42
        )
        axes = [figure.add_subplot(grid[row, 0]) for row in range(3)]
        self._streams = RatePanel(axes[0], zone, BLUE, "Streams per batch", "plays of 30 s or more in a batch of 200")
        self._activity = RatePanel(
            axes[1], zone, GREEN, "Activity per batch", "rows of other client activity per 200 plays"
        )
        self._flags = FlagPanel(axes[2], zone)
        axes[0].tick_params(labelbottom=False)  # the panel below shows the same times
        figure.set_layout_engine("none")

    def update(self, view: View) -> None:
        """Show a view."""
        self._headline.set_text(view.headline)
        self._headline.set_color(VERMILION if view.is_alarm or (view.attack and not view.is_live) else INK)
        self._legend.set_text(view.legend)
        self._footer.set_text(view.footer)
        self._footer.set_color(VERMILION if view.snapshot.trouble else GREY)
        self._streams.update(view, view.series.streams, view.detection.usual_streams)
        self._streams.mark_attack(view)
        self._activity.update(view, view.series.activity, view.detection.usual_activity)
        self._flags.update(view)
