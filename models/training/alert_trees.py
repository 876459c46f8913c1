"""The trees of the alerts model: which features they see, and what they learn from.

The first trees see the rows of a session alone. What they say of an account's sessions is its suspicion
(`models.risk.suspicion`), which the trees after them see too, with the static row and own history.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import xgboost

from contracts.features import OWN_HISTORY_FEATURES, SUSPICION
from models.risk.suspicion import NOTHING, follow, margins_of
from models.training.source_patterns import with_masked_copies
from models.training.splits import deal_groups
from runtime.arrays import Bools, Floats

PARAMETERS: dict[str, Any] = {
    "objective": "binary:logistic", "max_depth": 4, "eta": 0.1, "subsample": 0.8, "colsample_bytree": 0.5,
    "min_child_weight": 4, "tree_method": "hist", "nthread": 1,
}  # fmt: skip
ROUNDS_OF_ROWS, ROUNDS = 60, 70
"""Trees that see the rows alone, and trees after them that see all."""
MAX_OF_ROWS, MAX_OF_ACCOUNT = 28, 9
"""Features of rows, and of the account besides suspicion: those of most gain when trees are fitted on all. Every look
computes them."""
OF_ACCOUNT = ("account_age_days", "is_paid_plan", *OWN_HISTORY_FEATURES, SUSPICION.name)
"""Features that need more than the session's own rows."""
OF_CLOCK = ("night_share", "night_share_vs_own", "self_drift")
"""Features that need the listener's time zone, and are left out: they would double the kinds of sources."""
ACCOUNT_LOSS = 0.25
"""Share of the accounts whose looks the trees see once more as those of an account that nobody knows."""


@dataclass(frozen=True, slots=True)
class AlertTrees:
    """Trees with their features, and the looks with the suspicion that they give."""

    booster: xgboost.Booster
    rounds_of_rows: int
    """How many of the trees, the first, see the rows alone."""
    features: list[str]
    looks: pd.DataFrame

    @property
    def of_static(self) -> list[str]:
        """Features of static row and own history: NaN for an account that nobody knows."""
        return [name for name in self.features if name in OF_ACCOUNT and name != SUSPICION.name]


def fit_alert_trees(
    looks: pd.DataFrame, sessions: pd.DataFrame, features: Collection[str], is_training: Bools, rng: np.random.Generator
) -> AlertTrees:
    """Fit trees on the looks of the training block, of which the label is known.

    `looks`: `features`, label, session_key, user_id, and what `margins_of` needs. `sessions`: those of the training
    block by session_key. `is_training` is by look. Of training looks, suspicion is that of trees that did not learn
    from them; of the other looks, that of the trees that are returned.
    """
    seed = int(rng.integers(2**31))
    half = looks["session_key"].map(pd.Series(deal_groups(sessions, rng, (0.5, 0.5)), sessions.index)).to_numpy()
    is_known = is_training & looks["label"].notna().to_numpy()
    ordered = [name for name in features if name not in OF_CLOCK]
    of_rows = [name for name in ordered if name not in OF_ACCOUNT]
    of_rows = strongest(_fit(looks[is_known], of_rows, seed, ROUNDS_OF_ROWS), of_rows, MAX_OF_ROWS)
    margin = np.full(len(looks), np.nan)
    for one in (0, 1):
        others = with_masked_copies(looks[is_known & (half != one)], rng, of_rows)
        margin[half == one] = _margin(_fit(others, of_rows, seed, ROUNDS_OF_ROWS), looks[half == one], of_rows)
    looks = _with_suspicion(looks, margin)
    both = [name for name in ordered if name in {*of_rows, *OF_ACCOUNT}]
    of_account = [name for name in both if name in OF_ACCOUNT and name != SUSPICION.name]
    of_account = strongest(_fit(looks[is_known], both, seed, ROUNDS), both, MAX_OF_ACCOUNT, of_account)
    of_account.append(SUSPICION.name)
    chosen = [name for name in ordered if name in {*of_rows, *of_account}]
    copies = _copies(looks[is_known], chosen, of_account, rng)
    first = _fit(copies.assign(**dict.fromkeys(of_account, np.nan)), chosen, seed, ROUNDS_OF_ROWS)
    booster = _fit(copies, chosen, seed, ROUNDS, first)
    margin[~is_training] = _margin(first, looks[~is_training], chosen)
    return AlertTrees(booster, ROUNDS_OF_ROWS, chosen, _with_suspicion(looks, margin))


def strongest(
    booster: xgboost.Booster, features: Sequence[str], most: int, among: Collection[str] | None = None
) -> list[str]:
    """Return the features of most gain, at most `most`, in the order of `features`; of `among` where it is given."""
    gain = booster.get_score(importance_type="total_gain")
    wanted = [
        (-float(gain.get(f"f{number}", 0.0)), number)
        for number, name in enumerate(features)
        if among is None or name in among
    ]
    return [features[number] for number in sorted(number for _, number in sorted(wanted)[:most])]


def _with_suspicion(looks: pd.DataFrame, margin: Floats) -> pd.DataFrame:
    return looks.assign(**{SUSPICION.name: follow(NOTHING, margins_of(looks, margin))[0]})


def _copies(
    training: pd.DataFrame, chosen: Sequence[str], of_account: Sequence[str], rng: np.random.Generator
) -> pd.DataFrame:
    """Add copies of looks as sources that lack fields have them, and as they are for accounts that nobody knows.

    Where fields are missing, suspicion is too: the trees that give it were not made for that.
    """
    copies = with_masked_copies(training, rng, chosen)
    copies.loc[len(training) :, SUSPICION.name] = np.nan
    users, names = pd.factorize(training["user_id"])
    nobody = training[(rng.random(len(names)) < ACCOUNT_LOSS)[users]]
    lost = [name for name in of_account if name != SUSPICION.name]
    return pd.concat([copies, nobody.assign(**dict.fromkeys(lost, np.nan))], ignore_index=True)


def _fit(
    training: pd.DataFrame, features: Sequence[str], seed: int, rounds: int, first: xgboost.Booster | None = None
) -> xgboost.Booster:
    """Fit trees, after those of `first` where it is given."""
    values = training[list(features)].to_numpy(dtype=np.float32)
    matrix = xgboost.DMatrix(values, label=training["label"].to_numpy(), nthread=1)
    return xgboost.train(PARAMETERS | {"seed": seed}, matrix, rounds, xgb_model=first)


def _margin(booster: xgboost.Booster, looks: pd.DataFrame, features: Sequence[str]) -> Floats:
    matrix = xgboost.DMatrix(looks[list(features)].to_numpy(dtype=np.float32), nthread=1)
    return booster.predict(matrix, output_margin=True).astype(np.float64)
