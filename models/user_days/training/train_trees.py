"""Train the trees of the user-day detector on a simulated world: fit, calibrate, choose the threshold, test, pack.

The blocks differ in time, accounts and campaigns (`models/training/splits.py`). Bots are oversampled in the world
and weighted back to natural prevalence wherever anything is calibrated, chosen or measured.
"""

import gzip
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xgboost
from sklearn.isotonic import IsotonicRegression

from contracts.user_day_features import USER_DAY_FEATURE_NAMES
from models.errors import ModelError
from models.metrics.flags import WEIGHT, FlagReport, measure_flags
from models.metrics.robust import median
from models.registry.artefact import CARD, MANIFEST, sha256
from models.training.source_patterns import kind_threshold
from models.training.splits import BLOCKS, CALIBRATION, TEST, TRAIN, assign_blocks, split_odd
from models.user_days.by_rules import feature_matrix
from models.user_days.calibration import PREVALENCE, natural_weights
from models.user_days.training.card import render
from models.user_days.trees import TREES_FILE
from runtime.arrays import Floats

TREES_PARAMETERS: dict[str, Any] = {
    "objective": "binary:logistic", "max_depth": 4, "eta": 0.1, "subsample": 0.8, "colsample_bytree": 0.5,
    "min_child_weight": 2, "tree_method": "hist", "nthread": 1,
}  # fmt: skip
"""Those of `xgboost` in the lab, the best single technique there."""
ROUNDS = 150
MAX_FALSE_ALARMS = 0.001
"""Share of the honest user-days that the threshold may flag: a choice, that of the fusion that reads the trees."""
MAX_OF_A_KIND = 0.005
"""Share of the days of one kind of odd people that it may flag, at most: a choice. The aim is under 1 in 100."""
LIBRARIES = ("xgboost-cpu", "scikit-learn", "numpy", "pandas")


def train_trees(labelled: pd.DataFrame, out: Path, *, seed: int, world: str, odd: pd.DataFrame | None = None) -> str:
    """Train on labelled user-days, write the artefact folder `out`; return the SHA-256 of its manifest.

    `labelled`: table user_days with `models.labels.truth.label_user_days`. `odd`: such a table of worlds in which odd
    people are far commoner than they are, as for sessions (`models/training/train.py`). The same tables and seed give
    the same bytes. Raises ModelError.
    """
    rng = np.random.default_rng(seed)
    days = _in_order(labelled)
    block = assign_blocks(days, rng)
    for name in BLOCKS:
        if days.loc[block == name, "label"].nunique() < 2:
            raise ModelError(f"the {name} block has no positive or no negative day: more accounts or days are needed")
    days[WEIGHT] = natural_weights(days)
    known = days["label"].notna().to_numpy()
    learned, kinds = days[known & (block == TRAIN)].assign(**{WEIGHT: 1.0}), None
    if odd is not None:
        of_odd, kinds = split_odd(_in_order(odd), days, rng)
        learned = pd.concat([learned, of_odd], ignore_index=True)
    booster = _fit(learned, seed)
    curve, threshold = _calibrate(booster, days[known & (block == CALIBRATION)])
    if kinds is not None:
        threshold = max(threshold, kind_threshold(_margins(booster, kinds), kinds, MAX_OF_A_KIND))
    tested = measure_flags(_scored(days[block == TEST], booster, threshold), rng, tuple(days["family"].unique()))
    return _write(out, booster, curve, threshold, days, block, tested, seed, world, odd)


def _in_order(labelled: pd.DataFrame) -> pd.DataFrame:
    days = labelled.assign(started_at=pd.to_datetime(labelled["local_date"]))
    return days.sort_values(["started_at", "user_id"], ignore_index=True)


def _fit(days: pd.DataFrame, seed: int) -> xgboost.Booster:
    features, label = feature_matrix(days, USER_DAY_FEATURE_NAMES), days["label"].to_numpy(np.float64)
    matrix = xgboost.DMatrix(features, label, weight=days[WEIGHT].to_numpy(np.float64))
    return xgboost.train({**TREES_PARAMETERS, "seed": seed}, matrix, ROUNDS)


