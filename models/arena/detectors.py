"""The detectors of the arena: trained on other accounts and other families than those they score.

Four kinds of evidence on one unit, the account-day: the worst session of the day, the day itself, the windows of 7 and
28 days that have ended, and the rules. Each score becomes a tail probability among honest account-days, so that they
can be compared; the fused decision is the strongest of them. `stack` is the other way to fuse, the form that the daily
run ships: a logistic regression on the same scores, fitted on the training accounts.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import xgboost

from contracts.account_windows import WINDOW_FEATURE_NAMES, WINDOWS_DAYS
from contracts.features import FEATURE_NAMES
from contracts.labels import HONEST
from contracts.user_day_features import USER_DAY_FEATURE_NAMES
from models.arena.tables import FIRST, SECOND, TEST, ArenaTables, highest_session, newest_window, part_of
from models.fusion.logistic import fit_logistic
from models.metrics.robust import median
from models.training.source_patterns import with_masked_copies
from models.training.table import forget_half_of_histories
from models.user_days.calibration import PREVALENCE
from runtime.arrays import Bools, Floats, Ints
from runtime.terminal import ReportProgress

SESSIONS, DAYS, WINDOWS, RULES, FUSED, STACK = "sessions", "days", "windows", "rules", "fused", "stack"
DETECTORS = (SESSIONS, DAYS, WINDOWS, RULES, FUSED, STACK)
_TREES: dict[str, Any] = {"objective": "binary:logistic", "tree_method": "hist", "nthread": 1, "min_child_weight": 2}
OF_SESSIONS = _TREES | {"max_depth": 3, "eta": 0.2}
OF_DAYS = _TREES | {"max_depth": 4, "eta": 0.1, "subsample": 0.8, "colsample_bytree": 0.5}
OF_WINDOWS = _TREES | {"max_depth": 3, "eta": 0.1, "subsample": 0.8, "colsample_bytree": 0.3, "min_child_weight": 4}
ROUNDS = 100
TAIL = 0.01
"""Share of the honest account-days above which a tail is extrapolated as an exponential."""


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


def tail_evidence(score: Floats, is_reference: Bools) -> Floats:
    """Return −log10 of the share of reference scores that are at least as high; 0 where a score is unknown.

    Above the highest 1 % of the reference the tail is an exponential with the mean of their excess.

    >>> reference = np.linspace(0, 1, 1001)
    >>> tail_evidence(reference, np.ones(1001, dtype=bool))[[0, 500, 900]].round(2).tolist()
    [0.0, 0.3, 1.0]
    """
    reference = np.sort(score[is_reference & ~np.isnan(score)])
    if not len(reference):
        return np.zeros(len(score))
    known = np.where(np.isnan(score), -np.inf, score)
    higher = len(reference) - np.searchsorted(reference, known, side="left")
    evidence = np.log10(len(reference) / np.maximum(higher, 1))
    edge = float(np.quantile(reference, 1 - TAIL))
    scale = max(float((reference[reference >= edge] - edge).mean()), 1e-9)
    beyond = -np.log10(TAIL) + (known - edge) / scale / np.log(10)
    return np.where(known > edge, beyond, np.minimum(evidence, -np.log10(TAIL))) * (known > -np.inf)


def detect_all(tables: ArenaTables, part: Ints, seed: int, report: ReportProgress) -> dict[str, Floats]:
    """Return the evidence of every detector, by name: shape (account-days,), higher is more suspicious."""
    sessions, days, windows, accounts = tables.sessions, tables.days, tables.windows, tables.accounts
    report("sessions")
    of_session = cross_score(sessions, FEATURE_NAMES, part_of(sessions, accounts, part), OF_SESSIONS, seed, True)
    report("days")
    of_day = cross_score(days, USER_DAY_FEATURE_NAMES, part_of(days, accounts, part), OF_DAYS, seed)
    report("windows")
    scored = add_up(windows, sessions, of_session)
    names = (*WINDOW_FEATURE_NAMES, "days")
    of_window = cross_score(scored, names, part_of(windows, accounts, part), OF_WINDOWS, seed)
    report("fusion")
    day_part = part_of(days, accounts, part)
    reference = (day_part != TEST) & (days["account_family"] == HONEST).to_numpy()
    worst_session = highest_session(days, sessions, of_session)
    newest = [newest_window(days, windows, length, of_window) for length in WINDOWS_DAYS]
    rules = days["rules_score"].to_numpy(dtype=np.float64)
    evidence = {
        SESSIONS: tail_evidence(worst_session, reference),
        DAYS: tail_evidence(of_day, reference),
        WINDOWS: np.max([tail_evidence(score, reference) for score in newest], axis=0),
        RULES: tail_evidence(rules, reference),
    }
    evidence[FUSED] = fuse([evidence[name] for name in (SESSIONS, DAYS, WINDOWS)])
    evidence[STACK] = stack([worst_session, of_day, *newest, rules], days, day_part != TEST)
    return evidence


def stack(scores: Sequence[Floats], days: pd.DataFrame, is_training: Bools) -> Floats:
    """Return the log-odds of a logistic regression on scores, at natural prevalence, with no weight under 0.

    It is fitted on honest account-days and on those with a paid stream (account_family, paid_streams) of the training
    accounts. A score that is unknown counts as the usual honest one.
    """
    honest = (days["account_family"] == HONEST).to_numpy()
    paid = (days["paid_streams"] > 0).to_numpy()
    known = is_training & (honest | paid)
    usual = median(np.stack([score[is_training & honest] for score in scores]))
    values = np.stack([np.where(np.isnan(s), u, s) for s, u in zip(scores, usual, strict=True)], axis=1)
    share = np.where(honest, (1 - PREVALENCE) / (known & honest).sum(), PREVALENCE / max((known & paid).sum(), 1))
    fitted = fit_logistic(values[known], paid[known], share[known], np.zeros(values.shape[1]))
    log_odds: Floats = fitted[0] + values @ fitted[1:]
    return log_odds


def fuse(evidence: Sequence[Floats]) -> Floats:
    """Return the strongest evidence, plus half of the rest: what two see is worth more than what one sees.

    >>> fuse([np.array([2.0]), np.array([1.0])]).tolist()
    [2.5]
    """
    stacked = np.stack(list(evidence))
    strongest = stacked.max(axis=0)
    return strongest + 0.5 * (stacked.sum(axis=0) - strongest)


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
