"""The models of the framework with the settings that the grid search tries, and the most rows they train on."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.semi_supervised import LabelPropagation
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from xgboost import XGBClassifier

SLOW_ROWS = 800
"""Most rows for models whose cost grows with the square or the cube of the rows."""


@dataclass(frozen=True, slots=True)
class Technique:
    """A model, made again for each fit with a seed, and its grid."""

    name: str
    make: Callable[[int], Any]
    grid: dict[str, list[Any]] = field(default_factory=dict)
    max_rows: int | None = None


BINARY: dict[str, Technique] = {
    technique.name: technique
    for technique in (
        Technique("SVC", lambda seed: SVC(random_state=seed), {"C": [1, 10]}, SLOW_ROWS),
        Technique("kNN", lambda seed: KNeighborsClassifier(), {"n_neighbors": [3, 9]}),
        Technique("decision tree", lambda seed: DecisionTreeClassifier(random_state=seed), {"max_depth": [4, 8]}),
        Technique(
            "random forest", lambda seed: RandomForestClassifier(60, random_state=seed), {"min_samples_leaf": [1, 4]}
        ),
        Technique(
            "gradient boosting", lambda seed: GradientBoostingClassifier(n_estimators=40, random_state=seed),
            {"max_depth": [2, 3]},
        ),
        Technique(
            "AdaBoost",
            lambda seed: AdaBoostClassifier(n_estimators=40, random_state=seed),
            {"learning_rate": [0.3, 1]},
        ),
        Technique("nearest centroid", lambda seed: NearestCentroid(), {"shrink_threshold": [None, 0.5]}),
        Technique("QDA", lambda seed: QuadraticDiscriminantAnalysis(reg_param=0.1), {"reg_param": [0.1, 0.5]}),
        Technique("Gaussian NB", lambda seed: GaussianNB(), {"var_smoothing": [1e-9, 1e-2]}),
        Technique(
            "Gaussian process",
            lambda seed: GaussianProcessClassifier(random_state=seed, optimizer=None),
            max_rows=SLOW_ROWS,
        ),
        Technique(
            "label propagation", lambda seed: LabelPropagation(kernel="knn", max_iter=2000), {"n_neighbors": [5, 9]},
            SLOW_ROWS,
        ),
        Technique(
            "XGBoost", lambda seed: XGBClassifier(n_estimators=60, n_jobs=1, random_state=seed), {"max_depth": [3, 5]}
        ),
    )
}  # fmt: skip
"""The twelve."""

MULTI_LABEL: dict[str, Technique] = {
    **{name: BINARY[name] for name in ("kNN", "decision tree", "random forest", "XGBoost")},
    "extra trees": Technique(
        "extra trees", lambda seed: ExtraTreesClassifier(60, random_state=seed), {"min_samples_leaf": [1, 4]}
    ),
}
"""The five, one model per category."""
