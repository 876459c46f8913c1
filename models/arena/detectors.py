"""The detectors of the arena: trained on other accounts and other families than those they score.

Evidence on one unit, the account-day: the worst session of the day, the day itself, the windows of 7 and 28 days that
have ended, the groups that the account is in, and the rules. Each score becomes a tail among honest account-days of
training accounts. The fused decision is the one that ships: weights by rank and threshold of what is known of the day.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import xgboost

from contracts.account_windows import WINDOW_FEATURE_NAMES, WINDOWS_DAYS
from contracts.features import FEATURE_NAMES
from contracts.labels import HONEST
from contracts.user_day_features import USER_DAY_FEATURE_NAMES
from models.arena.tables import FIRST, SECOND, TEST, ArenaTables, highest_session, newest_window, part_of
from models.fusion.evidence import DAY, GROUP, MONTH, SESSION, WEEK
from models.fusion.model import FusionModel
from models.fusion.tails import fit_tail, tail_evidence
from models.fusion.training.groups import fit_groups
from models.metrics.robust import median
from models.training.monotone import CONSTRAINTS
from models.training.source_patterns import with_masked_copies
from models.training.table import forget_half_of_histories
from runtime.arrays import Bools, Floats, Ints

SESSIONS, DAYS, WINDOWS, GROUPS, RULES, FUSED = "sessions", "days", "windows", "groups", "rules", "fused"
DETECTORS = (SESSIONS, DAYS, WINDOWS, GROUPS, RULES, FUSED)
_TREES: dict[str, Any] = {"objective": "binary:logistic", "tree_method": "hist", "nthread": 1, "min_child_weight": 2}
OF_SESSIONS = _TREES | {"max_depth": 3, "eta": 0.2, "monotone_constraints": CONSTRAINTS}
OF_DAYS = _TREES | {"max_depth": 4, "eta": 0.1, "subsample": 0.8, "colsample_bytree": 0.5}
OF_WINDOWS = _TREES | {"max_depth": 3, "eta": 0.1, "subsample": 0.8, "colsample_bytree": 0.3, "min_child_weight": 4}
ROUNDS = 100


def cross_score(
    rows: pd.DataFrame, names: Sequence[str], part: Ints, settings: dict[str, Any], seed: int, is_session: bool = False
) -> Floats:
    """Score rows by trees fitted on labelled rows of the other half of the training accounts: log-odds (n,).

    Rows of TEST get the mean of both.
    """
    margins = np.zeros((2, len(rows)))
    label = rows["label"].to_numpy(dtype=np.float64)
    values = xgboost.DMatrix(rows[list(names)].to_numpy(dtype=np.float32), nthread=1)
    for half in (FIRST, SECOND):
        chosen = rows[(part == half) & ~np.isnan(label)]
        if is_session:
            rng = np.random.default_rng(seed + half)
            chosen = with_masked_copies(forget_half_of_histories(chosen, rng), rng)
        fitted_on = xgboost.DMatrix(
            chosen[list(names)].to_numpy(dtype=np.float32), label=chosen["label"].to_numpy(), nthread=1
        )
        booster = xgboost.train(settings | {"seed": seed}, fitted_on, ROUNDS)
        margins[half] = booster.predict(values, output_margin=True)
    return np.select([part == FIRST, part == SECOND], [margins[SECOND], margins[FIRST]], margins.mean(axis=0))


@dataclass(frozen=True, slots=True)
class UnitScores:
    """Log-odds of the rows of ArenaTables, by models that saw neither the account nor a left-out family."""

    sessions: Floats
    days: Floats
    windows: Floats


def score_units(tables: ArenaTables, part: Ints, seed: int) -> UnitScores:
    """Train and score sessions, days and windows; `part` by account (`deal_accounts`)."""
    sessions, days, windows, accounts = tables.sessions, tables.days, tables.windows, tables.accounts
    of_session = cross_score(sessions, FEATURE_NAMES, part_of(sessions, accounts, part), OF_SESSIONS, seed, True)
    of_day = cross_score(days, USER_DAY_FEATURE_NAMES, part_of(days, accounts, part), OF_DAYS, seed)
    scored = add_up(windows, sessions, of_session)
    names = (*WINDOW_FEATURE_NAMES, "days")
    of_window = cross_score(scored, names, part_of(windows, accounts, part), OF_WINDOWS, seed)
    return UnitScores(of_session, of_day, of_window)


def detect_all(tables: ArenaTables, part: Ints, seed: int, fusion: FusionModel) -> dict[str, Floats]:
    """Return the evidence of every detector, by name: shape (account-days,), higher is more suspicious."""
    days, windows, accounts = tables.days, tables.windows, tables.accounts
    scores = score_units(tables, part, seed)
    day_part = part_of(days, accounts, part)
    reference = (day_part != TEST) & (days["account_family"] == HONEST).to_numpy()
    week, month = (newest_window(days, windows, length, scores.windows) for length in WINDOWS_DAYS)
    evidence = pd.DataFrame(
        {
            SESSION: highest_session(days, tables.sessions, scores.sessions), DAY: scores.days, WEEK: week,
            MONTH: month, GROUP: group_scores(tables, part),
        }
    )  # fmt: skip
    tail = {name: tail_evidence(evidence[name].to_numpy(), reference) for name in evidence}
    return {
        SESSIONS: tail[SESSION],
        DAYS: tail[DAY],
        WINDOWS: np.maximum(tail[WEEK], tail[MONTH]),
        GROUPS: tail[GROUP],
        RULES: tail_evidence(days["rules_score"].to_numpy(dtype=np.float64), reference),
        FUSED: decide(evidence, reference, fusion),
    }


def decide(evidence: pd.DataFrame, reference: Bools, fusion: FusionModel) -> Floats:
    """Return the score of the fused decision by account-day; FLAG and over is suspected.

    `evidence`: EVIDENCE, NaN where it is missing. How rare a score is, the `reference` rows tell: the detectors here
    are not those that the fusion was fitted with.
    """
    of_honest = evidence[reference].dropna(axis="columns", how="all")
    tails = {str(name): fit_tail(scores.to_numpy()) for name, scores in of_honest.items()}
    told = evidence[of_honest.columns].reindex(columns=evidence.columns)
    return replace(fusion, tails=fusion.tails | tails).decide(told).score


def group_scores(tables: ArenaTables, part: Ints) -> Floats:
    """Return what the surest group of each account-day's account says, by numbers fitted on the training accounts.

    NaN where no groups were looked for.
    """
    if tables.found is None:
        return np.full(len(tables.days), np.nan)
    if not len(tables.found.table):
        return np.zeros(len(tables.days))
    known = replace(tables.found, accounts=tables.accounts[part != TEST])
    return tables.found.evidence(fit_groups([known]), tables.days["user_id"])


def add_up(windows: pd.DataFrame, sessions: pd.DataFrame, log_odds: Floats) -> pd.DataFrame:
    """Fill in the windows' features of session scores, from log-odds of models that never saw the account."""
    order = pd.DataFrame(
        {
            "user_id": sessions["user_id"],
            "day": pd.to_datetime(sessions["ended_at"], utc=True).dt.tz_localize(None),
            "x": log_odds,
        }
    ).sort_values(["user_id", "day"])
    users = pd.Index(order["user_id"].unique())
    step = 1 << 20
    key = users.get_indexer(order["user_id"]) * step + _days(order["day"])
    user, last = users.get_indexer(windows["user_id"]), _days(pd.to_datetime(windows["last_day"]))
    low = np.searchsorted(key, user * step + last - windows["days"].to_numpy() + 1)
    high = np.searchsorted(key, user * step + last, side="right")
    values = order["x"].to_numpy()
    usual = float(median(values[None, :])[0])
    running, above = (np.append(0.0, np.cumsum(v)) for v in (values, np.maximum(values - usual, 0)))
    n = np.where(user >= 0, high - low, 0)
    top3 = [np.sort(values[i:j])[-3:].mean() if j > i else np.nan for i, j in zip(low, high, strict=True)]
    mean = np.where(n > 0, (running[high] - running[low]) / np.maximum(n, 1), np.nan)
    total = np.where(n > 0, above[high] - above[low], np.nan)
    return windows.assign(sessions_scored=n, log_odds_mean=mean, log_odds_sum=total, log_odds_top3=top3)


def _days(times: pd.Series) -> Ints:
    return times.to_numpy("datetime64[D]").astype("int64")
