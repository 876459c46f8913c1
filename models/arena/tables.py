"""What the arena reads of a simulated world: sessions, user-days and windows with their labels, and the accounts."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from contracts.labels import HONEST
from models.fusion.training.groups import FoundGroups
from models.training.splits import number_groups
from runtime.arrays import Floats, Ints

FIRST, SECOND, TEST = 0, 1, 2
"""Halves of the training accounts, each scored by models of the other one, and the accounts that are tested on."""
SHARES = (0.3, 0.3, 0.4)


@dataclass(frozen=True, slots=True)
class ArenaTables:
    """One world. `sessions`, `days` and `windows` have user_id, their features and label (1, 0, NaN)."""

    sessions: pd.DataFrame
    """With started_at and ended_at."""
    days: pd.DataFrame
    """With local_date, paid_streams and rules_score: one row per account-day, the unit of every decision."""
    windows: pd.DataFrame
    """With last_day and days."""
    accounts: pd.DataFrame
    """user_id, family (`honest` for honest ones), campaign_id, cohort."""
    found: FoundGroups | None
    """Groups of accounts in the world; None where they were not looked for."""


def deal_accounts(accounts: pd.DataFrame, left_out: set[str], rng: np.random.Generator) -> Ints:
    """Deal accounts to FIRST, SECOND and TEST, a campaign as a whole; left-out families are all in TEST.

    Within each family and cohort the shares are those of SHARES.
    """
    group = number_groups(accounts["user_id"], accounts["campaign_id"])
    kind = accounts["family"].where(accounts["family"] != HONEST, accounts["cohort"]).to_numpy()
    part = np.full(len(accounts), TEST, dtype=np.int64)
    for name in np.unique(kind):
        if name in left_out:
            continue
        groups = np.unique(group[kind == name])
        position = (rng.permutation(len(groups)) + rng.random()) / len(groups) % 1.0
        of_group = np.searchsorted(np.cumsum(SHARES)[:-1], position, side="right")
        members = np.flatnonzero(kind == name)
        part[members] = of_group[np.searchsorted(groups, group[members])]
    return part


def part_of(rows: pd.DataFrame, accounts: pd.DataFrame, part: Ints) -> Ints:
    """Return the part of each row's account."""
    return part[pd.Index(accounts["user_id"]).get_indexer(rows["user_id"])]


def newest_window(days: pd.DataFrame, windows: pd.DataFrame, length: int, score: Floats) -> Floats:
    """Return for each account-day the score of the account's newest window of a length that had ended; NaN without."""
    chosen = (windows["days"] == length).to_numpy()
    ended = pd.DataFrame(
        {
            "user_id": windows["user_id"][chosen],
            "at": pd.to_datetime(windows["last_day"][chosen]),
            "score": score[chosen],
        }
    ).sort_values("at")
    wanted = pd.DataFrame(
        {"user_id": days["user_id"], "at": pd.to_datetime(days["local_date"]), "row": np.arange(len(days))}
    ).sort_values("at")
    joined = pd.merge_asof(wanted, ended, on="at", by="user_id")
    newest: Floats = joined.sort_values("row")["score"].to_numpy(dtype=np.float64)
    return newest


def highest_session(days: pd.DataFrame, sessions: pd.DataFrame, score: Floats) -> Floats:
    """Return for each account-day the highest score of a session that ended in it (UTC); NaN without one."""
    key = [sessions["user_id"], pd.to_datetime(sessions["ended_at"], utc=True).dt.date]
    highest = pd.Series(score).groupby([column.to_numpy() for column in key]).max()
    wanted = pd.MultiIndex.from_arrays([days["user_id"], pd.to_datetime(days["local_date"]).dt.date])
    return np.asarray(highest.reindex(wanted), dtype=np.float64)