def _margins(booster: xgboost.Booster, days: pd.DataFrame) -> Floats:
    matrix = xgboost.DMatrix(feature_matrix(days, USER_DAY_FEATURE_NAMES))
    return booster.predict(matrix, output_margin=True).astype(np.float64)


def _calibrate(booster: xgboost.Booster, days: pd.DataFrame) -> tuple[Floats, float]:
    """Return the curve from margin to probability, and the margin that MAX_FALSE_ALARMS of the honest days reach."""
    margin = _margins(booster, days)
    fitted = IsotonicRegression(out_of_bounds="clip").fit(margin, days["label"], sample_weight=days[WEIGHT])
    knots = np.column_stack([fitted.X_thresholds_, fitted.y_thresholds_])
    curve = np.round(knots[np.r_[True, (np.diff(knots, axis=0) != 0).any(axis=1)]], 6)
    honest = margin[(days["label"] == 0).to_numpy()]
    return curve, float(np.nextafter(np.quantile(honest, 1 - MAX_FALSE_ALARMS, method="higher"), np.inf))


def _scored(days: pd.DataFrame, booster: xgboost.Booster, threshold: float) -> pd.DataFrame:
    margin = _margins(booster, days)
    return days.assign(score=margin, is_flagged=margin >= threshold)


def _write(
    out: Path, booster: xgboost.Booster, curve: Floats, threshold: float, days: pd.DataFrame, block: np.ndarray,
    tested: FlagReport, seed: int, world: str, odd: pd.DataFrame | None,
) -> str:  # fmt: skip
    out.mkdir(parents=True, exist_ok=True)
    trees = bytes(booster.save_raw("ubj"))
    (out / TREES_FILE).write_bytes(gzip.compress(trees, mtime=0))
    honest = days[(block == TRAIN) & (days["label"] == 0)]
    usual = median(feature_matrix(honest, USER_DAY_FEATURE_NAMES).T)
    gains = booster.get_score(importance_type="total_gain")
    named = {USER_DAY_FEATURE_NAMES[int(str(key)[1:])]: float(np.sum(gain)) for key, gain in gains.items()}
    total = sum(named.values())
    manifest = {
        "name": out.name,
        "trees_sha256": sha256(trees),
        "features": list(USER_DAY_FEATURE_NAMES),
        "threshold": threshold,
        "max_false_alarms": MAX_FALSE_ALARMS,
        "curve": curve.tolist(),
        "usual": [None if np.isnan(value) else round(float(value), 6) for value in usual],
        "prevalence": PREVALENCE,
        "trained_on": {
            "world": world,
            "seed": seed,
            "blocks": {name: _block(days[block == name]) for name in BLOCKS},
            **({} if odd is None else {"odd": {"max_of_a_kind": MAX_OF_A_KIND} | _size(odd)}),
        },
        "trees": {**TREES_PARAMETERS, "rounds": ROUNDS},
        "libraries": {name: version(name) for name in LIBRARIES},
        "test": tested.as_dict(),
        "gain": {name: gain / total for name, gain in sorted(named.items(), key=lambda item: -item[1])},
    }
    content = json.dumps(manifest, indent=1, allow_nan=False).encode() + b"\n"
    (out / MANIFEST).write_bytes(content)
    (out / CARD).write_text(render(manifest))
    return sha256(content)


def _size(days: pd.DataFrame) -> dict[str, Any]:
    return {
        "days": len(days),
        "positives": int((days["label"] == 1).sum()),
        "mixed": int(days["label"].isna().sum()),
        "accounts": int(days["user_id"].nunique()),
        "campaigns": int(days.loc[days["label"] == 1, "campaign_id"].nunique()),
    }


def _block(days: pd.DataFrame) -> dict[str, Any]:
    return {
        **_size(days),
        "from": f"{days['started_at'].min():%Y-%m-%d}",
        "to": f"{days['started_at'].max():%Y-%m-%d}",
    }
