"""Forests of the case study: the one that is shipped, and others that take away one handicap at a time."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from models.reports.cases.extended_forest import fit_extended
from models.user_days.detect import FOREST_FEATURES
from models.user_days.forest import fit, forest_input, refit_blocks
from models.user_days.rules import RULES
from runtime.arrays import Bools, Floats, Ints
from runtime.local_time import day_numbers

ALL_FEATURES = tuple(feature.name for feature in FOREST_FEATURES)
RULE_FEATURES = tuple(
    dict.fromkeys(rule.feature for rule in RULES if rule.feature in ALL_FEATURES and rule.z is not None)
)
"""What the rules look at, but for the 0/1 of a new place."""

Part = Literal["both", "levels", "deviations"]
"""What of a feature a forest reads: its value, its deviation from what is usual for the account, or both."""
Fit = Callable[[Floats, np.random.Generator], Callable[[Floats], Floats]]


@dataclass(frozen=True, slots=True)
class Forest:
    """A forest of the comparison."""

    features: tuple[str, ...] = RULE_FEATURES
    part: Part = "both"
    is_extended: bool = False
    is_by_plan: bool = False
    """One for each plan, fitted on its days only: a forest for each cohort."""
    is_fitted_on_honest: bool = False
    """Fitted without the days of bots' accounts, which only a simulator knows: what contamination costs."""


FORESTS: dict[str, Forest] = {
    "forest, as shipped": Forest(ALL_FEATURES),
    "fitted on honest accounts only": Forest(ALL_FEATURES, is_fitted_on_honest=True),
    "one for each plan": Forest(ALL_FEATURES, is_by_plan=True),
    "deviations from the own history only": Forest(ALL_FEATURES, "deviations"),
    "levels only": Forest(ALL_FEATURES, "levels"),
    f"{len(RULE_FEATURES)} features of the rules": Forest(),
    f"{len(RULE_FEATURES)} features, extended forest": Forest(is_extended=True),
}
"""By name: the first is what `days run` uses."""


def score_forests(days: pd.DataFrame, is_honest: Bools, tested: Bools, rng: np.random.Generator) -> dict[str, Floats]:
    """Score the tested user-days by each forest, fitted each week on the 28 days before; NaN for the other days."""
    day = day_numbers(days["local_date"])
    blocks = [(fitted, scored[tested[scored]]) for fitted, scored in refit_blocks(day)]
    blocks = [(fitted, scored) for fitted, scored in blocks if len(scored)]
    inputs = {features: forest_input(days, features).matrix for features in (ALL_FEATURES, RULE_FEATURES)}
    plan = pd.factorize(days["plan"])[0]
    cohorts = {True: plan, False: np.zeros_like(plan)}
    return {
        name: _score(inputs[forest.features], forest, blocks, is_honest, cohorts[forest.is_by_plan], rng)
        for name, forest in FORESTS.items()
    }


def _score(
    inputs: Floats, forest: Forest, blocks: list[tuple[Ints, Ints]], is_honest: Bools, cohort: Ints,
    rng: np.random.Generator,
) -> Floats:  # fmt: skip
    width = len(forest.features)
    columns = {"both": slice(None), "levels": slice(width), "deviations": slice(width, None)}[forest.part]
    matrix = inputs[:, columns]
    scores = np.full(len(matrix), np.nan)
    for fitted_on, scored in blocks:
        for code in np.unique(cohort[scored]):
            tested = scored[cohort[scored] == code]
            rows = fitted_on[cohort[fitted_on] == code]
            rows = rows if len(rows) else fitted_on
            if forest.is_fitted_on_honest:
                rows = rows[is_honest[rows]]
            score = fit_extended(matrix[rows], rng) if forest.is_extended else fit(matrix[rows], rng).score
            scores[tested] = score(matrix[tested])
    return scores
