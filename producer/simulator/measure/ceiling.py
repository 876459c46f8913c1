"""The ceiling: how well boosted trees with all the labels tell each family from honest accounts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from xgboost import XGBClassifier

from contracts.labels import FAMILIES
from producer.simulator.bots import FAMILY_NAMES
from producer.simulator.measure.leaks import FEWEST, auc
from producer.simulator.measure.units import Units

FOLDS = 3
MOST_HONEST, MOST_BOTS, ROUNDS = 30_000, 4_000, 80
THREADS = 1
"""Threads that wait for a busy core cost more than they bring."""
FALSE_ALARMS = 0.001


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What a family's best score reaches, on accounts that the model has not seen."""

    family: str
    sessions: int
    auc: float
    recall_at_0_1_percent: float


def ceilings(units: Units, seed: int = 0) -> list[Ceiling]:
    """Fit gradient boosting for each family on its sessions and honest ones; folds keep accounts whole."""
    rng = np.random.default_rng(seed)
    honest = np.flatnonzero(units.family == 0)
    honest = rng.choice(honest, min(len(honest), MOST_HONEST), replace=False)
    matrix = np.column_stack(list(units.features.values())).astype(np.float32)
    found = []
    for name in FAMILIES:
        bots = np.flatnonzero(units.family == FAMILY_NAMES.index(name))
        if len(bots) < FEWEST or len(np.unique(units.user[bots])) < FOLDS:
            continue
        bots = rng.choice(bots, min(len(bots), MOST_BOTS), replace=False)
        rows = np.concatenate((honest, bots))
        is_bot = np.isin(np.arange(len(rows)), np.arange(len(honest), len(rows)))
        score = _out_of_fold(matrix[rows], is_bot, units.user[rows], seed)
        threshold = np.quantile(score[~is_bot], 1 - FALSE_ALARMS)
        recall = float((score[is_bot] > threshold).mean())
        found.append(Ceiling(name, len(bots), auc(score, is_bot), recall))
    return found


def _out_of_fold(
    matrix: NDArray[np.float32], is_bot: NDArray[np.bool_], user: NDArray[np.int64], seed: int
) -> NDArray[np.float64]:
    fold = np.random.default_rng(seed).permutation(int(user.max()) + 1)[user] % FOLDS
    score = np.zeros(len(user))
    for held_out in range(FOLDS):
        test = fold == held_out
        if not test.any() or not is_bot[~test].any():
            continue
        model = XGBClassifier(
            n_estimators=ROUNDS, max_depth=6, tree_method="hist", random_state=seed,
            scale_pos_weight=float((~is_bot).sum() / is_bot.sum()), n_jobs=THREADS,
        )  # fmt: skip
        model.fit(matrix[~test], is_bot[~test])
        score[test] = model.predict_proba(matrix[test])[:, 1]
    return score
