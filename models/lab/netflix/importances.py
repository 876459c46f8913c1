"""Which features a category of abuse shows in: XGBoost's normalised importances, by category and kind of label."""

from typing import TYPE_CHECKING

import numpy as np
from xgboost import XGBClassifier

from contracts.labels import CATEGORIES
from models.lab.netflix.labels import FEATURES
from runtime.arrays import Floats

if TYPE_CHECKING:
    from models.lab.netflix.run import TaggedDays

TOP = 3
Importances = dict[str, dict[str, Floats]]


def category_importances(data: "TaggedDays", seed: int) -> Importances:
    """Fit one model per kind of label and category; return labels -> category -> importance per feature, sum 1.

    A category that no day has, or every day, is left out.
    """
    importances: Importances = {}
    for labels, tags in data.tags.items():
        of_labels = importances.setdefault(labels, {})
        for c, category in enumerate(CATEGORIES):
            if tags[:, c].any() and not tags[:, c].all():
                model = XGBClassifier(n_estimators=60, max_depth=4, n_jobs=1, random_state=seed)
                values = model.fit(data.features, tags[:, c].astype(int)).feature_importances_
                of_labels[category] = np.asarray(values / max(values.sum(), 1e-12), dtype=float)
    return importances


def top_features(importances: Importances) -> dict[str, dict[str, list[tuple[str, float]]]]:
    """Return the TOP features by labels and category, the most important first."""
    return {
        labels: {
            category: [(FEATURES[i], round(float(values[i]), 3)) for i in np.argsort(-values, kind="stable")[:TOP]]
            for category, values in by_category.items()
        }
        for labels, by_category in importances.items()
    }
