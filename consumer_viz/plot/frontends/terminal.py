"""The plot in a terminal: three charts of block characters, for a session over SSH."""

import numpy as np
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from consumer_viz.plot.panels import BLUE, GREEN, GREY, VERMILION
from consumer_viz.plot.series import SLIDE_S, running_mean
from consumer_viz.plot.view import View
from consumer_viz.plot.viewer import Viewer
from runtime.arrays import Floats

BLOCKS = " ▁▂▃▄▅▆▇█"
ROWS = 4
"""Height of a chart in lines of text."""
VALUE_COLUMNS = 14
"""Columns right of a chart, for its newest value."""


def show(viewer: Viewer) -> None:
    """Draw over the terminal until it is over."""
    console = Console()
    viewer.report = lambda _: None  # the last line of the picture shows it
    with Live(console=console, screen=console.is_terminal, auto_refresh=False) as live:
        while not viewer.is_over:
            live.update(draw(viewer.view(), console.width), refresh=True)
            viewer.wait_for_next_frame()


def draw(view: View, width: int) -> Group:
    """Return the picture of a view, `width` columns wide."""
    columns = max(width - VALUE_COLUMNS, 10)
    charts: list[Text] = []
    # a window's count lasts until the next window ends, one slide later: one value per second
    flag_x = (view.flags.edges[:-1, None] + np.arange(SLIDE_S)).ravel()
    flagged = np.repeat(view.flags.flagged, SLIDE_S)
    for panel, colour in zip(view.snapshot.domain.panels, (BLUE, GREEN, GREY), strict=True):
        if panel.quantity == "flags":
            charts += _chart("Flagged sessions in 2 minutes", VERMILION, view, flag_x, flagged, np.empty(0), columns)
        else:
            values, usual = view.line(panel.quantity)
            charts += _chart(panel.title, colour, view, view.series.x, running_mean(values), usual, columns)
    return Group(
        Text(view.headline, style=f"bold {VERMILION}" if view.is_alarm else "bold"),
        *charts,
        _attack_marks(view, columns),
        Text(f"{view.format_time(view.axis[0])}{view.format_time(view.axis[1]):>{columns - 8}}", style="dim"),
        Text(view.footer, style=VERMILION if view.snapshot.trouble else "dim"),
    )


def bars(values: Floats, low: float, high: float, rows: int = ROWS) -> list[str]:
    """Draw columns of block characters, top line first; NaN is left blank.

    >>> bars(np.array([0.0, 4.0, 8.0, np.nan]), 0, 8, rows=1)
    [' ▄█ ']
    """
    eighths = np.nan_to_num((values - low) / max(high - low, 1e-9) * 8 * rows, nan=0.0).round().astype(int)
    return ["".join(BLOCKS[k] for k in np.clip(eighths - 8 * row, 0, 8)) for row in reversed(range(rows))]


def _chart(title: str, colour: str, view: View, x: Floats, y: Floats, usual: Floats, columns: int) -> list[Text]:
    values = _mean_per_column(view, x, y, columns)
    known = values[np.isfinite(values)]
    if not len(known):
        return [Text(title, style=f"bold {colour}"), Text("  nothing yet", style="dim")]
    level = f" usual {usual[-1]:.0f}" if len(usual) and np.isfinite(usual[-1]) else ""
    low = 0.0 if not len(usual) else max(0.0, float(known.min()) - 0.25 * float(known.max() - known.min() + 1))
    lines = [Text(line, style=colour) for line in bars(values, low, float(known.max()))]
    lines[0].append(f" {known[-1]:.0f}", style=f"bold {colour}")
    lines[1].append(level, style="dim")
    return [Text(title, style=f"bold {colour}"), *lines]


def _mean_per_column(view: View, x: Floats, y: Floats, columns: int) -> Floats:
    """Average the points of each column; NaN where there are none."""
    start, end = view.axis
    column = np.floor((x - start) / (end - start) * columns).astype(int)
    is_shown = np.isfinite(y) & (column >= 0) & (column < columns)
    counts = np.bincount(column[is_shown], minlength=columns)
    sums = np.bincount(column[is_shown], y[is_shown], minlength=columns)
    with np.errstate(divide="ignore", invalid="ignore"):
        return sums / counts


def _attack_marks(view: View, columns: int) -> Text:
    """Mark the newest attack with triangles under the charts."""
    start, end = view.axis
    line = [" "] * columns
    if view.attack is not None:
        until = view.attack.end if view.attack.is_over else end
        first, last = (int((at - start) / (end - start) * columns) for at in (view.attack.start, until))
        for i in range(max(first, 0), min(last + 1, columns)):
            line[i] = "▲"
    return Text("".join(line), style=VERMILION)
