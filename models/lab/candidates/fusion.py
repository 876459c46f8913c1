"""Fusions: one score from the scores of others. They learn from out-of-fold scores, so that an overfitted technique
gets no more weight than it earns on accounts it has not seen."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.linear_model import LogisticRegression

from models.lab.candidates.supervised import boosted_trees
from runtime.arrays import Floats

STACKED = (
    "rules", "forest", "knn", "mahalanobis", "novelty", "xgboost", "random_forest", "logistic", "timing_only",
    "markov_llr", "sequence_only", "session_scorer",
)  # fmt: skip
BLENDED = ("xgboost", "random_forest", "session_scorer")

Combine = Callable[[Floats, Floats, Floats, int], Floats]
"""(out-of-fold evidence of training rows, their labels, evidence of rows to score, seed) to scores of the latter."""


@dataclass(frozen=True, slots=True)
class Fusion:
    """One way to make one score of several. `reads` are candidates, those that the run has."""

    name: str
    description: str
    reads: tuple[str, ...]
    combine: Combine


def as_evidence(scores: Floats, is_probability: bool) -> Floats:
    """Put scores on a scale where sums mean something: log-odds of probabilities, signed logs of distances."""
    if is_probability:
        clipped = np.clip(scores, 1e-6, 1 - 1e-6)
        return np.log(clipped / (1 - clipped))
    return np.sign(scores) * np.log1p(np.abs(scores))


def _stack(train: Floats, label: Floats, rows: Floats, seed: int) -> Floats:
    mean, sd = train.mean(axis=0), np.maximum(train.std(axis=0), 1e-9)
    model = LogisticRegression(C=0.1, max_iter=2000).fit((train - mean) / sd, label)
    return model.predict_proba((rows - mean) / sd)[:, 1].astype(np.float64)


def _stack_trees(train: Floats, label: Floats, rows: Floats, seed: int) -> Floats:
    return boosted_trees(train, label, seed, 60, 3).predict_proba(rows)[:, 1].astype(np.float64)


def _blend(train: Floats, label: Floats, rows: Floats, seed: int) -> Floats:
    return 1 / (1 + np.exp(-rows.mean(axis=1)))


FUSIONS: dict[str, Fusion] = {
    fusion.name: fusion
    for fusion in (
        Fusion("fusion_stack", "logistic regression on the scores of all techniques", STACKED, _stack),
        Fusion("fusion_trees", "small trees on the scores of all techniques", STACKED, _stack_trees),
        Fusion("fusion_blend", "mean log-odds of XGBoost, random forest, session scorer", BLENDED, _blend),
    )
}
HEADLINE_FUSION = "fusion_stack"
"""The one whose gain is claimed or denied, named beforehand: the best of three would flatter itself."""
