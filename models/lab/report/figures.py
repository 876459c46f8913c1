"""The lab's figures, made from results.json alone."""

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

matplotlib.use("Agg")
Json = dict[str, Any]

COLOURS = {
    "trivial": "#8c8c8c", "rules": "#b07aa1", "unlabelled": "#76b7b2", "honest": "#59a14f", "supervised": "#4e79a7",
    "fusion": "#e15759",
}  # fmt: skip
"""By what a technique learns from (Tableau 10: distinct in grey and for the colour-blind by order and label)."""
LEARNS = {
    "trivial": "nothing (baseline)", "rules": "nothing (rules)", "unlabelled": "all days, no labels",
    "honest": "honest days only", "supervised": "labels", "fusion": "other techniques",
}  # fmt: skip


def write_figures(results: Json, folder: Path) -> list[Path]:
    """Write all figures; return their files."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = {
        "ranking": ranking(results),
        "families": by_family(results),
        "cohorts": by_cohort(results),
        "prevalence": by_prevalence(results),
        "ablation": ablation(results),
        "reliability": reliability(results),
        "fusion": fusion_gain(results),
    }
    files = []
    for name, figure in figures.items():
        if figure is not None:
            files.append(folder / f"{name}.png")
            figure.savefig(files[-1], dpi=110)
    return files


def ranking(results: Json) -> Figure:
    """Average precision and recall at the working point, seen (filled) and left out (hollow), with intervals."""
    order = results["ranking"]["order"][::-1]
    figure = Figure(figsize=(11, 0.32 * len(order) + 2.2), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    titles = {"ap": "average precision", "recall_at_fpr_0001": "recall at 0.1 % false alarms"}
    for axis, (measure, title) in zip(axes, titles.items(), strict=True):
        for position, name in enumerate(order):
            technique = results["techniques"][name]
            colour = COLOURS[technique["kind"]]
            for view, offset, face in (("seen", 0.14, colour), ("left_out", -0.14, "white")):
                _bar(axis, technique.get(view, {}).get(measure), position + offset, colour, face)
        axis.set(xlabel=f"{title}, mean over families", xlim=(0, 1), ylim=(-0.7, len(order) - 0.3))
        axis.grid(axis="x", alpha=0.3)
    ceiling = results["ceiling"]["value"]
    if ceiling is not None:
        axes[0].axvline(ceiling, color="black", ls=":", lw=1)
        axes[0].text(ceiling, len(order) - 0.5, "ceiling ", ha="right", va="center", fontsize=8)
    axes[0].set_yticks(range(len(order)), order)
    handles = [axes[1].plot([], [], "o", color=colour, label=LEARNS[kind])[0] for kind, colour in COLOURS.items()]
    handles += [axes[1].plot([], [], "o", color="black", label="family seen in training")[0]]
    handles += [axes[1].plot([], [], "o", color="black", mfc="white", label="family left out")[0]]
    figure.legend(
        handles=handles, title="learns from", loc="outside lower center", ncols=4, fontsize=8, title_fontsize=8
    )
    return figure


def _bar(axis: Axes, entry: Json | None, position: float, colour: str, face: str, label: str | None = None) -> None:
    """Draw a value with its interval; nothing where there were too few rows for one."""
    if entry and entry["value"] is not None:
        axis.plot([entry["low"], entry["high"]], [position, position], color=colour, lw=1.5)
        axis.plot(entry["value"], position, "o", color=colour, mfc=face, ms=5.5, label=label)


def by_family(results: Json) -> Figure:
    """Recall at the working point by family and technique: seen, and left out."""
    techniques = results["techniques"]
    order = results["ranking"]["order"]
    views = [view for view in ("seen", "left_out") if view in techniques[order[0]]]
    families = sorted({f for t in techniques.values() for f in t["seen"]["families"]})
    figure = Figure(figsize=(7.2 * len(views), 0.3 * len(order) + 2.2), layout="constrained")
    axes = np.atleast_1d(figure.subplots(1, len(views), sharey=True))
    for axis, view in zip(axes, views, strict=True):
        grid = np.array([[_recall(techniques[name], view, f) for f in families] for name in order])
        _heat(axis, grid, families, order)
        axis.set_title(f"recall at 0.1 % false alarms, family {'seen' if view == 'seen' else 'left out'}", fontsize=10)
    return figure


def _recall(technique: Json, view: str, family: str) -> float:
    entry = technique.get(view, {}).get("families", {}).get(family, {}).get("recall_at_fpr_0001", {})
    return float("nan") if entry.get("value") is None else float(entry["value"])


def by_cohort(results: Json) -> Figure:
    """False alarms per 1,000 days of each kind of honest listener, at the working point; 1 is what was aimed at."""
    order = results["ranking"]["order"]
    accused = {c for t in results["techniques"].values() for c in t["false_alarms_by_cohort"]}
    cohorts = sorted(accused, key=lambda cohort: ("paid stream" in cohort, cohort))
    grid = np.array(
        [
            [1000 * (_cohort(results["techniques"][name], cohort)) for cohort in cohorts]
            for name in order
        ]
    )  # fmt: skip
    figure = Figure(figsize=(11, 0.3 * len(order) + 2.6), layout="constrained")
    axis = figure.subplots()
    _heat(axis, grid, cohorts, order, max_value=50, form="{:.0f}", colours="Oranges")
    axis.set_title("flagged days per 1,000 honest days, by kind of listener (aim: 1; blank: too few)", fontsize=10)
    return figure


def _cohort(technique: Json, cohort: str) -> float:
    value = technique["false_alarms_by_cohort"].get(cohort, {}).get("value")
    return float("nan") if value is None else float(value)


def _heat(
    axis: Axes, grid: np.ndarray, columns: list[str], rows: list[str], max_value: float = 1.0, form: str = "{:.2f}",
    colours: str = "Blues",
) -> None:  # fmt: skip
    axis.imshow(grid, vmin=0, vmax=max_value, cmap=colours, aspect="auto")
    for (y, x), value in np.ndenumerate(grid):
        if not np.isnan(value):
            dark = value > 0.6 * max_value
            axis.text(x, y, form.format(value), ha="center", va="center", fontsize=7, color="w" if dark else "k")
    axis.set_xticks(range(len(columns)), columns, rotation=45, ha="right", fontsize=8)
    axis.set_yticks(range(len(rows)), rows, fontsize=8)


def by_prevalence(results: Json) -> Figure:
    """Average precision of all bots together, as their share of streams grows."""
    figure = Figure(figsize=(7.5, 4.6), layout="constrained")
    axis = figure.subplots()
    for name in _telling(results):
        technique = results["techniques"][name]
        points = [(float(p), v) for p, v in technique["ap_pooled_by_stream_share"].items() if v is not None]
        if points:
            x, y = np.array(points).T
            axis.plot(100 * x, y, "o-", label=name, lw=1.6, ms=4)
    axis.set(xscale="log", xlabel="paid-for streams, % of all streams", ylabel="average precision, all families")
    axis.set_xticks([0.3, 1, 3, 8], ["0.3", "1", "3", "8"])
    axis.minorticks_off()
    axis.set_ylim(0, 1)
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    return figure


def _telling(results: Json, max_rows: int = 4) -> list[str]:
    """Name the leaders, and the best of each way to learn that is not among them."""
    order = results["ranking"]["order"]
    chosen = order[:max_rows]
    for kind in COLOURS:
        of_kind = [name for name in order if results["techniques"][name]["kind"] == kind]
        if of_kind and not any(name in chosen for name in of_kind):
            chosen = [*chosen, of_kind[0]]
    return list(chosen)


def ablation(results: Json) -> Figure | None:
    """What a group of features is worth: XGBoost on it alone, and without it."""
    entries = results["ablation"]
    if not entries:
        return None
    groups = [name.removeprefix("only ") for name in entries if name.startswith("only ")]
    groups.sort(key=lambda group: entries[f"only {group}"]["ap"]["value"] or 0)
    figure = Figure(figsize=(7.5, 0.5 * len(groups) + 1.4), layout="constrained")
    axis = figure.subplots()
    for prefix, offset, colour in (("only", 0.14, "#4e79a7"), ("without", -0.14, "#f28e2b")):
        for position, group in enumerate(groups):
            label = {"only": "this group alone", "without": "all but this group"}[prefix] if position == 0 else None
            _bar(axis, entries[f"{prefix} {group}"]["ap"], position + offset, colour, colour, label)
    whole = results["techniques"].get("xgboost", {}).get("seen", {}).get("ap", {}).get("value")
    if whole is not None:
        axis.axvline(whole, color="black", ls=":", lw=1, label="all groups")
    axis.set_yticks(range(len(groups)), groups)
    axis.set(xlabel="average precision of XGBoost, mean over families", xlim=(0, 1))
    axis.grid(axis="x", alpha=0.3)
    axis.legend(fontsize=8)
    return figure


def reliability(results: Json) -> Figure:
    """Predicted probability against the observed share at the stated prevalence."""
    figure = Figure(figsize=(5.6, 5.2), layout="constrained")
    axis = figure.subplots()
    low = 1e-4
    axis.plot([low, 1], [low, 1], color="grey", lw=1, ls=":")
    for name in _telling(results):
        bins = results["reliability"].get(name, [])
        if len(bins) > 1:
            x, y = np.array([[max(b["predicted"], low), max(b["observed"], low)] for b in bins]).T
            axis.plot(x, y, "o-", label=name, lw=1.3, ms=4)
    axis.set(
        xscale="log", yscale="log", xlabel="predicted probability of a bot", ylabel="observed share of bots",
        xlim=(low, 1.1), ylim=(low, 1.1),
    )  # fmt: skip
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    return figure


def fusion_gain(results: Json) -> Figure | None:
    """The fusion's average precision less each technique's, with paired intervals: right of 0 it is better."""
    fusion = results["fusion"]
    if not fusion:
        return None
    views = list(fusion["gain"])
    names = list(fusion["gain"][views[0]])[::-1]
    figure = Figure(figsize=(7.5, 0.3 * len(names) + 1.5), layout="constrained")
    axis = figure.subplots()
    for view, offset, face in (("seen", 0.14, "#e15759"), ("left_out", -0.14, "white")):
        if view not in fusion["gain"]:
            continue
        for position, name in enumerate(names):
            label = {"seen": "family seen", "left_out": "family left out"}[view] if position == 0 else None
            _bar(axis, fusion["gain"][view][name]["ap"], position + offset, "#e15759", face, label)
    axis.axvline(0, color="black", lw=1)
    axis.set_yticks(range(len(names)), names)
    axis.set(xlabel=f"average precision of {fusion['technique']} less that of the technique")
    axis.grid(axis="x", alpha=0.3)
    figure.legend(fontsize=8, loc="outside lower center", ncols=2)
    return figure
