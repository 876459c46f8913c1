"""The picture of an audit: plays by day, and below them a row of marks for each detector that had an alarm to give."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from models.reports.false_alarms import HYBRID, FalseAlarms

PLAYS, ALARM, QUIET = "#8a8a8a", "#d55e00", "#009e73"
"""Okabe and Ito's colours: told apart by colour-blind readers too."""


def draw_alarms(report: FalseAlarms) -> Figure:
    """Draw the days of a history: bars of plays, and a mark where a detector flagged a day of anybody in it."""
    detectors = [name for name in report.detectors if name != HYBRID]
    height = 2.4 + 0.28 * len(detectors)
    figure = Figure(figsize=(10, height), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[2.2, 0.28 * len(detectors) + 0.2])
    days = report.history.days
    plays = days.groupby(pd.to_datetime(days["local_date"]))["plays"].sum()
    above.bar(plays.index, plays.to_numpy(), width=1.0, color=PLAYS)
    above.set_ylabel("plays per day")
    above.set_title(f"{report.history.name}: {len(report.person_days):,} person-days, every alarm is a false one")
    position = range(len(detectors) - 1, -1, -1)
    for y, name in zip(position, detectors, strict=True):
        at = pd.to_datetime(report.alarms_of(name)["local_date"])
        below.axhline(y, color=QUIET if at.empty else ALARM, linewidth=0.6, alpha=0.5)
        below.plot(at, [y] * len(at), "|", color=ALARM, markersize=11, markeredgewidth=1.6)
    rates = [report.per_100(name)[0] for name in detectors]
    labels = [f"{name}  {rate:.2f}" for name, rate in zip(detectors, rates, strict=True)]
    below.set_yticks(list(position), labels)
    below.set_ylim(-0.6, len(detectors) - 0.4)
    below.set_xlabel("local day; beside each detector its alarms per 100 person-days")
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
    below.spines["left"].set_visible(False)
    below.tick_params(axis="y", length=0)
    return figure


def write_picture(report: FalseAlarms, path: Path) -> None:
    """Write the picture as a file of the kind that its name ends in: png, svg, pdf."""
    draw_alarms(report).savefig(path, dpi=130)
