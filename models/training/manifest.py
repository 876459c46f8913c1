"""The manifest of a trained session scorer: what it was trained on, how good it is, and the hash of every file."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from contracts.features import FEATURE_NAMES
from models.metrics.flags import WEIGHT, FlagReport, average_precision
from models.registry.archive import read_members
from models.registry.artefact import MODEL_ZIP, sha256
from models.training.source_patterns import MAX_FALSE_ALARMS
from models.training.splits import BLOCKS, CALIBRATION, SHARES
from models.training.thresholds import REVIEW_BETA, Thresholds

BASELINES = {"plays": 1, "gap_entropy": -1}
"""One-feature scores to compare with: a feature, and 1 where a high value is suspicious, -1 where a low one is."""
LIBRARIES = ("pyspark", "xgboost-cpu", "scikit-learn", "numpy", "pandas")


@dataclass(frozen=True, slots=True)
class TreeSettings:
    """Size of the trees of the session scorer.

    Contributions cost leaves × depth²: on noise, the worst case, one core scores 10,000 sessions per second with 100
    trees of depth 3, and 900 with 200 trees of depth 5.
    """

    n_estimators: int = 200
    max_depth: int = 3
    learning_rate: float = 0.2
    min_child_weight: float = 2.0


@dataclass(frozen=True, slots=True)
class HeldOutResults:
    """What the model does on the test block: at both thresholds, and at review without own histories."""

    scored: pd.DataFrame
    """The test block with column `score`."""
    review: FlagReport
    filter: FlagReport
    without_history: FlagReport


def build_manifest(
    name: str,
    zipped: bytes,
    trees: TreeSettings,
    thresholds: Thresholds,
    labels: Mapping[str, Any],
    trained_on: Mapping[str, Any],
    test: HeldOutResults,
    gains: Mapping[str, float],
) -> dict[str, Any]:
    """Return the manifest.

    `zipped`: the bytes of model.zip. `labels`: the source of the labels. `trained_on`: see `describe_blocks`. `gains`:
    total gain by XGBoost's own feature name (f0, f1, …).
    """
    without_history = test.without_history.as_dict()
    return {
        "name": name,
        "model_zip_sha256": sha256(zipped),
        "files": {member: sha256(content) for member, content in read_members(MODEL_ZIP, zipped).items()},
        "features": list(FEATURE_NAMES),
        "thresholds": {"review": thresholds.review, "filter": thresholds.filter},
        "thresholds_chosen": {
            "on": CALIBRATION,
            "review": f"highest F{REVIEW_BETA}",
            "max_false_alarms": MAX_FALSE_ALARMS,
            "filter_precision": thresholds.filter_precision.as_dict(),
            "is_filter_proven": thresholds.is_filter_proven,
        },
        "labels": dict(labels),
        "trained_on": dict(trained_on),
        "trees": asdict(trees),
        "libraries": {library: version(library) for library in LIBRARIES},
        "test": {"review": test.review.as_dict(), "filter": test.filter.as_dict()},
        "without_own_history": {key: without_history[key] for key in ("average_precision", "precision", "recall")},
        "baselines": _baselines(test.scored),
        "gain": _gain_shares(gains),
    }


def describe_blocks(
    table: pd.DataFrame, block: np.ndarray, world: str, seed: int, odd: pd.DataFrame | None = None
) -> dict[str, Any]:
    """Return where the sessions come from (`world`, `seed`), and how many of which kind each block holds.

    `block`: by row of the table, as `splits.assign_blocks` returns it. `odd`: sessions in no block.
    """
    blocks = {}
    for name in BLOCKS:
        rows = table[block == name]
        blocks[name] = {
            "sessions": len(rows),
            "positives": int((rows["label"] == 1).sum()),
            "mixed": int(rows["label"].isna().sum()),
            "accounts": int(rows["user_id"].nunique()),
            "campaigns": int(rows.loc[rows["label"] == 1, "campaign_id"].nunique()),
            "from": str(rows["started_at"].min()),
            "to": str(rows["started_at"].max()),
        }
    described = {"world": world, "seed": seed, "sessions": len(table), "shares": list(SHARES), "blocks": blocks}
    if odd is None:
        return described
    counted = {
        "sessions": int(odd["label"].notna().sum()),
        "positives": int((odd["label"] == 1).sum()),
        "accounts": int(odd["user_id"].nunique()),
    }
    return described | {"odd": counted}


def _baselines(scored: pd.DataFrame) -> dict[str, float | None]:
    """Return the average precision of the model and of each one-feature score; a missing value is not suspicious."""
    known = scored[scored["label"].notna()]
    scores = {name: (sign * known[name]).fillna(-np.inf) for name, sign in BASELINES.items()}
    ranked = {name: values.rank() for name, values in {"model": known["score"], **scores}.items()}
    return {name: average_precision(known["label"], values, known.get(WEIGHT)) for name, values in ranked.items()}


def _gain_shares(gains: Mapping[str, float]) -> dict[str, float]:
    """Return each used feature's share of the total gain, largest first."""
    total = sum(gains.values())
    named = {FEATURE_NAMES[int(key[1:])]: value / total for key, value in gains.items()}
    return dict(sorted(named.items(), key=lambda item: -item[1]))
