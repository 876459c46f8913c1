"""The panels of the live plot: one axis over time each. Artists are made once; only their data changes.

Colours are those of Okabe and Ito's colour-blind safe palette. Nothing is shown by colour alone.
"""

import math
from zoneinfo import ZoneInfo

import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import MINUTELY, SECONDLY, AutoDateLocator, DateFormatter
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from consumer_viz.plot.series import break_at_pauses, running_mean
from consumer_viz.plot.view import View
from runtime.arrays import Floats
from runtime.units import DAY_S

BLUE, GREEN, VERMILION, INK, GREY, PALE = "#0072B2", "#007A5A", "#D55E00", "#1B1B1B", "#5F6368", "#E3E5E8"
"""Matplotlib's dates are in days."""
LABEL_HEADROOM = 1.35
"""Stretch of the upper half of an axis: the label of a mark is above the lines, not on their peak."""
MAX_ATTACKS = 4
"""Attacks marked at once: the newest."""


class _Panel:
    """One axis over time, with its title, the newest value at the right, and the marks of attacks."""

    def __init__(self, ax: Axes, zone: ZoneInfo, colour: str, title: str, subtitle: str) -> None:
        self.ax, self.zone = ax, zone
        ax.spines[["top", "right"]].set_visible(False)
        ax.spines[["left", "bottom"]].set_color(PALE)
        ax.tick_params(colors=GREY, labelsize=10, length=0)
        ax.grid(axis="y", color=PALE, linewidth=0.8)
        ax.set_axisbelow(True)
        ax.yaxis.set_visible(False)  # until there is a value
        locator = AutoDateLocator(tz=zone, minticks=4, maxticks=9)
        for unit in (SECONDLY, MINUTELY):
            locator.intervald[unit] = [1, 2, 5, 10, 15, 30]  # the default has nothing between 1 and 5
        ax.xaxis.set_major_locator(locator)
        heading = ax.annotate(
            title, (0, 1), (0, 9), "axes fraction", "offset points", size=12, weight="bold", color=colour
        )
        ax.annotate(subtitle, (1, 1), (8, 9), (heading, "axes fraction"), "offset points", size=10, color=GREY)
        self.value = ax.text(1.015, 0.72, "", transform=ax.transAxes, size=20, weight="bold", color=colour, va="center")
        self.note = ax.text(
            1.015, 0.46, "", transform=ax.transAxes, size=9.5, color=GREY, va="center", linespacing=1.35
        )
        bottom_to_top = ax.get_xaxis_transform()
        self._spans = [
            Rectangle((0, 0), 0, 1, transform=bottom_to_top, color=VERMILION, alpha=0.13, lw=0, visible=False)
            for _ in range(MAX_ATTACKS)
        ]
        for span in self._spans:
            ax.add_patch(span)

        self._mark = ax.axvline(0, color=INK, linewidth=1.2, visible=False)
        self._mark_label = ax.annotate(
            "", (0, 1), (5, -3), ("data", "axes fraction"), textcoords="offset points", size=9.5, va="top",
            bbox={"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 1.5},  # readable over the lines
        )  # fmt: skip

    def mark(self, at: float | None, label: str) -> None:
        """Draw a line at a moment, with its label on the side that has room; None removes both."""
        self._mark.set_visible(at is not None)
        self._mark_label.set_text(label if at is not None else "")
        if at is None:
            return
        day = at / DAY_S
        low, high = self.ax.get_xlim()
        is_left = day < (low + high) / 2
        self._mark.set_xdata([day, day])
        self._mark_label.xy = (day, 1)
        self._mark_label.set_x(5 if is_left else -5)
        self._mark_label.set_horizontalalignment("left" if is_left else "right")

    def set_axis(self, axis: tuple[float, float]) -> None:
        """Set the times shown; a short axis has labels to the second."""
        low, high = (at / DAY_S for at in axis)
        if self.ax.get_xlim() != (low, high):
            self.ax.set_xlim(low, high)
            pattern = "%H:%M:%S" if axis[1] - axis[0] < 300 else "%H:%M"
            self.ax.xaxis.set_major_formatter(DateFormatter(pattern, tz=self.zone))

    def shade_attacks(self, view: View) -> None:
        """Shade the newest attacks."""
        newest = view.detection.attacks[-MAX_ATTACKS:]
        for i, span in enumerate(self._spans):
            span.set_visible(i < len(newest))
            if i < len(newest):
                start, end = newest[i].start, newest[i].end if newest[i].is_over else view.axis[1]
                span.set_bounds(start / DAY_S, 0, max(end - start, 1e-3) / DAY_S, 1)

    def fit(self, values: Floats, *, min_range: float, floor: float = -math.inf) -> None:
        """Fit the y axis to the values: wider at once, narrower only when half of it would be empty."""
        known = values[np.isfinite(values)]
        if not len(known):
            return
        self.ax.yaxis.set_visible(True)
        low, high = float(known.min()), float(known.max())
        middle, half = (low + high) / 2, max(high - low, min_range) * 0.58
        low, high = max(middle - half, floor), middle + half * LABEL_HEADROOM
        now_low, now_high = self.ax.get_ylim()
        if low < now_low or high > now_high or (high - low) < 0.5 * (now_high - now_low):
            self.ax.set_ylim(low, high)


class RatePanel(_Panel):
    """A count per batch: every point thin, the running mean bold, the usual level dashed.

    Where the counts themselves are what is shown (`is_exact`), the points are bold, and there is no running mean.
    """

    def __init__(
        self, ax: Axes, zone: ZoneInfo, colour: str, title: str, subtitle: str, *, is_exact: bool = False
    ) -> None:
        super().__init__(ax, zone, colour, title, subtitle)
        self._is_exact = is_exact
        if is_exact:
            ax.tick_params(axis="x", pad=7)  # the 0 of the counts is in the same corner
        style = {"linewidth": 1.6, "marker": "o", "markersize": 2.5} if is_exact else {"linewidth": 0.8, "alpha": 0.35}
        (self._points,) = ax.plot([], [], color=colour, **style)
        (self._mean,) = ax.plot([], [], color=colour, linewidth=2.4, solid_capstyle="round")
        (self._usual,) = ax.plot([], [], color=GREY, linewidth=1.1, dashes=(5, 4))

    def update(self, view: View, y: Floats, usual: Floats) -> None:
        """Show one count of a view and its usual level, one value per point of the series."""
        x = view.series.x
        line_x, points, mean, level = break_at_pauses(
            x, y, running_mean(y), usual, point_width_s=view.series.point_width_s
        )
        self._points.set_data(line_x / DAY_S, points)
        if not self._is_exact:
            self._mean.set_data(line_x / DAY_S, mean)
        self.set_axis(view.axis)
        self._usual.set_data(line_x / DAY_S, level)
        is_shown = (x >= view.axis[0]) & np.isfinite(y)
        # an axis of counts begins at 0
        shown_values = np.append(y[is_shown], 0.0) if self._is_exact and is_shown.any() else y[is_shown]
        self.fit(shown_values, min_range=0.25 * float(np.nanmean(y)) if is_shown.any() else 1.0, floor=0.0)
        shown = points if self._is_exact else mean
        self.value.set_text(f"{shown[-1]:.0f}" if len(shown) and np.isfinite(shown[-1]) else "")
        self.note.set_text(f"usual {level[-1]:.0f}" if len(level) and np.isfinite(level[-1]) else "")
        if self._is_exact and len(y):
            self.note.set_text(f"newest batch\n(mean {float(np.nanmean(y)):.1f})")
        self.shade_attacks(view)

    def mark_attack(self, view: View) -> None:
        """Mark where the newest attack starts, as long as that is on the axis."""
        attack = view.attack if view.attack and view.attack.start >= view.axis[0] else None
        if attack:
            self.mark(attack.start, f"looks like bots from {view.format_time(attack.start)}")
        else:
            self.mark(None, "")


class FlagPanel(_Panel):
    """Flagged sessions of each window, and when they rose."""

    def __init__(self, ax: Axes, zone: ZoneInfo, title: str, subtitle: str) -> None:
        super().__init__(ax, zone, VERMILION, title, subtitle)
        self._area = ax.stairs([0.0], [0.0, 1.0], color=VERMILION, fill=True, alpha=0.35, baseline=0)
        self._outline = ax.stairs([0.0], [0.0, 1.0], color=VERMILION, linewidth=1.8, baseline=None)
        self.note.set(y=0.56, va="top")  # more lines than the notes of the other panels
        self._alerts = ax.stairs([0.0], [0.0, 1.0], color=INK, linewidth=1.4, linestyle=(0, (2, 1.5)), baseline=None)
        self._empty = ax.text(0.5, 0.5, "", transform=ax.transAxes, size=12, color=GREY, ha="center", va="center")
        ax.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))

    def update(self, view: View) -> None:
        """Show the flagged sessions of a view."""
        self.set_axis(view.flag_axis)
        self.shade_attacks(view)
        flags = view.flags
        has_any = len(flags.flagged) > 0
        self._empty.set_text("" if has_any else _empty_message(view))
        has_alerts = has_any and bool(flags.alerts.any())
        lines = (self._area, flags.flagged, has_any), (self._outline, flags.flagged, has_any)
        for artist, values, is_shown in (*lines, (self._alerts, flags.alerts, has_alerts)):
            artist.set_visible(is_shown)
            if is_shown:
                artist.set_data(values, flags.edges / DAY_S)
        self.ax.yaxis.set_visible(has_any)
        highest = float(max(flags.flagged.max(), flags.alerts.max())) if has_any else 0.0
        self.ax.set_ylim(0, max(4.0, 1.3 * highest))
        self.value.set_text(f"{flags.flagged[-1]:.0f}" if has_any else "")
        self.note.set_text(f"of {flags.sessions[-1]:.0f} sessions{_alert_note(view)}" if has_any else "")
        at = view.flagged_at if view.flagged_at and view.flagged_at >= view.flag_axis[0] else None
        delay = f", {at - view.attack.start:.0f} s after the start" if at and view.attack else ""
        self.mark(at, f"flags rise at {view.format_time(at)}{delay}" if at else "")


def _alert_note(view: View) -> str:
    if view.alert_delay_s is None:
        return ""
    return f"\nalerts: {view.flags.alerts[-1]:.0f}\nmedian delay {view.alert_delay_s:.0f} s"


def _empty_message(view: View) -> str:
    if view.is_live:
        return "No fraud count has arrived yet: the Spark job reports every 10 s once sessions close"
    return "No fraud count arrived in this run"
