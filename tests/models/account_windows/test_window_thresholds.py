"""The threshold of the account windows: each kind of odd people keeps to its bound."""

import math

import numpy as np
import pandas as pd

from models.account_windows.thresholds import MAX_OF_A_KIND, threshold_entry


def scored(n: int, label: float, low: float, seed: int) -> pd.DataFrame:
    return pd.DataFrame({"label": label, "log_odds": low + np.random.default_rng(seed).random(n)})


def test_each_kind_of_odd_people_keeps_to_its_bound_and_bots_are_still_found() -> None:
    windows = pd.concat([scored(600, 0.0, 0.0, 1), scored(100, 1.0, 2.0, 2)], ignore_index=True)
    kinds = pd.concat(
        [scored(150, 0.0, 0.4, 3).assign(cohort="sleep"), scored(40, 0.0, 0.9, 4).assign(cohort="office")],
        ignore_index=True,
    )

    def entry(odd: pd.DataFrame | None) -> dict[str, float]:
        return threshold_entry("complete", (), lambda rows, _: rows["log_odds"].to_numpy(), windows, windows, odd)

    threshold = entry(kinds)["review"]
    assert entry(None)["review"] < threshold < 2.0
    for _, of_kind in kinds.groupby("cohort"):
        flagged = (of_kind["log_odds"] >= threshold).sum()
        assert flagged <= math.ceil(MAX_OF_A_KIND * len(of_kind))
    assert (kinds["log_odds"] >= threshold).any(), "one window of a kind of few proves nothing"
