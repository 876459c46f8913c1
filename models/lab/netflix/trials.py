"""Train and score the framework's models: out-of-fold, folds grouped by account, SMOTE inside the training fold."""

from dataclasses import dataclass

import numpy as np
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import Pipeline
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.preprocessing import StandardScaler

from models.lab.candidates.novelty import ONE_CLASS
from models.lab.netflix.techniques import Technique
from runtime.arrays import Bools, Floats, Ints

FOLDS, GRID_FOLDS, GRID_ROWS = 5, 3, 1500
HONEST_QUANTILE = 0.99
"""Quantile of held-out honest scores over which a semi-supervised model flags."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What a technique predicts for every row; the model of a row was fitted without its account."""

    predicted: Bools
    score: Floats
    fitted_on: int


def supervised(
    technique: Technique, features: Floats, label: Bools, groups: Ints, *, has_smote: bool, seed: int
) -> Trial:  # fmt: skip
    """Run stratified k-fold over accounts. The grid is searched once, on rows of the first training fold."""
    predicted, score = np.zeros(len(label), dtype=bool), np.zeros(len(label))
    folds = list(StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed).split(features, label, groups))
    rng = np.random.default_rng(seed)
    pipeline, fitted_on = None, 0
    for train, test in folds:
        if pipeline is None:
            rows = _some(train, label, min(GRID_ROWS, technique.max_rows or GRID_ROWS), rng)
            pipeline = _search(technique, features[rows], label[rows], groups[rows], has_smote, seed)
        rows = train if technique.max_rows is None else _some(train, label, technique.max_rows, rng)
        fitted_on = max(fitted_on, len(rows))
        if label[rows].all() or not label[rows].any():
            continue
        _fit_smote(pipeline, label[rows])
        model = clone(pipeline).fit(features[rows], label[rows].astype(int))
        predicted[test] = model.predict(features[test]).astype(bool)
        proba = hasattr(model, "predict_proba")
        score[test] = model.predict_proba(features[test])[:, 1] if proba else model.decision_function(features[test])
    return Trial(predicted, score, fitted_on)


def _some(rows: Ints, label: Bools, max_rows: int, rng: np.random.Generator) -> Ints:
    """Draw rows, each class in its share, so that a rare one is not lost."""
    if len(rows) <= max_rows:
        return rows
    drawn = []
    for value in (False, True):
        of = rows[label[rows] == value]
        drawn.append(rng.permutation(of)[: max(min(len(of), 12), round(max_rows * len(of) / len(rows)))])
    return np.sort(np.concatenate(drawn))


def _search(
    technique: Technique, features: Floats, label: Bools, groups: Ints, has_smote: bool, seed: int
) -> Pipeline:  # fmt: skip
    steps = [("scale", StandardScaler()), ("model", technique.make(seed))]
    if has_smote:
        steps.insert(1, ("smote", SMOTE(random_state=seed)))
    pipeline = Pipeline(steps)
    _fit_smote(pipeline, label, GRID_FOLDS)
    if not technique.grid or label.sum() < 2 * GRID_FOLDS:
        return pipeline
    grid = {f"model__{name}": values for name, values in technique.grid.items()}
    folds = StratifiedGroupKFold(GRID_FOLDS, shuffle=True, random_state=seed)
    search = GridSearchCV(pipeline, grid, scoring="f1", cv=folds, refit=False)
    search.fit(features, label.astype(int), groups=groups)
    return pipeline.set_params(**search.best_params_)


def _fit_smote(pipeline: Pipeline, label: Bools, folds: int = 1) -> None:
    """SMOTE needs more rows of the rarer class than neighbours."""
    if "smote" in pipeline.named_steps:
        rarer = min(int(label.sum()), int((~label).sum())) // (2 * folds if folds > 1 else 1)
        pipeline.set_params(smote__k_neighbors=max(1, min(5, rarer - 1)))


def semi_supervised(name: str, features: Floats, trusted: Bools, seed: int) -> Trial:
    """Fit on four fifths of the trusted cohort; flag over a quantile of the last fifth's scores.

    Rows of the cohort are scored too: leave them out of any measure.
    """
    rng = np.random.default_rng(seed)
    rows = rng.permutation(np.flatnonzero(trusted))
    fit, held_out = rows[len(rows) // 5 :], rows[: len(rows) // 5]
    scaler = StandardScaler().fit(features[fit])
    unlike = ONE_CLASS[name][0](scaler.transform(features[fit]), seed)
    score = np.asarray(unlike(scaler.transform(features)))
    return Trial(score > np.quantile(score[held_out], HONEST_QUANTILE), score, len(fit))


AUTOENCODER = "autoencoder"
SEMI_SUPERVISED = (AUTOENCODER, "one_class_svm", "honest_forest", "elliptic_envelope", "lof", "knn", "mahalanobis")
"""Five of the paper, and the two that ADBench recommends next to them."""
