"""The study of one world: every technique, seen and left out, ablations, the ceiling, the sweep of prevalence."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold

from contracts.labels import FAMILIES, MECHANISMS
from models.errors import ModelError
from models.lab.candidates import CANDIDATES, Candidate
from models.lab.candidates.supervised import ablations, boosted_trees
from models.lab.consequences import (
    brier_row,
    calibrated,
    capacity_row,
    detection,
    detection_rows,
    reliability,
)
from models.lab.days import UserDays
from models.lab.engine import FoldScores, run_fold
from models.lab.measures import RESAMPLES, average_precision
from models.lab.progress import ReportProgress
from models.lab.protocol import HISTORY_DAYS, Fold, folds
from models.lab.totals import AP, RECALL, ResampledDays, Row, TechniqueTotals
from runtime.arrays import Floats

SEEN, LEFT_OUT, MECHANISM_OUT, ABLATION = "seen", "left_out", "mechanism_out", "ablation"
CEILING = "ceiling"
STREAM_SHARES = (0.003, 0.01, 0.03, 0.08)
"""Prevalences of the sweep, as shares of streams (docs/reference/published-numbers.md#fraud)."""
CEILING_FOLDS = 5


@dataclass(slots=True)
class StudyResults:
    """Results of a study: one row per technique, view, scope and measure; and what the page's tables are made of."""

    rows: list[Row] = field(default_factory=list)
    macro: dict[tuple[str, str, str], Floats] = field(default_factory=dict)
    """(view, technique, measure) to the mean over families, by resample."""
    reliability: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    fitted_on: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)

    def add(self, technique: str, view: str, rows: list[Row]) -> None:
        self.rows += [{"technique": technique, "view": view, **row} for row in rows]

    def add_totals(self, view: str, totals_by_technique: dict[str, TechniqueTotals]) -> None:
        for name, totals in totals_by_technique.items():
            self.add(name, view, totals.rows())
            for measure in (AP, RECALL):
                self.macro[view, name, measure] = totals.macro(measure)


def study(
    days: UserDays,
    report_progress: ReportProgress,
    *,
    seed: int,
    parts: int = 2,
    history: int = HISTORY_DAYS,
    draws: int = RESAMPLES,
    candidates: tuple[Candidate, ...] = tuple(CANDIDATES.values()),
    ablated: tuple[Candidate, ...] = ablations(),
    is_whole: bool = True,
) -> StudyResults:
    """Run the protocol over one world. `is_whole` False leaves the left-out views and the ablations away."""
    rng = np.random.default_rng(seed)
    sample = ResampledDays.of(days, rng, draws)
    todo = list(folds(days, parts, rng, history))
    if not todo:
        raise ModelError(
            f"the table spans {int(np.ptp(days.frame['day'])) + 1} days; a fold takes {history + 21}: simulate more"
        )
    results = StudyResults()
    views: dict[str, dict[str, TechniqueTotals]] = {view: {} for view in (SEEN, LEFT_OUT, MECHANISM_OUT, ABLATION)}
    scored_folds: list[tuple[Fold, dict[str, FoldScores], pd.Series]] = []
    for fold in todo:
        where = f"week {fold.week + 1}, part {fold.part + 1} of {parts}"
        report_progress(f"{where}: all families seen")
        train, seen = run_fold(days, fold, candidates, seed)
        label = days.label[train]
        thresholds = pd.Series({name: outcome.threshold(label) for name, outcome in seen.items()})
        scored_folds.append((fold, seen, thresholds))
        for name, outcome in seen.items():
            views[SEEN].setdefault(name, TechniqueTotals()).add(
                sample, fold, outcome, thresholds[name], tuple(FAMILIES)
            )
        if not is_whole:
            continue
        present = [f for f in FAMILIES if f in set(days.family[fold.test])]
        groups: list[tuple[str, tuple[str, ...], str]] = [(LEFT_OUT, (family,), family) for family in present]
        groups += [(MECHANISM_OUT, families, group) for group, families in MECHANISMS.items()]
        for view, families, named in groups:
            report_progress(f"{where}: {named} left out")
            rows, outcomes = run_fold(days, fold, candidates, seed, families, seen)
            for name, outcome in outcomes.items():
                mark = outcome.threshold(days.label[rows])
                views[view].setdefault(name, TechniqueTotals()).add(
                    sample, fold, outcome, mark, families, has_lines=False
                )
        report_progress(f"{where}: ablation")
        rows, outcomes = run_fold(days, fold, ablated, seed, fusions=())
        for name, outcome in outcomes.items():
            mark = outcome.threshold(days.label[rows])
            views[ABLATION].setdefault(name, TechniqueTotals()).add(
                sample, fold, outcome, mark, tuple(FAMILIES), has_lines=False
            )
    for view, totals_by_technique in views.items():
        results.add_totals(view, totals_by_technique)
    report_progress("consequences, prevalence, ceiling")
    _add_consequences(results, days, scored_folds)
    _add_prevalence(results, days, scored_folds)
    _add_ceiling(results, sample, todo, seed)
    tested = np.unique(np.concatenate([fold.test for fold in todo]))
    results.sizes = {
        "folds": len(todo),
        "honest_account_days": int((days.label[tested] == 0).sum()),
        "positive_account_days": int((days.label[tested] == 1).sum()),
        "training_rows_a_fold": int(np.mean([len(fold.train) for fold in todo])),
    }
    return results


