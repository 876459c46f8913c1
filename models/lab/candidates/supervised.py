"""Supervised models on account-days. Scores are probabilities at the training mix; the protocol reweights."""

from collections.abc import Callable

import numpy as np
import xgboost
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from contracts.user_day_features import USER_DAY_GROUPS
from models.lab.candidates.candidate import Candidate, Scorer
from models.lab.candidates.standardise import Standardiser
from models.lab.days import UserDays
from runtime.arrays import Floats

Fit = Callable[[UserDays, np.random.Generator], Scorer]


def boosted_trees(
    features: Floats, label: Floats, seed: int, trees: int = 150, depth: int = 4, constraints: str | None = None
) -> xgboost.XGBClassifier:
    model = xgboost.XGBClassifier(
        n_estimators=trees, max_depth=depth, learning_rate=0.1, subsample=0.8, colsample_bytree=0.5,
        min_child_weight=2, tree_method="hist", n_jobs=1, random_state=seed, monotone_constraints=constraints,
    )  # fmt: skip
    return model.fit(features, label)


def xgb(days: UserDays, rng: np.random.Generator) -> Scorer:
    model = boosted_trees(days.features, days.label, int(rng.integers(2**31)))
    return lambda rows: model.predict_proba(rows.features)[:, 1].astype(np.float64)


def random_forest(days: UserDays, rng: np.random.Generator) -> Scorer:
    model = RandomForestClassifier(
        n_estimators=150, min_samples_leaf=2, class_weight="balanced_subsample", n_jobs=1,
        random_state=int(rng.integers(2**31)),
    ).fit(days.features, days.label)  # fmt: skip
    return lambda rows: model.predict_proba(rows.features)[:, 1]


def logistic(days: UserDays, rng: np.random.Generator) -> Scorer:
    standardise = Standardiser.fit(days.features)
    model = LogisticRegression(C=0.1, max_iter=2000).fit(standardise(days.features), days.label)
    return lambda rows: model.predict_proba(standardise(rows.features))[:, 1]


def on_features(fit: Fit, names: tuple[str, ...]) -> Fit:
    """Let a model see some features only."""

    def narrowed(days: UserDays, rng: np.random.Generator) -> Scorer:
        scorer = fit(days.only(names), rng)
        return lambda rows: scorer(rows.only(names))

    return narrowed


GROUP_NAMES: dict[str, tuple[str, ...]] = {
    group: tuple(feature.name for feature in features) for group, features in USER_DAY_GROUPS.items()
}

SUPERVISED = (
    Candidate("xgboost", "supervised", "XGBoost on all user-day features", xgb),
    Candidate("random_forest", "supervised", "random forest on all user-day features", random_forest),
    Candidate("logistic", "supervised", "logistic regression on all user-day features", logistic),
    Candidate("timing_only", "supervised", "XGBoost on timing features", on_features(xgb, GROUP_NAMES["timing"])),
)


def ablations() -> tuple[Candidate, ...]:
    """XGBoost on each group of features alone, and on all but it."""
    everything = tuple(name for names in GROUP_NAMES.values() for name in names)
    candidates = []
    for group, names in GROUP_NAMES.items():
        rest = tuple(name for name in everything if name not in names)
        candidates.append(Candidate(f"only {group}", "supervised", f"features of {group}", on_features(xgb, names)))
        candidates.append(Candidate(f"without {group}", "supervised", f"all but {group}", on_features(xgb, rest)))
    return tuple(candidates)
