"""The trees of the user-day detector: gradient-boosted trees on every feature of a user-day, trained with labels.

What compares a day with the account's own history cannot see a bot that was one from its first day; these can. The
artefact is `artifacts/user_day_xgb/`: `trees.ubj.gz` (XGBoost's own format: data, nothing in it is run),
`manifest.json`, whose SHA-256 is in `models/registry/champions.py`, and a model card.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xgboost
from scipy.special import expit

from contracts.features import Feature
from contracts.user_day_features import USER_DAY_FEATURE_NAMES, USER_DAY_FEATURES
from contracts.wording.features import format_phrase
from contracts.wording.quantities import format_quantity
from contracts.wording.reasons import OF_DAY
from models.errors import ModelError
from models.registry.artefact import ARTIFACTS, MANIFEST, read_manifest, read_trusted_gzip
from models.registry.champions import USER_DAY_CHAMPIONS
from models.user_days.by_rules import feature_matrix
from models.user_days.reasons import contrast
from runtime.arrays import Floats

SHIPPED_TREES = ARTIFACTS / "user_day_xgb"
TREES_FILE = "trees.ubj.gz"
MAX_REASONS = 3
REQUIRED = {"name": str, "trees_sha256": str, "features": list, "threshold": float, "curve": list, "usual": list}
_BY_NAME = {feature.name: feature for feature in USER_DAY_FEATURES}


@dataclass(frozen=True, slots=True)
class UserDayTrees:
    """Verified trees. A margin becomes a probability at natural prevalence by `curve`, rows (margin, probability)."""

    booster: xgboost.Booster
    features: tuple[Feature, ...]
    threshold: float
    """The margin from which a day is flagged."""
    curve: Floats
    usual: Floats
    """Median of each feature over honest user-days of the training data."""
    version: str
    manifest: dict[str, Any] = field(repr=False)

    def score(self, days: pd.DataFrame) -> tuple[Floats, Floats]:
        """Return by row the probability that a user-day is a bot's, and a score of which 0.5 and over is a flag.

        A feature that is null is missing, never 0.
        """
        margin = self.booster.predict(self._matrix(days), output_margin=True).astype(np.float64)
        return probability_of(margin, self.curve), as_score(margin, self.threshold)

    def reasons(self, days: pd.DataFrame) -> list[list[str]]:
        """Return for each row the features that raised its score most, with their value and the usual one."""
        if not len(days):
            return []
        values = feature_matrix(days, self._names())
        pushes = self.booster.predict(self._matrix(days), pred_contribs=True)[:, :-1]  # the last one is the bias
        reasons = []
        for value, push in zip(values, pushes, strict=True):
            # a missing value may raise a score too, but tells a person nothing
            highest = [i for i in np.argsort(-push, kind="stable") if push[i] > 0 and not np.isnan(value[i])]
            highest.sort(key=lambda i: self._contrast(i, value) == 0)
            shown = sorted(highest[:MAX_REASONS], key=lambda i: -self._contrast(i, value))
            reasons.append([self._reason(i, value[i]) for i in shown])
        return reasons

    def _names(self) -> tuple[str, ...]:
        return tuple(feature.name for feature in self.features)

    def _matrix(self, days: pd.DataFrame) -> xgboost.DMatrix:
        return xgboost.DMatrix(feature_matrix(days, self._names()))

    def _contrast(self, position: int, values: Floats) -> float:
        return contrast(float(values[position]), float(self.usual[position]), self.features[position].unit)

    def _reason(self, position: int, value: float) -> str:
        feature = self.features[position]
        usual = format_quantity(self.usual[position], feature.unit)
        return OF_DAY.format(phrase=format_phrase(feature, value), usual=usual)


def probability_of(margin: Floats, curve: Floats) -> Floats:
    """Read probabilities off a curve whose rows are (margin, probability); beyond its ends it is level."""
    return np.interp(margin, curve[:, 0], curve[:, 1])


def as_score(margin: Floats, threshold: float | Floats) -> Floats:
    """Move margins to the scale of the other detectors: between 0 and 1, 0.5 and over is a flag.

    >>> as_score(np.array([-np.inf, 2.0, np.inf]), threshold=2.0).tolist()
    [0.0, 0.5, 1.0]
    """
    return expit(margin - threshold)


def load_trees(folder: Path = SHIPPED_TREES, trusted_sha256: str | None = None) -> UserDayTrees:
    """Verify an artefact folder and load it. Raises ModelError."""
    trusted = trusted_sha256 or USER_DAY_CHAMPIONS.get(folder.name)
    if trusted is None:
        raise ModelError(
            f"model {folder.name} is not a champion (models/registry/champions.py): give the hash you trust, --sha256"
        )
    manifest = read_manifest(folder / MANIFEST, trusted, REQUIRED)
    check_features(manifest)
    booster = xgboost.Booster()
    booster.load_model(bytearray(read_trusted_gzip(folder / TREES_FILE, manifest["trees_sha256"])))
    return UserDayTrees(
        booster=booster,
        features=tuple(_BY_NAME[name] for name in manifest["features"]),
        threshold=manifest["threshold"],
        curve=np.array(manifest["curve"], dtype=np.float64),
        usual=np.array([np.nan if value is None else value for value in manifest["usual"]]),
        version=f"{manifest['name']}@{trusted[:8]}",
        manifest=manifest,
    )


def check_features(manifest: dict[str, Any]) -> None:
    """Check that user-days have the features of a manifest. Raises ModelError."""
    if unknown := [name for name in manifest["features"] if name not in _BY_NAME]:
        raise ModelError(
            f"{manifest['name']} was trained on features that user-days lack: {', '.join(unknown)}; expected some of "
            f"the {len(USER_DAY_FEATURE_NAMES)} of contracts/user_day_features.py; run  make train-days"
        )
