"""The page of the case study: tables and two figures."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from contracts.labels import HONEST
from models.metrics.flags import MIN_ROWS
from models.metrics.intervals import Share
from models.reports.cases.study import (
    CASES,
    HONEST_SHARE,
    NEW_NIGHTS,
    OFTEN_DAY,
    OLD_NIGHTS,
    RARE_DAY,
    WARM_UP_DAYS,
    CaseStudy,
)
from models.reports.habits import HIGH_WEEKS
from models.user_days.hybrid import FLAG
from models.user_days.report.figures import BOTH, FOREST_ONLY, GREY, MAX_POINTS, RULES_ONLY, TREES

PAGE, RECALL_FIGURE, SCORES_FIGURE = "report.md", "recall.png", "scores.png"
_COLOURS = (RULES_ONLY, FOREST_ONLY, BOTH)


def write_page(folder: Path, study: CaseStudy, title: str) -> Path:
    """Write the page and its figures into a folder; return the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    recall_figure(study).savefig(folder / RECALL_FIGURE, dpi=110)
    scores_figure(study, np.random.default_rng(study.seed)).savefig(folder / SCORES_FIGURE, dpi=110)
    figures = f"![recall of each case by detector]({RECALL_FIGURE})\n\n![scores of the days]({SCORES_FIGURE})"
    page = folder / PAGE
    page.write_text(f"# {title}\n\n{tables(study)}\n\n{figures}\n")
    return page


def tables(study: CaseStudy) -> str:
    """Render the tables as Markdown."""
    return "\n\n".join(
        [
            f"{study.days:,} user-days of {study.accounts:,} accounts, after the first {WARM_UP_DAYS} days (seed "
            f"{study.seed}; intervals: 95 %, by account).",
            _case_table("Flagged", study.flagged),
            _case_table(f"Recall where {HONEST_SHARE:.0%} of honest days are above", study.at_one_percent),
            _kind_table(
                "accounts that repeat at a period", study.repeating, "median period, h",
                {kind: f"{hours:.1f}" for kind, hours in study.period_h.items()},
            ),
            _kind_table(f"accounts high for {HIGH_WEEKS} weeks in a row", study.high_weeks),
        ]
    )  # fmt: skip


def _case_table(head: str, shares: dict[str, dict[str, Share]]) -> str:
    lines = [f"| {head}: | {' | '.join(CASES.values())} | honest days |", "|---" * (len(CASES) + 2) + "|"]
    lines += [f"| {name} | {' | '.join(map(_cell, row.values()))} |" for name, row in shares.items()]
    return "\n".join(lines)


def _kind_table(head: str, shares: dict[str, Share], more: str = "", cells: dict[str, str] | None = None) -> str:
    extra = cells is not None
    lines = [f"| kind of account | n | {head} |{f' {more} |' if extra else ''}", "|---|---|---|" + "---|" * extra]
    for name, share in shares.items():
        if share.value or name == HONEST or not name.startswith(HONEST):
            tail = f" {(cells or {}).get(name, '–')} |" if extra else ""
            lines.append(f"| {name} | {share.n:,} | {_cell(share, enough=1)} |{tail}")
    return "\n".join(lines)


def _cell(share: Share, enough: int = MIN_ROWS) -> str:
    if share.value is None or share.n < enough:
        return f"too few ({share.n})"
    return f"{share.value:.1%} [{share.low:.1%}, {share.high:.1%}]"


def recall_figure(study: CaseStudy) -> Figure:
    """Draw the share of each case's days that each detector flags, with intervals."""
    figure = Figure(figsize=(9.5, 4), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    kinds = [*CASES, HONEST]
    height = 0.8 / len(study.flagged)
    for number, (name, shares) in enumerate(study.flagged.items()):
        y = np.arange(len(kinds))[::-1] + 0.4 - height * (number + 0.5)
        value = np.array([shares[kind].value or 0.0 for kind in kinds])
        low, high = (np.array([getattr(shares[kind], end) for kind in kinds]) for end in ("low", "high"))
        error = np.clip(np.stack([value - low, high - value]), 0, None)
        axes.barh(y, value, height=height * 0.9, xerr=error, color=_COLOURS[number], label=name, ecolor="black")
    axes.set_yticks(np.arange(len(kinds))[::-1], [*CASES.values(), "honest days"])
    axes.set_xlim(0, 1)
    axes.set_xlabel("share of user-days flagged (95 % interval)")
    axes.set_title("Two days that nobody has, by detector")
    axes.legend(frameon=False, loc="lower right")
    return figure


def scores_figure(study: CaseStudy, rng: np.random.Generator) -> Figure:
    """Draw each day by the scores of the rules and of the forest, with their thresholds."""
    figure = Figure(figsize=(5.6, 4.6), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    kinds = {HONEST: GREY, OLD_NIGHTS: FOREST_ONLY, NEW_NIGHTS: BOTH, OFTEN_DAY: TREES, RARE_DAY: RULES_ONLY}
    for kind, colour in kinds.items():
        days = study.scores[study.scores["kind"] == kind]
        some = days.iloc[rng.permutation(len(days))[:MAX_POINTS]]
        axes.scatter(some["rules_score"], some["forest_score"], s=7, color=colour, alpha=0.5, label=kind)
    axes.axvline(FLAG, color="black", linewidth=0.7, linestyle="--")
    axes.axhline(FLAG, color="black", linewidth=0.7, linestyle="--")
    axes.set_xlabel("score of the rules")
    axes.set_ylabel("score of the forest")
    axes.set_title("Each user-day by both scores")
    axes.legend(frameon=False, fontsize=8)
    return figure
