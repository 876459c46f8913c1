"""The calibration page: every acceptance line against its range, and the curves behind them next to published ones."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from contracts.events import CONTEXTS, REASONS_END
from producer.simulator.measure.calibration import statistics as st
from producer.simulator.measure.calibration.acceptance import (
    CONTEXT_MIX,
    CUT_WITHIN,
    END_MIX,
    KKBOX,
    LEAST_SWING,
    POSITION_CURVE,
    QUANTILES,
    Line,
)
from producer.simulator.measure.listened import Listened

matplotlib.use("Agg")
Drawer = Callable[[Axes, Listened], None]
PUBLISHED, OURS, FAILED = "#8a8f98", "#1769aa", "#c62828"


def draw_page(path: Path, profile: str, plays: Listened, runs: list[list[Line]]) -> None:
    """Write one profile's page: `plays` of one run for the curves, `runs` are the lines of every seed."""
    figure = Figure(figsize=(19, 5 + 0.24 * len(runs[0])), layout="constrained")
    figure.suptitle(f"Honest listening, profile {profile}: simulated (blue) against published (grey)", fontsize=15)
    grid = figure.add_gridspec(4, 4, width_ratios=[0.3, 1.0, 0.9, 0.9])
    _lines(figure.add_subplot(grid[:, 1]), runs)
    # published of Spotify's listeners, so another profile's stand alone
    of_spotify: list[Drawer] = [partial(d, is_like=profile == "spotify") for d in (_positions, _ends, _contexts)]
    drawers: list[Drawer] = [
        _user_day,
        *of_spotify,
        partial(_hours, swing=LEAST_SWING[profile]),
        _gaps,
        _popularity,
        _memory,
    ]
    for number, drawer in enumerate(drawers):
        drawer(figure.add_subplot(grid[number // 2, 2 + number % 2]), plays)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80)


def _lines(axis: Axes, runs: list[list[Line]]) -> None:
    """Draw each line's allowed range from 0 to 1, and the measures of all seeds in it."""
    names = [line.line for line in runs[0]]
    axis.axvspan(0, 1, color=PUBLISHED, alpha=0.25, lw=0)
    for run in runs:
        for row, line in enumerate(run):
            width = line.high - line.low
            place = (line.measured - line.low) / width if np.isfinite(width) else min(line.measured / line.low - 0.9, 1)
            axis.plot(np.clip(place, -0.4, 1.4), row, "o", ms=5, color=OURS if line.is_met else FAILED, alpha=0.7)
    labels = [f"{name}  [{line.measured:.3g}]" for name, line in zip(names, runs[0], strict=True)]
    axis.set(yticks=range(len(names)), xticks=[0, 1], xlim=(-0.45, 1.45), title="every line: inside the band passes")
    axis.set_yticklabels(labels, fontsize=8)
    axis.set_xticklabels(["lowest allowed", "highest allowed"])
    axis.invert_yaxis()


def _user_day(axis: Axes, plays: Listened) -> None:
    days = st.user_days(plays)
    for name, style in (("plays", "o-"), ("unique", "s--")):
        axis.plot(QUANTILES, [np.percentile(getattr(days, name), q) for q in QUANTILES], style, color=OURS, label=name)
        axis.plot(QUANTILES, KKBOX[name], style, color=PUBLISHED, label=f"{name}, KKBox")
    axis.set(title="plays and unique tracks of a user-day", xlabel="percentile", yscale="log")
    axis.legend(fontsize=8)


def _positions(axis: Axes, plays: Listened, is_like: bool) -> None:
    places = tuple(range(1, 21))
    axis.plot(places, st.brief_by_position(plays, places), color=OURS)
    if is_like:
        axis.plot(list(POSITION_CURVE), list(POSITION_CURVE.values()), "o", color=PUBLISHED)
    for seconds, value in CUT_WITHIN.items():
        if is_like:
            axis.plot(seconds * 20 / 30, value, "x", color=PUBLISHED)
        axis.plot(seconds * 20 / 30, st.cut_within(plays, seconds), "+", color=OURS)
    axis.set(
        title=f"brief plays by position; skipped within 5, 10, 30 s ({'x, +' if is_like else '+'})",
        xlabel="position in the session",
        ylim=(0, 0.7),
    )


def _bars(axis: Axes, found: dict[str, float], published: dict[str, float], is_like: bool, title: str) -> None:
    at = np.arange(len(published))
    if is_like:
        axis.bar(at - 0.2, list(published.values()), 0.4, color=PUBLISHED)
    axis.bar(at + 0.2 * is_like, [found[word] for word in published], 0.4, color=OURS)
    axis.set(title=title, xticks=at)
    axis.set_xticklabels(list(published), fontsize=8)


def _ends(axis: Axes, plays: Listened, is_like: bool) -> None:
    keep = st.in_long_sessions(plays)
    _bars(axis, st.shares(plays.reason_end[keep], REASONS_END), END_MIX, is_like, "reason_end")


def _contexts(axis: Axes, plays: Listened, is_like: bool) -> None:
    keep = st.in_long_sessions(plays)
    _bars(axis, st.shares(plays.context[keep], CONTEXTS), CONTEXT_MIX, is_like, "context")


def _hours(axis: Axes, plays: Listened, swing: float) -> None:
    share = st.by_hour(plays)
    axis.bar(np.arange(24), share, color=OURS)
    axis.axhline(share.max() / swing, color=PUBLISHED, ls="--")
    axis.set(title="plays by local hour; the trough must lie under the dashed line", xlabel="hour")


def _gaps(axis: Axes, plays: Listened) -> None:
    gaps, _ = st.log_gaps(plays)
    axis.hist(gaps, np.linspace(-0.5, 6, 90).tolist(), color=OURS)
    for seconds, name in ((60, "1 min"), (10_800, "3 h"), (86_400, "24 h")):
        axis.axvline(np.log10(seconds), color=PUBLISHED, ls="--")
        axis.text(np.log10(seconds) + 0.04, 0.94, name, color=PUBLISHED, transform=axis.get_xaxis_transform())
    axis.set(title="gaps between starts (log-log): two modes", xlabel="log10 seconds", yscale="log")
    axis.set_ylim(top=axis.get_ylim()[1] * 5)  # room for the names


def _popularity(axis: Axes, plays: Listened) -> None:
    counts = st.artist_counts(plays)
    ranks = np.arange(1, len(counts) + 1)
    axis.loglog(ranks, counts / counts.sum(), color=OURS)
    middle = ranks[(ranks >= 10) & (ranks <= 1000)]
    for exponent in (0.8, 1.1):
        axis.loglog(middle, counts[9] / counts.sum() * (middle / 10.0) ** -exponent, "--", color=PUBLISHED)
    axis.set(title="artists by rank; Zipf .8 and 1.1 dashed", xlabel="rank")


def _memory(axis: Axes, plays: Listened) -> None:
    gaps, has_next = st.log_gaps(plays)
    first = np.flatnonzero(has_next[:-1])
    axis.hist2d(gaps[first], gaps[first + 1], bins=60, range=[[0, 5.5], [0, 5.5]], norm="log", cmap="Blues")
    axis.set(title=f"a gap and the next: correlation {st.gap_memory(plays):.2f}", xlabel="log10 s", ylabel="log10 s")
