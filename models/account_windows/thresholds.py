"""Choose the threshold of the account windows for a kind of source, and measure it."""

from collections.abc import Callable, Collection
from typing import Any

import numpy as np
import pandas as pd

from models.metrics.intervals import wilson
from models.metrics.ranking import auc
from models.training.source_patterns import share_threshold
from models.user_days.calibration import PREVALENCE
from runtime.arrays import Floats

MAX_FALSE_ALARMS = 0.003
"""Share of the honest windows that a threshold may flag: a choice."""
MAX_OF_A_KIND = 0.01
"""Share of the windows of one kind of odd people that it may flag, at most, rounded up to whole windows: a choice. A
window holds several days, so per 100 days these are fewer alarms."""
MIN_RECALL = 0.15
"""Recall under which a score says too little to flag anybody: a choice."""

Score = Callable[[pd.DataFrame, Collection[str]], Floats]
"""Scores windows whose source lacks some features: the log-odds without what those features contribute."""


def threshold_entry(
    name: str,
    unknown: Collection[str],
    score: Score,
    calibration: pd.DataFrame,
    test: pd.DataFrame,
    kinds: pd.DataFrame | None,
) -> dict[str, Any]:
    """Choose the threshold of a kind of source on the calibration block; measure it on the test block.

    `calibration`, `test`: windows with label 1 or 0. `kinds`: honest windows of odd people, with their cohort. Returns
    the entry of the manifest.
    """
    log_odds, is_honest = score(calibration, unknown), (calibration["label"] == 0).to_numpy()
    threshold = float(np.nextafter(np.quantile(log_odds[is_honest], 1 - MAX_FALSE_ALARMS, method="higher"), np.inf))
    if kinds is not None:
        of_kinds = pd.Series(score(kinds, unknown)).groupby(kinds["cohort"].to_numpy())
        bounds = (share_threshold(part, MAX_OF_A_KIND, rounds_up=True) for _, part in of_kinds)
        threshold = max([threshold, *bounds])
    recall = float((log_odds[~is_honest] >= threshold).mean())
    tested, is_person = score(test, unknown), (test["label"] == 0).to_numpy()
    alarms, n = int((tested[is_person] >= threshold).sum()), int(is_person.sum())
    low, high = wilson(alarms, n)
    found = float((tested[~is_person] >= threshold).mean())
    caught, accused = PREVALENCE * found, (1 - PREVALENCE) * alarms / n
    return {
        "name": name,
        "unknown": sorted(unknown),
        "review": threshold if recall >= MIN_RECALL else None,
        "filter": None,
        "precision": caught / max(caught + accused, 1e-9),
        "test": {
            "honest_windows": n,
            "false_alarms_per_100": {"value": 100 * alarms / n, "low": 100 * low, "high": 100 * high},
            "recall": found,
            "auc": auc(tested[~is_person], tested[is_person]).value,
        },
    }
