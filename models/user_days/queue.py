"""From flags to a review list: what to look at first, and which unflagged days are looked at as well."""

import numpy as np
import pandas as pd

from models.risk.money import Prices, pro_rata
from runtime.desk.spreadsheet import safe_cell

SAMPLE_SHARE = 0.01
"""Share of unflagged accounts that go to review too: without them recall cannot be known (a choice)."""


def with_priority(flags: pd.DataFrame, rng: np.random.Generator, prices: Prices | None = None) -> pd.DataFrame:
    """Add money_at_risk_eur, priority and is_sample, and sort: what to look at first comes first.

    `flags` have a probability.
    """
    ranked = flags.copy()
    ranked["money_at_risk_eur"] = pro_rata(ranked["streams"].to_numpy(dtype=np.int64), prices or Prices())
    ranked["priority"] = ranked["money_at_risk_eur"] * ranked["probability"]
    ranked["is_sample"] = _sample(ranked, rng)
    order = ["is_flagged", "priority", "score", "user_id", "local_date"]
    return ranked.sort_values(order, ascending=[False, False, False, True, True], ignore_index=True)


def _sample(flags: pd.DataFrame, rng: np.random.Generator) -> pd.Series:
    """Draw accounts that were never flagged, and of each one day at random."""
    accounts = flags.groupby("user_id")["is_flagged"].any()
    quiet = np.sort(accounts.index[~accounts].to_numpy(dtype=str))
    drawn = rng.choice(quiet, size=min(len(quiet), int(np.ceil(SAMPLE_SHARE * len(quiet)))), replace=False)
    days = flags[flags["user_id"].isin(drawn)].sort_values(["user_id", "local_date"])
    chosen = days.groupby("user_id")["local_date"].sample(n=1, random_state=rng).index
    return pd.Series(flags.index.isin(chosen), index=flags.index)


def review_list(ranked: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that a person should see, in order, with `drawn_by`: flag or random."""
    rows = ranked[ranked["is_flagged"] | ranked["is_sample"]].copy()
    rows.insert(0, "drawn_by", np.where(rows["is_flagged"], "flag", "random"))
    return rows.reset_index(drop=True)


def to_csv(review: pd.DataFrame) -> str:
    """Render a review list for a spreadsheet: lists joined, and no cell that would be run as a formula."""
    flat = review.copy()
    for name in flat.columns:
        if flat[name].dtype == object:
            flat[name] = flat[name].map(_cell)
    # with this end of a line a text that has \r or \n is quoted
    return flat.to_csv(index=False, float_format="%.6g", lineterminator="\r\n")


def _cell(value: object) -> object:
    return safe_cell("; ".join(value) if isinstance(value, list) else value)
