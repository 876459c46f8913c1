"""Windows of accounts with every feature, and what their sessions' scores add up to."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa

from contracts.account_windows import BETWEEN_ACCOUNTS, WINDOW_FEATURE_NAMES
from contracts.measurable import NEEDS_FIELD
from runtime.arrays import Floats, Ints
from runtime.units import DAY_MS
from spark_app.stages.account_windows import listening, timing
from spark_app.stages.account_windows.account_days import AccountDays, summarize_days
from spark_app.stages.account_windows.between_accounts import compare_accounts
from spark_app.stages.account_windows.window_batch import WindowBatch
from spark_app.stages.arrays.segments import ratio
from spark_app.stages.sessions.features.registry import functions_of
from spark_app.stages.user_days.day_batch import DAY_STEP, DayBatch

WINDOW_FEATURES: dict[str, Callable[[WindowBatch], Floats]] = {
    name: function for name, function in functions_of(listening, timing).items() if name != "gap_shares"
}
ACCOUNTS_AT_ONCE = 300
"""Accounts whose windows are in memory at once: each day is in up to five windows."""
USUAL_LOG_ODDS = -4.0
"""Log-odds of a usual honest session: what the sum counts from, so that many usual sessions add up to nothing."""


def compute_windows(
    days: DayBatch, sessions: pd.DataFrame | None = None, accounts_at_once: int = ACCOUNTS_AT_ONCE
) -> pd.DataFrame:
    """Compute the windows of all accounts of a batch: see `windows_of_summaries`."""
    return windows_of_summaries(AccountDays.from_table(summarize_days(days)), sessions, accounts_at_once)


def windows_of_summaries(
    days: AccountDays, sessions: pd.DataFrame | None = None, accounts_at_once: int = ACCOUNTS_AT_ONCE
) -> pd.DataFrame:
    """Compute the windows of all accounts from the summaries of their days: WINDOW_FEATURES.

    `sessions`: user_id, ended_at, score; without them the features of scores are null.
    """
    accounts = np.unique(days.user)
    parts = np.array_split(accounts, max(1, -(-len(accounts) // accounts_at_once)))
    table = pd.concat([_of_accounts(WindowBatch.from_days(days, part), sessions) for part in parts], ignore_index=True)
    return table.assign(**compare_accounts(days, table))


def between_accounts(days: DayBatch, table: pd.DataFrame) -> dict[str, Floats]:
    """Return the features of what other accounts did, for windows of these days: see `compare_accounts`."""
    return compare_accounts(AccountDays.from_table(summarize_days(days)), table)


def _of_accounts(b: WindowBatch, sessions: pd.DataFrame | None) -> pd.DataFrame:
    """Compute the features that need the account's own days and sessions only."""
    computed = {name: feature(b) for name, feature in WINDOW_FEATURES.items()}
    shares = timing.gap_shares(b)
    computed |= {f"gap_share_{i}": shares[:, i] for i in range(shares.shape[1])}
    for field in ("listen_ms", "reason_start", "reason_end"):
        is_incomplete = b.total(f"lacks_{field}") > 0
        for name in NEEDS_FIELD[field]:
            if name in computed:
                computed[name] = np.where(is_incomplete, np.nan, computed[name])
    computed |= {feature.name: np.full(b.n, np.nan) for feature in BETWEEN_ACCOUNTS}
    users = b.days.users.take(pa.array(b.user)).to_pandas()
    computed |= add_up_sessions(b, users, sessions)
    return pd.DataFrame(
        {
            "user_id": users,
            "last_day": pd.to_datetime(b.last_day, unit="D").date,
            "days": b.length.astype(np.int32),
            "plays": b.plays.astype(np.int64),
            **{name: computed[name] for name in WINDOW_FEATURE_NAMES},
        }
    )


def add_up_sessions(b: WindowBatch, users: pd.Series, sessions: pd.DataFrame | None) -> dict[str, Floats]:
    """Return what the scores of a window's sessions come to; NaN without scores. A session counts where it ends."""
    unknown = np.full(b.n, np.nan)
    if sessions is None or not len(sessions):
        return dict.fromkeys(("sessions_scored", "log_odds_mean", "log_odds_sum", "log_odds_top3"), unknown)
    accounts = pd.Index(b.days.users.to_pandas())
    user = accounts.get_indexer(sessions["user_id"])
    score = np.clip(sessions["score"].to_numpy(dtype=np.float64), 1e-6, 1 - 1e-6)
    log_odds = np.log(score / (1 - score))
    day = (
        pd.to_datetime(sessions["ended_at"], utc=True).dt.tz_localize(None).to_numpy("datetime64[ms]").view("int64")
        // DAY_MS
    )
    order = np.lexsort((day, user))
    key, values = (user * DAY_STEP + day)[order], log_odds[order]
    low = np.searchsorted(key, b.user * DAY_STEP + b.last_day - b.length + 1)
    high = np.searchsorted(key, b.user * DAY_STEP + b.last_day, side="right")
    running, above = (np.append(0.0, np.cumsum(v)) for v in (values, np.maximum(values - USUAL_LOG_ODDS, 0)))
    n = (high - low).astype(np.float64)
    return {
        "sessions_scored": n,
        "log_odds_mean": ratio(running[high] - running[low], n),
        "log_odds_sum": np.where(n > 0, above[high] - above[low], np.nan),
        "log_odds_top3": _top3(values, low, high),
    }


def _top3(values: Floats, low: Ints, high: Ints) -> Floats:
    tops = [np.sort(values[i:j])[-3:].mean() if j > i else np.nan for i, j in zip(low, high, strict=True)]
    return np.array(tops, dtype=np.float64)