def _add_consequences(
    results: StudyResults, days: UserDays, scored_folds: list[tuple[Fold, dict[str, FoldScores], pd.Series]]
) -> None:
    for name in scored_folds[0][1]:
        capacity, briers, accounts, cpu, rows = [], [], [], 0.0, 0
        for fold, seen, thresholds in scored_folds:
            test, outcome = days.take(fold.test), seen[name]
            capacity.append(capacity_row(test, outcome))
            probability = calibrated(outcome, days.label[fold.train], test)
            briers.append(brier_row(probability, test))
            accounts.append(detection(test, outcome, float(thresholds[name])))
            cpu, rows = cpu + outcome.score_cpu_s, rows + len(test)
            if (fold.week, fold.part) == (0, 0):
                results.reliability[name] = reliability(probability, test)
            results.fitted_on[name] = outcome.fitted_on
        result_rows = [capacity[0] | {"value": _mean(capacity)}, briers[0] | {"value": _mean(briers)}]
        result_rows += detection_rows(pd.concat(accounts))
        result_rows.append({"scope": "all", "measure": "us_per_row", "value": 1e6 * cpu / max(rows, 1), "n": rows})
        results.add(name, SEEN, result_rows)


def _mean(rows: list[Row]) -> float:
    return float(np.mean([row["value"] for row in rows]))


def _add_prevalence(
    results: StudyResults, days: UserDays, scored_folds: list[tuple[Fold, dict[str, FoldScores], pd.Series]]
) -> None:
    """All families pooled, weighted so that their paid streams are a stated share of all streams."""
    for name in scored_folds[0][1]:
        for stream_share in STREAM_SHARES:
            values = []
            for fold, seen, _ in scored_folds:
                test, scores = days.take(fold.test), seen[name].test
                positive, honest = test.label == 1, test.label == 0
                if not positive.any():
                    continue
                bot, person = test.column("paid_streams")[positive].mean(), test.column("streams")[honest].mean()
                of_days = stream_share * person / (stream_share * person + (1 - stream_share) * bot)
                one = np.ones((1, len(test)), dtype=np.float32)
                ap = average_precision(scores[positive], scores[honest], one[:, positive], one[:, honest], of_days)
                values.append(float(ap[0]))
            row: Row = {"scope": f"{stream_share:g}", "measure": "ap_pooled", "n": len(values)}
            results.add(name, "prevalence", [row | {"value": float(np.mean(values)) if values else None}])


def _add_ceiling(results: StudyResults, sample: ResampledDays, todo: list[Fold], seed: int) -> None:
    """Trees that learn from the test week itself, other days of the same accounts included: no technique that must
    work on new accounts and campaigns two weeks later can be expected to reach it."""
    days, totals = sample.days, TechniqueTotals()
    for week in sorted({fold.week for fold in todo}):
        test = np.sort(np.concatenate([fold.test for fold in todo if fold.week == week]))
        known = test[~np.isnan(days.label[test])]
        label = days.label[known]
        scores = np.full(len(test), -np.inf)
        for fit, held in StratifiedKFold(CEILING_FOLDS, shuffle=True, random_state=seed).split(known, label):
            model = boosted_trees(days.features[known[fit]], label[fit], seed)
            position = np.searchsorted(test, known[held])
            scores[position] = model.predict_proba(days.features[known[held]])[:, 1]
        fold = Fold(week, 0, test[:0], test[:0], test)
        totals.add(
            sample, fold, FoldScores(scores[:0], scores, len(known), 0, 0), np.inf, tuple(FAMILIES), has_lines=False
        )
    results.add(CEILING, SEEN, [row for row in totals.rows() if row["measure"] == AP])
    results.macro[SEEN, CEILING, AP] = totals.macro(AP)
