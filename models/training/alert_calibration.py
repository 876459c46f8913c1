"""Choose the thresholds of a trained alerts model again, on worlds that are for nothing else.

A threshold keeps the upper end of an interval under the bound. The fewer honest sessions it is chosen on, the wider the
interval is and the fewer bots have an alert, while the trees need no more of them.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xgboost

from contracts.features import SUSPICION
from models.registry.artefact import MANIFEST, read_manifest, read_trusted_gzip
from models.risk.suspicion import NOTHING, follow, margins_of
from models.training.alert_trees import AlertTrees
from models.training.alerts import (
    CALIBRATION,
    TEST,
    TREES_FILE,
    choose_thresholds,
    describe_blocks,
    require_both_labels,
    write_manifest,
)
from models.training.splits import deal_groups
from runtime.arrays import Floats

SHARES = (0.75, 0.25)
"""Shares of the accounts on which thresholds are chosen, and on which they are tested."""
REQUIRED = {"trees_sha256": str, "features": list, "rounds_of_rows": int, "trained_on": dict}


def calibrate_alerts(
    folder: Path, trusted: str, looks: pd.DataFrame, sessions: pd.DataFrame, *, seed: int, worlds: list[str]
) -> str:
    """Choose and test the thresholds again, and write manifest and card; return the SHA-256 of the manifest.

    `folder`: an artefact of `train_alerts`, `trusted` the SHA-256 of its manifest. The trees stay. `looks`, with
    user_id, and `sessions`: as there, of `worlds`, which it was not trained on. The same tables and seed give the same
    bytes. Raises ModelError.
    """
    manifest = read_manifest(folder / MANIFEST, trusted, REQUIRED)
    booster = xgboost.Booster(model_file=bytearray(read_trusted_gzip(folder / TREES_FILE, manifest["trees_sha256"])))
    sessions = sessions.set_index("session_key")
    rng = np.random.default_rng(seed)
    block = pd.Series(np.where(deal_groups(sessions, rng, SHARES) == 0, CALIBRATION, TEST), sessions.index)
    require_both_labels(sessions, block, (CALIBRATION, TEST))
    trees = _with_suspicion(booster, manifest, looks)
    complete, others = choose_thresholds(trees, sessions, block, rng)
    blocks = describe_blocks(looks.assign(block=looks["session_key"].map(block)), sessions, block)
    trained = manifest["trained_on"]
    chosen: dict[str, Any] = {
        "threshold": complete["review"],
        "source_patterns": others,
        "test": complete["test"],
        "calibration": complete["calibration"],
        "trained_on": trained | {"blocks": blocks | {"train": trained["blocks"]["train"]}},
        "calibrated_on": {"worlds": worlds, "seed": seed},
    }
    return write_manifest(manifest | chosen, folder)


def _with_suspicion(booster: xgboost.Booster, manifest: dict[str, Any], looks: pd.DataFrame) -> AlertTrees:
    """Return the trees with looks whose suspicion is that of the first trees, which see the rows alone."""
    features, rounds = manifest["features"], manifest["rounds_of_rows"]
    matrix = xgboost.DMatrix(looks[features].to_numpy(dtype=np.float32), nthread=1)
    margin: Floats = booster.predict(matrix, output_margin=True, iteration_range=(0, rounds)).astype(np.float64)
    before, _ = follow(NOTHING, margins_of(looks, margin))
    return AlertTrees(booster, rounds, features, looks.assign(**{SUSPICION.name: before}))
