"""Draw a view on a matplotlib figure. No pyplot, no Kafka, no clock: each front end brings a figure and views.

The artists are made once and only their data changes, so a frame costs the same after an hour as after a minute.
"""

from zoneinfo import ZoneInfo

from matplotlib.figure import Figure

from consumer_viz.plot.panels import BLUE, GREEN, GREY, INK, VERMILION, FlagPanel, RatePanel
from consumer_viz.plot.view import View
from contracts.domain import MUSIC, Domain

COLOURS = (BLUE, GREEN, INK)
"""Of the panels, from top to bottom; flags have a colour of their own."""
SIZE_INCHES, DPI = (12.0, 7.0), 100
"""1200 x 700 pixels."""


def new_figure(dpi: int = DPI) -> Figure:
    """Make a figure that belongs to no window and no page."""
    return Figure(figsize=SIZE_INCHES, dpi=dpi)


class LivePlot:
    """Three panels over time. Music: streams and activity per batch, flagged sessions per window; see the domain."""

    def __init__(self, figure: Figure, zone: ZoneInfo, domain: Domain = MUSIC) -> None:
        self.figure = figure
        figure.set_facecolor("white")
        self._headline = figure.text(0.065, 0.955, "", size=17, weight="bold", color=INK, va="center")
        self._legend = figure.text(0.065, 0.917, "", size=10, color=GREY, va="center")
        self._footer = figure.text(0.065, 0.022, "", size=9, color=GREY, va="center")
        grid = figure.add_gridspec(
            3, 1, height_ratios=(3, 3, 2.4), left=0.065, right=0.885, top=0.855, bottom=0.085, hspace=0.42
        )
        axes = [figure.add_subplot(grid[row, 0]) for row in range(3)]
        self._panels: list[tuple[str, RatePanel | FlagPanel]] = []
        for ax, colour, panel in zip(axes, COLOURS, domain.panels, strict=True):
            if panel.quantity == "flags":
                self._panels.append((panel.quantity, FlagPanel(ax, zone, panel.title, panel.meaning)))
            else:
                rate_panel = RatePanel(ax, zone, colour, panel.title, panel.meaning, is_exact=not domain.is_per_200)
                self._panels.append((panel.quantity, rate_panel))
        for ax, below in zip(axes, domain.panels[1:], strict=False):
            if below.quantity != "flags":
                ax.tick_params(labelbottom=False)  # the panel below shows the same times
        figure.set_layout_engine("none")

    def update(self, view: View) -> None:
        """Show a view."""
        self._headline.set_text(view.headline)
        self._headline.set_color(VERMILION if view.is_alarm or (view.attack and not view.is_live) else INK)
        self._legend.set_text(view.legend)
        self._footer.set_text(view.footer)
        self._footer.set_color(VERMILION if view.snapshot.trouble else GREY)
        for quantity, panel in self._panels:
            if isinstance(panel, FlagPanel):
                panel.update(view)
                continue
            panel.update(view, *view.line(quantity))
            if quantity == "successes":
                panel.mark_attack(view)
