"""The trees of the account windows: score windows of 7 and 28 days, and say in words why one is flagged.

The artefact is `artifacts/account_window_xgb/`: `trees.ubj.gz` (XGBoost's own format), `manifest.json`, whose SHA-256
stands in `models/registry/champions.py`, and a model card.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xgboost

from contracts.account_windows import BETWEEN_ACCOUNTS, OF_SESSIONS, WINDOW_FEATURES
from contracts.features import Feature
from contracts.wording.features import format_phrase
from contracts.wording.quantities import format_quantity
from contracts.wording.reasons import OF_WEEKS
from models.errors import ModelError
from models.registry.artefact import ARTIFACTS, MANIFEST, read_manifest, read_trusted_gzip
from models.registry.champions import WINDOW_CHAMPIONS
from models.registry.source_patterns import SourcePattern, choose_pattern, read_patterns, without_unknown
from models.user_days.calibration import PREVALENCE
from models.user_days.reasons import is_near_usual
from runtime.arrays import Bools, Floats

SHIPPED_WINDOWS = ARTIFACTS / "account_window_xgb"
TREES_FILE = "trees.ubj.gz"
MAX_REASONS = 3
LENGTH = "days"
"""The length of the window is an input too."""
REQUIRED = {"name": str, "trees_sha256": str, "features": list, "usual": list, "source_patterns": list}
_BY_NAME = {feature.name: feature for feature in WINDOW_FEATURES}


@dataclass(frozen=True, slots=True)
class WindowScores:
    """What the trees say of windows, by row."""

    log_odds: Floats
    probability: Floats
    """Of a bot, at natural prevalence, at least: that of a flagged window of this kind of source, 0 for others."""
    is_flagged: Bools
    reasons: list[list[str]]
    """In words, for flagged windows."""


@dataclass(frozen=True, slots=True)
class WindowTrees:
    """Verified trees of the account windows."""

    booster: xgboost.Booster
    features: tuple[str, ...]
    usual: dict[str, float]
    """Median of each feature over honest windows of the training data."""
    patterns: tuple[SourcePattern, ...]
    version: str
    manifest: dict[str, Any] = field(repr=False)

    def score(self, windows: pd.DataFrame, unmeasurable: Collection[str] = ()) -> WindowScores:
        """Score windows (table `account_windows`) of a source that cannot tell some features.

        Nothing is flagged where too little is known.
        """
        lacking = self._lacking(windows, unmeasurable)
        pattern = choose_pattern(self.patterns, self.features, lacking)
        unknown = frozenset(lacking) if pattern is None else pattern.unknown
        log_odds, contributed = neutral_scores(self.booster, windows, self.features, unknown)
        threshold = np.inf if pattern is None or pattern.review is None else pattern.review
        is_flagged = log_odds >= threshold
        precision = {entry["name"]: least_precision(entry["test"]) for entry in self.manifest["source_patterns"]}
        probability = np.where(is_flagged, 0.0 if pattern is None else precision[pattern.name], 0.0)
        reasons: list[list[str]] = [[] for _ in log_odds]
        for row in map(int, np.flatnonzero(is_flagged)):
            reasons[row] = self._reasons(windows.iloc[row], contributed[row])
        return WindowScores(log_odds, probability, is_flagged, reasons)

    def pattern_of(self, windows: pd.DataFrame, unmeasurable: Collection[str] = ()) -> SourcePattern | None:
        """Return the kind of source that windows are scored as; None where none fits."""
        return choose_pattern(self.patterns, self.features, self._lacking(windows, unmeasurable))

    def _lacking(self, windows: pd.DataFrame, unmeasurable: Collection[str]) -> set[str]:
        # a column that no window knows is one that the source cannot tell
        empty = {name for name in self.features if windows[name].isna().all()}
        return {*unmeasurable, *(empty & {*OF_SESSIONS, *(feature.name for feature in BETWEEN_ACCOUNTS)})}

    def _reasons(self, window: pd.Series, contributed: Floats) -> list[str]:
        order = [i for i in np.argsort(-contributed, kind="stable") if contributed[i] > 0]
        names = [self.features[i] for i in order if self.features[i] in _BY_NAME]
        known = [name for name in names if not pd.isna(window[name])]
        # what was done tells a person more than a score
        done = [name for name in known if name not in OF_SESSIONS] or known
        done.sort(key=lambda name: is_near_usual(float(window[name]), self.usual[name], _BY_NAME[name].unit))
        return [self._reason(window, _BY_NAME[name]) for name in done[:MAX_REASONS]]

    def _reason(self, window: pd.Series, feature: Feature) -> str:
        return OF_WEEKS.format(
            phrase=format_phrase(feature, float(window[feature.name])),
            days=int(window[LENGTH]),
            usual=format_quantity(self.usual[feature.name], feature.unit),
        )


def least_precision(test: Mapping[str, Any]) -> float:
    """Return the precision of a threshold at the upper end of its false alarms, with PREVALENCE of the windows bots'.

    `test`: recall and false_alarms_per_100, as in the manifest. No alarm on some thousand windows is no proof of none.

    >>> round(least_precision({"recall": 0.74, "false_alarms_per_100": {"high": 0.165}}), 2)
    0.73
    """
    caught = PREVALENCE * float(test["recall"])
    accused = (1 - PREVALENCE) * float(test["false_alarms_per_100"]["high"]) / 100
    return caught / max(caught + accused, 1e-9)


def neutral_scores(
    booster: xgboost.Booster, windows: pd.DataFrame, features: Collection[str], unknown: Collection[str]
) -> tuple[Floats, Floats]:
    """Return log-odds (n,) and contributions (n, features) without what a source cannot tell."""
    names = list(features)
    values = windows[names].to_numpy(dtype=np.float32).copy()
    values[:, np.isin(names, list(unknown))] = np.nan
    contributed = booster.predict(xgboost.DMatrix(values, nthread=1), pred_contribs=True).astype(np.float64)
    contributed = contributed.reshape(len(values), len(names) + 1)  # without rows it has no columns
    margin, rest = without_unknown(contributed.sum(axis=1), contributed[:, :-1], names, unknown)
    return margin, np.asarray(rest, dtype=np.float64)


def load_window_trees(folder: Path = SHIPPED_WINDOWS, trusted_sha256: str | None = None) -> WindowTrees:
    """Verify an artefact folder and load it. Raises ModelError."""
    trusted = trusted_sha256 or WINDOW_CHAMPIONS.get(folder.name)
    if trusted is None:
        raise ModelError(f"model {folder.name} is not a champion (models/registry/champions.py)")
    manifest = read_manifest(folder / MANIFEST, trusted, REQUIRED)
    features = manifest["features"]
    if unknown := [name for name in features if name not in _BY_NAME and name != LENGTH]:
        raise ModelError(f"{manifest['name']}: windows have no {', '.join(unknown)}; run  playproof days train-windows")
    booster = xgboost.Booster()
    booster.load_model(bytearray(read_trusted_gzip(folder / TREES_FILE, manifest["trees_sha256"])))
    usual = {name: np.nan if value is None else value for name, value in zip(features, manifest["usual"], strict=True)}
    return WindowTrees(
        booster, tuple(features), usual, read_patterns(manifest), f"{manifest['name']}@{trusted[:8]}", manifest
    )
