"""Rank accounts for the analyst by money at risk × probability."""

import numpy as np
import pandas as pd

from models.risk.money import Prices, pro_rata
from models.tables.plays import Plays

MAX_REASONS = 4
CATEGORY_SHARE = 0.25
"""Share of an account's suspected days from which a category counts for the account (a choice)."""


def rank_accounts(
    flags: pd.DataFrame,
    campaigns: pd.DataFrame,
    plays: Plays,
    is_suspicious: np.ndarray,
    probability: pd.Series,
    version: str,
    sessions: pd.DataFrame | None = None,
    prices: Prices | None = None,
    windows: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return table `account_risk`: accounts with money at risk, the one to look at first comes first.

    `flags`: table user_day_flags. `campaigns`: table campaigns. `is_suspicious`: by play, whether its money is at risk.
    `probability`: by account, that it is a bot's, and `version` of what says so (`models.fusion`). `sessions`: user_id
    and score of the session scorer, where it ran. `windows`: flagged rows of table account_windows, where they were
    computed.
    """
    at_risk = np.bincount(plays.user[is_suspicious & plays.is_stream], minlength=len(plays.users))
    table = pd.DataFrame({"money_at_risk_eur": pro_rata(at_risk, prices or Prices())}, index=plays.users.astype(str))
    by_user = flags.groupby("user_id")
    table["user_day_score"] = by_user["score"].max()
    table["flagged_days"] = by_user["is_flagged"].sum()
    groups = campaigns[campaigns["is_flagged"]].explode("user_ids")
    table["campaign_score"] = groups.groupby("user_ids")["score"].max()
    table["campaign_keys"] = groups.groupby("user_ids")["campaign_key"].agg(list)
    table["session_score"] = np.nan if sessions is None else sessions.groupby("user_id")["score"].max()
    table["probability"] = probability.reindex(table.index).fillna(0.0)
    table["priority"] = table["money_at_risk_eur"] * table["probability"]
    table["reasons"] = _reasons(flags, groups, windows).reindex(table.index)
    suspected = flags[flags["is_flagged"]].dropna(subset="categories")
    table["categories"] = suspected.groupby("user_id")["categories"].agg(account_categories).reindex(table.index)
    table["model_version"] = version
    listed = table[(table["money_at_risk_eur"] > 0)].fillna({"campaign_score": 0.0, "flagged_days": 0})
    for name in ("campaign_keys", "reasons", "categories"):
        listed[name] = listed[name].map(lambda cell: cell if isinstance(cell, list) else [])
    ranked = listed.rename_axis("user_id").reset_index()
    ranked = ranked.sort_values(["priority", "user_id"], ascending=[False, True], ignore_index=True)
    ranked["rank"] = np.arange(1, len(ranked) + 1)
    return ranked


def _reasons(flags: pd.DataFrame, groups: pd.DataFrame, windows: pd.DataFrame | None) -> pd.Series:
    """Return at most MAX_REASONS reasons by account: of its campaigns, of its worst day, dated, of its worst window.

    A day carries the reasons of its groups and windows too (`decide_days`): each is said once.
    """
    worst = flags[flags["is_flagged"]].sort_values("score", ascending=False).drop_duplicates("user_id")
    dates = pd.to_datetime(worst["local_date"]).dt.strftime("%d %b: ")
    parts = [groups.assign(user_id=groups["user_ids"], date=""), worst.assign(date=dates)]
    if windows is not None:
        strongest = windows.sort_values("log_odds", ascending=False).drop_duplicates("user_id")
        parts.append(strongest.assign(date=""))
    listed = pd.concat([part[["user_id", "date", "reasons"]] for part in parts]).explode("reasons")
    once = listed.dropna(subset="reasons").drop_duplicates(["user_id", "reasons"])
    texts = once["date"] + once["reasons"]
    return texts.groupby(once["user_id"]).agg(lambda of_account: of_account.tolist()[:MAX_REASONS])


def account_categories(days: pd.Series) -> list[str]:
    """Return the categories of an account from those of its suspected days, the most frequent first.

    >>> account_categories(pd.Series([["service"], ["service", "account"], ["service"], ["service"], ["content"]]))
    ['service']
    """
    counts = days.explode().value_counts()
    often = counts[counts >= CATEGORY_SHARE * len(days)]
    return [str(name) for name in (often if len(often) else counts.head(1)).index]
