"""Choose the thresholds of the fusion: few of everybody's days, and few of those of each kind of odd people."""

import numpy as np
import pandas as pd

from contracts.labels import HONEST
from models.metrics.flags import REGULAR
from models.training.source_patterns import account_threshold
from runtime.arrays import Bools, Floats

MAX_FALSE_ALARMS = 0.001
"""Share of the honest account-days that a threshold may flag: a choice, that of the lab and of the arena."""
MAX_OF_A_KIND = 0.005
"""Share of the days of each kind of odd people that a threshold may flag, at the upper end of its 95 % interval
over people: a choice. The aim is 1 in 100 in any world; people of a world that was left out have up to twice what the
others lead to expect, since one person whose weeks look like a bot's is suspected on every day of them."""
MIN_DAYS = 100
"""Account-days of a kind from which its share means anything."""


def threshold_of(scores: Floats, is_usual: Bools) -> float:
    """Return the log-odds that at most MAX_FALSE_ALARMS of the usual honest account-days reach; −inf without any."""
    known = scores[is_usual & ~np.isnan(scores)]
    if not len(known):
        return -np.inf
    return float(np.nextafter(np.quantile(known, 1 - MAX_FALSE_ALARMS, method="higher"), np.inf))


def kind_thresholds(
    scores: Floats, days: pd.DataFrame, rng: np.random.Generator, share: float = MAX_OF_A_KIND
) -> dict[str, float]:
    """Return by kind of odd people the lowest log-odds that keep to a share of its days.

    `days`: user_id, family, cohort, by row of `scores`. Kinds of fewer than MIN_DAYS known days are left out.
    """
    known = ((days["family"] == HONEST) & (days["cohort"].fillna(REGULAR) != REGULAR)).to_numpy() & ~np.isnan(scores)
    rows = days.loc[known, ["user_id", "cohort"]].assign(score=scores[known])
    return {
        str(kind): account_threshold(of_kind.set_index("user_id")["score"], rng, share)
        for kind, of_kind in rows.groupby("cohort")
        if len(of_kind) >= MIN_DAYS
    }


def choose_threshold(scores: Floats, days: pd.DataFrame, rng: np.random.Generator) -> float:
    """Return the log-odds that keep to both bounds; −inf without an honest day.

    `days`: is_usual too, whether a day is of an honest account of a world in which odd people are as rare as they are.
    """
    everybody = threshold_of(scores, days["is_usual"].to_numpy())
    return max([everybody, *kind_thresholds(scores, days, rng).values()])
