"""The Netflix study as a whole: account-days in, tables, figures and a report out."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd

from contracts.labels import CATEGORIES
from models.lab.days import UserDays
from models.lab.netflix import metrics
from models.lab.netflix.figures import write_figures
from models.lab.netflix.importances import category_importances, top_features
from models.lab.netflix.labels import heuristic_tags, matrix, true_tags
from models.lab.netflix.report import report
from models.lab.netflix.techniques import BINARY, MULTI_LABEL
from models.lab.netflix.trials import AUTOENCODER, SEMI_SUPERVISED, Trial, semi_supervised, supervised
from models.lab.progress import ReportProgress
from runtime.arrays import Bools, Floats, Ints

MAX_ROWS = 8000
"""Account-days of the supervised part: whole accounts, drawn at random, so that the mix stays as it is."""
HEURISTIC, TRUTH = "heuristic", "truth"
Json = dict[str, Any]


@dataclass(slots=True)
class Study:
    """Results. Rows have part, technique, labels (trained on), scored_on, smote, and the metrics."""

    rows: list[Json] = field(default_factory=list)
    corrections: list[Json] = field(default_factory=list)
    counts: Json = field(default_factory=dict)
    confusion: dict[str, list[list[int]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TaggedDays:
    """Account-days of the study, with both kinds of tags (rows, categories)."""

    features: Floats
    tags: dict[str, Bools]
    groups: Ints
    trusted: Bools

    def any_tag(self, labels: str) -> Bools:
        return np.asarray(self.tags[labels].any(axis=1))

    def take(self, rows: Ints) -> "TaggedDays":
        tags = {name: of[rows] for name, of in self.tags.items()}
        return TaggedDays(self.features[rows], tags, self.groups[rows], self.trusted[rows])


def tag_days(days: UserDays) -> TaggedDays:
    """Label account-days; days that truth calls neither positive nor negative are left out."""
    tags = {HEURISTIC: heuristic_tags(days), TRUTH: true_tags(days)}
    whole = TaggedDays(matrix(days), tags, days.group, days.frame["is_trusted"].to_numpy(dtype=bool))
    return whole.take(np.flatnonzero(~np.isnan(days.label)))


def sample_accounts(data: TaggedDays, row_limit: int, rng: np.random.Generator) -> TaggedDays:
    """Keep whole groups of accounts, drawn at random, until there are `row_limit` rows."""
    order = rng.permutation(np.unique(data.groups))
    size = np.bincount(data.groups, minlength=int(data.groups.max()) + 1)[order]
    chosen = order[: max(1, int(np.searchsorted(np.cumsum(size), row_limit)))]
    return data.take(np.flatnonzero(np.isin(data.groups, chosen)))


def run_netflix_study(
    days: UserDays, out: Path, report_progress: ReportProgress, *, seed: int = 1, max_rows: int = MAX_ROWS
) -> Study:
    """Run every model of the framework and write tables (results.json, results.parquet), figures and report.md."""
    study, everything = Study(), tag_days(days)
    data = sample_accounts(everything, max_rows, np.random.default_rng(seed))
    study.counts = _counts(everything, data)
    report_progress(
        f"netflix: {len(data.groups):,} of {len(everything.groups):,} account-days for the supervised models"
    )
    for name in SEMI_SUPERVISED:
        report_progress(f"netflix: semi-supervised {name}")
        _semi_supervised(study, everything, name, seed)
    for name, technique in BINARY.items():
        if technique.max_rows is not None:
            report_progress(f"netflix: {name} is trained on at most {technique.max_rows:,} rows")
        for labels in (HEURISTIC, TRUTH):
            for has_smote in (False, True):
                report_progress(f"netflix: {name}, {labels} labels, SMOTE {'on' if has_smote else 'off'}")
                trial = supervised(
                    technique, data.features, data.any_tag(labels), data.groups, has_smote=has_smote, seed=seed
                )
                _binary(study, data, name, labels, has_smote, trial)
    for name, technique in MULTI_LABEL.items():
        for labels in (HEURISTIC, TRUTH):
            for has_smote in (False, True):
                report_progress(
                    f"netflix: {name}, three categories, {labels} labels, SMOTE {'on' if has_smote else 'off'}"
                )
                each = [
                    supervised(
                        technique, data.features, data.tags[labels][:, c], data.groups, has_smote=has_smote, seed=seed
                    )
                    for c in range(len(CATEGORIES))
                ]
                _multi_label(study, data, name, labels, has_smote, each)
    out.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(study.rows).to_parquet(out / "results.parquet", index=False)
    report_progress("netflix: importances")
    importances = category_importances(data, seed)
    results = {
        "seed": seed, "counts": study.counts, "rows": study.rows, "corrections": study.corrections,
        "top_features": top_features(importances), "confusion": study.confusion,
    }  # fmt: skip
    (out / "results.json").write_bytes(orjson.dumps(results, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY))
    report_progress("netflix: figures")
    write_figures(data, everything, study.confusion, importances, out / "figures", seed)
    (out / "report.md").write_text(report(results))
    return study


def _counts(everything: TaggedDays, data: TaggedDays) -> Json:
    counts: Json = {"account_days": len(everything.groups), "used": len(data.groups), "categories": CATEGORIES}
    for labels, tags in everything.tags.items():
        by_number = np.bincount(tags.sum(axis=1), minlength=4)
        counts[labels] = {
            "anomalous": int(tags.any(axis=1).sum()),
            "by_category": dict(zip(CATEGORIES, map(int, tags.sum(axis=0)), strict=True)),
            "by_number_of_tags": [int(n) for n in by_number[1:]],
        }
    wrong = everything.any_tag(HEURISTIC) != everything.any_tag(TRUTH)
    return counts | {"wrong_heuristic_labels": int(wrong.sum())}


def _semi_supervised(study: Study, data: TaggedDays, name: str, seed: int) -> None:
    trial = semi_supervised(name, data.features, data.trusted, seed)
    rows = np.flatnonzero(~data.trusted)
    for scored_on in (HEURISTIC, TRUTH):
        numbers = metrics.binary(data.any_tag(scored_on)[rows], trial.predicted[rows], trial.score[rows])
        about = {"part": "semi-supervised", "technique": name, "labels": "honest only", "scored_on": scored_on}
        study.rows.append({**about, "smote": False, "fitted_on": trial.fitted_on, **numbers})
    study.corrections.append({"technique": name, **corrected(data.take(rows), trial.predicted[rows])})
    if name == AUTOENCODER:
        study.confusion[name] = confusion(data.any_tag(TRUTH)[rows], trial.predicted[rows])


def _binary(study: Study, data: TaggedDays, name: str, labels: str, has_smote: bool, trial: Trial) -> None:
    for scored_on in (HEURISTIC, TRUTH):
        truth = data.any_tag(scored_on)
        about = {"part": "binary", "technique": name, "labels": labels, "scored_on": scored_on, "smote": has_smote}
        study.rows.append(
            {**about, "fitted_on": trial.fitted_on, **metrics.binary(truth, trial.predicted, trial.score)}
        )
    if labels == HEURISTIC and not has_smote:
        study.corrections.append({"technique": name, **corrected(data, trial.predicted)})
    if labels == TRUTH and not has_smote:
        study.confusion[name] = confusion(data.any_tag(TRUTH), trial.predicted)


def _multi_label(study: Study, data: TaggedDays, name: str, labels: str, has_smote: bool, each: list[Trial]) -> None:
    predicted, score = np.column_stack([t.predicted for t in each]), np.column_stack([t.score for t in each])
    for scored_on in (HEURISTIC, TRUTH):
        numbers = metrics.multi_label(data.tags[scored_on], predicted, score)
        about = {"part": "multi-label", "technique": name, "labels": labels, "scored_on": scored_on, "smote": has_smote}
        study.rows.append({**about, "fitted_on": each[0].fitted_on, **numbers})


def confusion(label: Bools, predicted: Bools) -> list[list[int]]:
    """Count rows by (label, prediction).

    >>> confusion(np.array([True, False, False]), np.array([True, True, False]))
    [[1, 1], [0, 1]]
    """
    return [[int(((label == is_bot) & (predicted == is_flag)).sum()) for is_flag in (0, 1)] for is_bot in (0, 1)]


def corrected(data: TaggedDays, predicted: Bools) -> Json:
    """Count the wrong heuristic labels that a model puts right, and the right ones that it gets wrong."""
    heuristic, truth = data.any_tag(HEURISTIC), data.any_tag(TRUTH)
    return {
        "wrong": int((heuristic != truth).sum()),
        "bots_missed_found": int((~heuristic & truth & predicted).sum()),
        "bots_missed": int((~heuristic & truth).sum()),
        "people_accused_cleared": int((heuristic & ~truth & ~predicted).sum()),
        "people_accused": int((heuristic & ~truth).sum()),
        "spoiled": int(((heuristic == truth) & (predicted != truth)).sum()),
    }
