"""What flags come to: precision within the analysts' day, days and euros until an account is caught, calibration."""

import numpy as np
import pandas as pd
from sklearn.isotonic import IsotonicRegression

from models.lab.days import UserDays
from models.lab.engine import FoldScores
from models.lab.measures import PREVALENCE, brier, precision_at
from models.metrics.flags import MIN_ROWS
from models.risk.money import Prices
from runtime.arrays import Floats

CAPACITY = 0.005
"""Share of account-days that analysts can look at: 5 in 1,000. An assumption."""
BINS = 10

Row = dict[str, object]


def capacity_row(days: UserDays, outcome: FoldScores) -> Row:
    known = ~np.isnan(days.label)
    value = precision_at(outcome.test[known], days.label[known] == 1, CAPACITY)
    return {"scope": "all", "measure": "precision_at_capacity", "value": value, "n": int((days.label == 1).sum())}


def detection(days: UserDays, outcome: FoldScores, threshold: float) -> pd.DataFrame:
    """Return for each account with positive days in the test week: family, days until the first flag, euros.

    `days_to_flag` counts positive days, 1 = the first of the week; NaN where none was flagged. `euros_before`: what its
    paid-for streams drew up to and with the day of the flag, or all week.
    """
    rows = np.flatnonzero(days.label == 1)
    frame = days.frame.iloc[rows].assign(flag=outcome.test[rows] >= threshold, family=days.family[rows])
    frame = frame.sort_values(["user_id", "day"])
    frame["euros"] = frame["paid_streams"] * Prices().stream_eur
    by = frame.groupby("user_id", sort=False)
    frame["place"] = by.cumcount() + 1
    first = frame[frame["flag"]].groupby("user_id")["place"].min()
    frame["first"] = frame["user_id"].map(first)
    before = frame[frame["first"].isna() | (frame["place"] <= frame["first"])]
    return pd.DataFrame(
        {
            "family": by["family"].first(),
            "days_to_flag": by["first"].first() if len(frame) else pd.Series(dtype=float),
            "euros_before": before.groupby("user_id")["euros"].sum(),
            "euros": by["euros"].sum(),
        }
    )


def detection_rows(accounts: pd.DataFrame) -> list[Row]:
    """Sum up by family: share of accounts caught within the week, mean days, euros an account before and in all."""
    result_rows: list[Row] = []
    for family, of in [*accounts.groupby("family"), ("all", accounts)]:
        caught = of["days_to_flag"].dropna()
        values = {
            "caught_within_week": float(of["days_to_flag"].notna().mean()),
            "days_to_flag": float(caught.mean()) if len(caught) else None,
            "euros_before_caught": float(of["euros_before"].mean()),
            "euros_in_week": float(of["euros"].mean()),
        }
        result_rows += [{"scope": family, "measure": m, "value": v, "n": len(of)} for m, v in values.items()]
    return result_rows


def calibrated(train: FoldScores, label: Floats, days: UserDays) -> Floats:
    """Return probabilities of test rows at PREVALENCE, by isotonic regression on out-of-fold training scores."""
    known = ~np.isnan(train.train) & ~np.isnan(label)
    positive = label[known] == 1
    weight = np.where(positive, PREVALENCE / max(positive.sum(), 1), (1 - PREVALENCE) / max((~positive).sum(), 1))
    model = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip")
    return model.fit(train.train[known], positive.astype(float), sample_weight=weight).predict(train.test)


def brier_row(probability: Floats, days: UserDays) -> Row:
    known = ~np.isnan(days.label)
    positive = days.label[known] == 1
    return {"scope": "all", "measure": "brier", "value": brier(probability[known], positive), "n": int(known.sum())}


def reliability(probability: Floats, days: UserDays) -> list[dict[str, float]]:
    """Return bins of predicted probability with the observed share, both at PREVALENCE; thin bins are left out."""
    known = ~np.isnan(days.label)
    predicted, positive = probability[known], days.label[known] == 1
    weight = np.where(positive, PREVALENCE / max(positive.sum(), 1), (1 - PREVALENCE) / max((~positive).sum(), 1))
    edges = np.r_[0.0, np.geomspace(1e-3, 1, BINS)]
    bin_of = np.clip(np.searchsorted(edges, predicted, side="right") - 1, 0, BINS - 1)
    bins = []
    for number in range(BINS):
        inside = bin_of == number
        if inside.sum() >= MIN_ROWS:
            bins.append(
                {
                    "predicted": float(np.average(predicted[inside], weights=weight[inside])),
                    "observed": float(np.average(positive[inside], weights=weight[inside])),
                    "n": int(inside.sum()),
                }
            )
    return bins
