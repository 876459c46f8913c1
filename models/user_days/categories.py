"""What kind of abuse a suspected user-day is: content, service, account, or several of them.

One model with three outputs, trained on days of simulated bots only: given that a day is a bot's, which categories
does it count under? A day that nothing suspects has no category. The artefact is `artifacts/user_day_categories/`.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xgboost

from contracts.labels import CATEGORIES
from models.registry.artefact import ARTIFACTS, MANIFEST, read_manifest, read_trusted_gzip
from models.registry.champions import CATEGORY_CHAMPIONS
from models.user_days.by_rules import feature_matrix
from models.user_days.trees import check_features
from runtime.arrays import Floats

SHIPPED_CATEGORIES = ARTIFACTS / "user_day_categories"
TREES_FILE = "trees.ubj.gz"
MIN_PROBABILITY = 0.5
REQUIRED = {"name": str, "trees_sha256": str, "features": list}


@dataclass(frozen=True, slots=True)
class CategoryModel:
    """A verified model of categories."""

    booster: xgboost.Booster
    features: tuple[str, ...]

    def probabilities(self, days: pd.DataFrame) -> Floats:
        """Return (user-days, CATEGORIES): the probability of each category, where the day is a bot's."""
        matrix = xgboost.DMatrix(feature_matrix(days, self.features))
        return self.booster.predict(matrix).astype(np.float64).reshape(len(days), len(CATEGORIES))

    def categories(self, days: pd.DataFrame) -> list[list[str]]:
        """Return the categories of each user-day: those that are likely, or else the likeliest."""
        return [name_categories(row) for row in self.probabilities(days)] if len(days) else []


def name_categories(probabilities: Floats) -> list[str]:
    """Name the categories of one day.

    >>> name_categories(np.array([0.1, 0.8, 0.6])), name_categories(np.array([0.4, 0.1, 0.2]))
    (['service', 'account'], ['content'])
    """
    likely = probabilities >= MIN_PROBABILITY
    if not likely.any():
        likely[np.argmax(probabilities)] = True
    return [name for name, is_likely in zip(CATEGORIES, likely, strict=True) if is_likely]


def load_categories(folder: Path = SHIPPED_CATEGORIES, trusted_sha256: str | None = None) -> CategoryModel:
    """Verify an artefact folder and load it. Raises ModelError."""
    manifest = read_manifest(folder / MANIFEST, trusted_sha256 or CATEGORY_CHAMPIONS[folder.name], REQUIRED)
    check_features(manifest)
    booster = xgboost.Booster()
    booster.load_model(bytearray(read_trusted_gzip(folder / TREES_FILE, manifest["trees_sha256"])))
    return CategoryModel(booster, tuple(manifest["features"]))
