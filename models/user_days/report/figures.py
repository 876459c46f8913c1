"""The figures of the daily report, one function each: a frame in, a matplotlib figure out."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from models.metrics.flags import MIN_ROWS
from models.metrics.intervals import Share
from models.user_days.hybrid import FLAG
from models.user_days.rules import GROUPS, RULES

RULES_ONLY, FOREST_ONLY, BOTH, TREES = "#0072b2", "#e69f00", "#d55e00", "#009e73"
"""Okabe and Ito's colours: told apart by colour-blind readers too."""
GREY = "#8a8a8a"
MAX_POINTS = 4000
MAX_DATES = 12
"""Dates named below an axis."""


def flags_by_day(flags: pd.DataFrame) -> Figure:
    """Draw how many user-days were flagged on each day, by whom."""
    figure, axes = _one(9, 3.4)
    day = pd.to_datetime(flags["local_date"]).dt.normalize()
    days = pd.date_range(day.min(), day.max())
    others = ~flags["by_trees"]
    kinds = {
        "trees": (flags["by_trees"], TREES),
        "rules and forest": (others & flags["by_rules"] & flags["by_forest"], BOTH),
        "rules": (others & flags["by_rules"] & ~flags["by_forest"], RULES_ONLY),
        "forest": (others & ~flags["by_rules"] & flags["by_forest"], FOREST_ONLY),
    }
    base = np.zeros(len(days))
    for label, (rows, colour) in kinds.items():
        height = day[rows].value_counts().reindex(days, fill_value=0).to_numpy()
        axes.bar(days, height, bottom=base, color=colour, label=label, width=0.85)
        base += height
    axes.set_ylabel("user-days flagged")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    shown = days[:: -(-len(days) // MAX_DATES)]
    axes.set_xticks(shown, [f"{at.day} {at:%b}" for at in shown])
    axes.set_title("Flagged user-days by local day")
    figure.legend(frameon=False, ncols=4, loc="outside lower center")
    return figure


def rules_fired(flags: pd.DataFrame) -> Figure:
    """Draw how often each rule fired, and how often on a day that was flagged by rules of two groups."""
    figure, axes = _one(9, 3.6)
    alone = flags["rules"].explode().value_counts()
    flagged = flags.loc[flags["by_rules"], "rules"].explode().value_counts()
    ordered = [rule for group in (*GROUPS, None) for rule in RULES if rule.group == group]
    names = [rule.name for rule in ordered]
    labels = [f"{rule.name} ({rule.group or 'a reason only'})" for rule in ordered]
    position = np.arange(len(names))[::-1]
    axes.barh(position, alone.reindex(names, fill_value=0), color=GREY, height=0.75, label="fired")
    axes.barh(position, flagged.reindex(names, fill_value=0), color=RULES_ONLY, height=0.75, label="on a flagged day")
    axes.set_yticks(position, labels)
    axes.set_xlabel("user-days")
    axes.set_title("Rules that fired; a flag needs two groups")
    figure.legend(frameon=False, ncols=2, loc="outside lower center")
    return figure


def two_scores(flags: pd.DataFrame, rng: np.random.Generator) -> Figure:
    """Draw the rules' score against the forest's, with their thresholds."""
    figure, axes = _one(5.2, 4.6)
    quiet = flags[~(flags["by_rules"] | flags["by_forest"])]
    some = quiet.iloc[rng.permutation(len(quiet))[:MAX_POINTS]]
    axes.scatter(
        some["rules_score"], some["forest_score"], s=5, color=GREY, alpha=0.4, label=f"neither (at most {MAX_POINTS:,})"
    )
    kinds = (
        ("rules only", flags["by_rules"] & ~flags["by_forest"], RULES_ONLY),
        ("forest only", ~flags["by_rules"] & flags["by_forest"], FOREST_ONLY),
        ("both", flags["by_rules"] & flags["by_forest"], BOTH),
    )
    for label, rows, colour in kinds:
        axes.scatter(flags.loc[rows, "rules_score"], flags.loc[rows, "forest_score"], s=9, color=colour, label=label)
    axes.axvline(FLAG, color="black", linewidth=0.7, linestyle="--")
    axes.axhline(FLAG, color="black", linewidth=0.7, linestyle="--")
    axes.set_xlabel("score of the rules")
    axes.set_ylabel("score of the forest")
    axes.set_title("Each user-day by both scores")
    figure.legend(frameon=False, ncols=2, fontsize=8, loc="outside lower center")
    return figure


def shares(title: str, rows: Mapping[str, Share], colour: str) -> Figure:
    """Draw shares with their intervals, one line each; too few rows are named and not drawn."""
    figure, axes = _one(7, 0.9 + 0.3 * max(len(rows), 2))
    position = np.arange(len(rows))[::-1]
    for y, share in zip(position, rows.values(), strict=True):
        if share.value is None or share.n < MIN_ROWS:
            # at the left edge, whatever shares are drawn: text at share 0 can be far outside the axes
            axes.text(0, y, " too few", va="center", fontsize=8, color=GREY, transform=axes.get_yaxis_transform())
            continue
        axes.plot([share.low, share.high], [y, y], color=colour, linewidth=1.5)
        axes.plot(share.value, y, "o", color=colour, markersize=5)
    axes.set_yticks(position, [f"{name} (n = {share.n:,})" for name, share in rows.items()])
    axes.set_ylim(-0.7, max(len(rows), 2) - 0.3)
    axes.margins(x=0.03)
    axes.set_xlabel("share of user-days flagged, with 95 % interval by account")
    axes.set_title(title)
    return figure


def _one(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes
