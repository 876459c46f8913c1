"""The framework's figures."""

from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
from imblearn.over_sampling import SMOTE
from matplotlib.figure import Figure
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from contracts.labels import CATEGORIES
from models.lab.candidates.novelty import fit_autoencoder
from models.lab.netflix.importances import Importances
from models.lab.netflix.labels import FEATURES

if TYPE_CHECKING:
    from models.lab.netflix.run import TaggedDays

matplotlib.use("Agg")
HONEST_COLOUR, BOT_COLOUR = "#4e79a7", "#e15759"
TRUTH, HEURISTIC = "truth", "heuristic"


def write_figures(
    data: "TaggedDays",
    everything: "TaggedDays",
    confusion: dict[str, list[list[int]]],
    importances: Importances,
    out: Path,
    seed: int,
) -> None:
    """Draw the figures of the study as PNG files in `out`."""
    out.mkdir(parents=True, exist_ok=True)
    figures = {
        "correlation": correlation(everything),
        "labels": label_counts(everything),
        "autoencoder": autoencoder_errors(everything, seed),
        "confusion": confusion_matrices(confusion),
        "importance": importance(importances),
        "smote": smote(data, seed),
    }
    for name, figure in figures.items():
        figure.savefig(out / f"{name}.png", dpi=110, bbox_inches="tight")


def correlation(data: "TaggedDays") -> Figure:
    """Correlations of the features: honest days next to anomalous ones."""
    figure = Figure(figsize=(15, 7.2), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    anomalous = data.any_tag(TRUTH)
    images = []
    for axis, rows, title in zip(axes, (~anomalous, anomalous), ("honest", "anomalous (truth)"), strict=True):
        values = data.features[rows]
        spread = values.std(axis=0) if len(values) else np.zeros(len(FEATURES))
        matrix = np.full((len(FEATURES), len(FEATURES)), np.nan)
        varies = np.flatnonzero(spread > 0)
        if len(varies) > 1:
            matrix[np.ix_(varies, varies)] = np.corrcoef(values[:, varies].T)
        images.append(axis.imshow(matrix, vmin=-1, vmax=1, cmap="RdBu_r"))
        axis.set_title(f"{title}, {rows.sum():,} account-days")
        axis.set_xticks(range(len(FEATURES)), FEATURES, rotation=90, fontsize=8)
    axes[0].set_yticks(range(len(FEATURES)), FEATURES, fontsize=8)
    figure.colorbar(images[-1], ax=axes, label="correlation (blank: a constant feature)", shrink=0.8)
    return figure


def label_counts(data: "TaggedDays") -> Figure:
    """How many account-days each category has, and how many have one, two, three tags."""
    figure = Figure(figsize=(10, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    positions = np.arange(3)
    for shift, (labels, colour) in zip((-0.2, 0.2), ((HEURISTIC, "#f28e2b"), (TRUTH, HONEST_COLOUR)), strict=True):
        tags = data.tags[labels]
        by_number = np.bincount(tags.sum(axis=1), minlength=4)[1:4]
        left.bar_label(left.bar(positions + shift, tags.sum(axis=0), 0.4, color=colour, label=labels), fontsize=8)
        right.bar_label(right.bar(positions + shift, by_number, 0.4, color=colour, label=labels), fontsize=8)
    left.set_xticks(positions, CATEGORIES)
    left.set(ylabel="account-days", title="by category")
    right.set_xticks(positions, ("one", "two", "three"))
    right.set_title("by number of categories")
    left.legend(title="labels")
    return figure


def autoencoder_errors(data: "TaggedDays", seed: int) -> Figure:
    """The autoencoder's error: its distribution, and which features it comes from."""
    trusted, anomalous = data.trusted, data.any_tag(TRUTH)
    scaler = StandardScaler().fit(data.features[trusted])
    rows = scaler.transform(data.features)
    errors = (fit_autoencoder(rows[trusted], seed).predict(rows) - rows) ** 2
    figure = Figure(figsize=(13, 5), layout="constrained")
    left, right = figure.subplots(1, 2)
    total = np.log10(np.maximum(errors.mean(axis=1), 1e-4))
    bins = np.linspace(total.min(), total.max(), 50)
    for mask, colour, label in (
        (~anomalous & ~trusted, HONEST_COLOUR, "honest"),
        (anomalous, BOT_COLOUR, "anomalous (truth)"),
    ):
        left.hist(total[mask], bins, density=True, color=colour, alpha=0.55, label=label)
    left.set(xlabel="log10 of the mean squared error of a day", ylabel="density")
    left.legend()
    positions = np.arange(len(FEATURES))
    for shift, mask, colour in ((-0.2, ~anomalous & ~trusted, HONEST_COLOUR), (0.2, anomalous, BOT_COLOUR)):
        right.barh(positions + shift, errors[mask].mean(axis=0) if mask.any() else 0 * positions, 0.4, color=colour)
    right.set_yticks(positions, FEATURES, fontsize=8)
    right.set(xlabel="mean squared error by feature (log scale)", xscale="log")
    return figure


def confusion_matrices(confusion: dict[str, list[list[int]]]) -> Figure:
    """Confusion matrices against truth: the auto-encoder's, then the binary models', out of fold, without SMOTE."""
    columns = 4
    lines = max(1, -(-len(confusion) // columns))
    figure = Figure(figsize=(2.9 * columns, 2.8 * lines), layout="constrained")
    axes = np.atleast_1d(figure.subplots(lines, columns)).ravel()
    for axis in axes[len(confusion) :]:
        axis.set_axis_off()
    for axis, (name, matrix) in zip(axes, confusion.items(), strict=False):
        counts = np.array(matrix)
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axis.imshow(shares, vmin=0, vmax=1, cmap="Blues")
        for (y, x), count in np.ndenumerate(counts):
            axis.text(x, y, f"{count:,}", ha="center", va="center", color="w" if shares[y, x] > 0.6 else "k")
        axis.set_xticks((0, 1), ("predicted honest", "predicted bot"), fontsize=8)
        axis.set_yticks((0, 1), ("honest", "bot"), fontsize=8)
        axis.set_title(name, fontsize=10)
    return figure


def importance(importances: Importances) -> Figure:
    """XGBoost's importance by category, normalised to sum 1, for both kinds of label."""
    figure = Figure(figsize=(13, 6), layout="constrained")
    axes = figure.subplots(1, len(CATEGORIES), sharey=True)
    positions = np.arange(len(FEATURES))
    for axis, category in zip(axes, CATEGORIES, strict=True):
        for shift, labels, colour in ((-0.2, HEURISTIC, "#f28e2b"), (0.2, TRUTH, HONEST_COLOUR)):
            if (values := importances[labels].get(category)) is not None:
                axis.barh(positions + shift, values, 0.4, color=colour, label=f"{labels} labels")
        axis.set(title=category, xlabel="importance, sums to 1")
        axis.set_yticks(positions, FEATURES, fontsize=8)
    axes[0].invert_yaxis()
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, fontsize=8)
    return figure


def smote(data: "TaggedDays", seed: int) -> Figure:
    """What SMOTE adds, on the first two principal components."""
    label = data.any_tag(TRUTH).astype(int)
    rows = StandardScaler().fit_transform(data.features)
    axes_of = PCA(2, random_state=seed).fit(rows)
    figure = Figure(figsize=(11, 4.8), layout="constrained")
    axes = figure.subplots(1, 2, sharex=True, sharey=True)
    rarer = min(label.sum(), len(label) - label.sum())
    more, more_label = rows, label
    if rarer > 1:
        more, more_label = SMOTE(random_state=seed, k_neighbors=int(min(5, rarer - 1))).fit_resample(rows, label)
    for axis, (points, colours, title) in zip(
        axes, ((rows, label, "before SMOTE"), (more, more_label, "after SMOTE")), strict=True
    ):
        flat = axes_of.transform(points)
        for value, colour, name in ((0, HONEST_COLOUR, "honest"), (1, BOT_COLOUR, "anomalous")):
            mask = colours == value
            axis.scatter(*flat[mask].T, s=4, alpha=0.35, color=colour, label=f"{name}, {mask.sum():,}", lw=0)
        axis.set(title=title, xlabel="first component")
        axis.legend(markerscale=3, fontsize=8)
    axes[0].set_ylabel("second component")
    return figure
