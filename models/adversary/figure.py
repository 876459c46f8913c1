"""The picture of the curve of evasion."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, PercentFormatter, StrMethodFormatter

COLOURS = ("#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9", "#000000")
"""Okabe and Ito's colours: told apart by colour-blind readers too."""
EARNED_TICKS = (10, 30, 100, 300, 1000, 3000, 10_000, 30_000)
MARKERS = ("o", "s", "^", "D", "v", "P", "X")


def draw_evasion(results: Mapping[str, Any]) -> Figure:
    """Draw for each family the accounts flagged and the streams earned before the first flag, over the budget.

    `results`: the content of evasion.json. Bars are 95 % intervals of the worlds that the search did not see.
    """
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    flagged, earned = figure.subplots(1, 2)
    days = results["settings"]["days"]
    budgets = results["settings"]["budgets"]
    honest = [entry["honest_flagged_28"]["any"] for entry in results["families"].values()]
    for number, (name, entry) in enumerate(results["families"].items()):
        points = [point for point in entry["curve"] if point["fresh"]]
        if not points:
            continue
        style = {"color": COLOURS[number % len(COLOURS)], "marker": MARKERS[number % len(MARKERS)], "label": name}
        # families are moved a little apart, so that their intervals do not cover each other
        x = [point["budget"] * 1.03 ** (number - len(results["families"]) / 2) for point in points]
        y = [point["fresh"]["flagged_28"] for point in points]
        ends = [[point["fresh"][f"flagged_28_{end}"] for point in points] for end in ("low", "high")]
        errors = [
            [v - low for v, low in zip(y, ends[0], strict=True)],
            [h - v for v, h in zip(y, ends[1], strict=True)],
        ]
        flagged.errorbar(x, y, errors, capsize=2, linewidth=1.4, elinewidth=0.8, **style)
        earned.plot(x, [point["fresh"]["streams_before_flag"] for point in points], linewidth=1.4, **style)
    if honest:
        flagged.axhline(sum(honest) / len(honest), color="#8a8a8a", linestyle=":", label="honest accounts")
    earned.plot(budgets, [days * b for b in budgets], color="#8a8a8a", linestyle=":", label="nobody is flagged")
    flagged.set(ylim=(-0.03, 1.03), ylabel=f"accounts flagged within {days} days", title="How many are noticed")
    flagged.yaxis.set_major_formatter(PercentFormatter(1.0))
    earned.set(yscale="log", ylabel="paid streams per account before its first flag", title="What an account earns")
    earned.set_yticks([v for v in EARNED_TICKS if v <= days * max(budgets)])
    earned.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    earned.yaxis.set_minor_formatter(NullFormatter())
    for axes in (flagged, earned):
        axes.set(xscale="log", xlabel="target streams delivered per account-day, at least")
        axes.set_xticks(budgets, [str(b) for b in budgets])
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
    flagged.legend(frameon=False, fontsize=8)
    earned.legend(frameon=False, fontsize=8)
    return figure
