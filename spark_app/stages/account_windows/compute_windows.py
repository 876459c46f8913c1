"""Windows of accounts with every feature, and what their sessions' scores add up to."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa

from contracts.account_windows import BETWEEN_ACCOUNTS, MIN_ACCOUNTS, OVER_THE_WINDOW, WINDOW_FEATURE_NAMES
from models.campaigns.co_listening import find_co_listening
from runtime.arrays import Floats, Ints
from runtime.local_time import day_numbers
from runtime.units import DAY_MS
from spark_app.stages.account_windows import features
from spark_app.stages.account_windows.window_batch import WindowBatch
from spark_app.stages.arrays.segments import ratio, runs, sum_by
from spark_app.stages.sessions.features.registry import FEATURES, functions_of
from spark_app.stages.sessions.unmeasurable import mask_missing_fields
from spark_app.stages.user_days.day_batch import DAY_STEP, DayBatch

WINDOW_FEATURES: dict[str, Callable[[WindowBatch], Floats]] = {
    name: function for name, function in functions_of(features).items() if name != "gap_shares"
}
ACCOUNTS_AT_ONCE = 300
"""Accounts whose windows are in memory at once: each row is in up to five windows."""
BUSIEST = 10
MIN_ARTIST_PLAYS = 30
USUAL_LOG_ODDS = -4.0
"""Log-odds of a usual honest session: what the sum counts from, so that many usual sessions add up to nothing."""


def compute_windows(
    days: DayBatch, sessions: pd.DataFrame | None = None, accounts_at_once: int = ACCOUNTS_AT_ONCE
) -> pd.DataFrame:
    """Compute the windows of all accounts of a batch: WINDOW_FEATURES.

    `sessions`: user_id, ended_at, score; without them the features of scores are null.
    """
    accounts = np.unique(days.day_user)
    parts = np.array_split(accounts, max(1, -(-len(accounts) // accounts_at_once)))
    table = pd.concat([_of_accounts(WindowBatch.from_days(days, part), sessions) for part in parts], ignore_index=True)
    return table.assign(**between_accounts(days, table))


def _of_accounts(b: WindowBatch, sessions: pd.DataFrame | None) -> pd.DataFrame:
    """Compute the features that need the account's own rows and sessions only."""
    shared = [name for name in OVER_THE_WINDOW if name in FEATURES and name not in WINDOW_FEATURES]
    computed = {name: FEATURES[name](b.as_sessions) for name in shared}
    computed |= {name: feature(b) for name, feature in WINDOW_FEATURES.items()}
    is_night = b.days.is_play[b.row] & (b.days.hour[b.row] < 5)
    night = ratio(sum_by(b.window[is_night], b.n), b.plays)
    computed["night_share"] = np.where(
        b.days.has_zone[b.days.day[b.row[np.searchsorted(b.window, np.arange(b.n))]]], night, np.nan
    )
    shares = features.gap_shares(b)
    computed |= {f"gap_share_{i}": shares[:, i] for i in range(shares.shape[1])}
    computed = mask_missing_fields(computed, b.as_sessions)
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


def between_accounts(days: DayBatch, table: pd.DataFrame) -> dict[str, Floats]:
    """Return the features of what other accounts did: each window with those of the same days."""
    results = {feature.name: np.full(len(table), np.nan) for feature in BETWEEN_ACCOUNTS}
    if len(days.users) < MIN_ACCOUNTS:
        return results
    accounts = pd.Index(days.users.to_pandas()).get_indexer(table["user_id"])
    s = days.as_sessions
    is_known = s.is_play & (s.track >= 0)
    day = days.day_number[days.day]
    ends, lengths = day_numbers(table["last_day"]), table["days"].to_numpy().astype(np.int64)
    for last, length in np.unique(np.stack([ends, lengths]), axis=1).T.tolist():
        rows = np.flatnonzero((ends == last) & (lengths == length))
        position = np.full(len(days.users), -1)
        position[accounts[rows]] = np.arange(len(rows))
        # an account without a window of these days counts for nobody
        chosen = is_known & (day > last - length) & (day <= last) & (position[days.user] >= 0)
        user, n = position[days.user[chosen]], len(rows)
        found = find_co_listening(user, s.track[chosen], n)
        values = (found.shared_tracks, found.share_of_plays, found.linked, found.core, found.tightness)
        for feature, column in zip(BETWEEN_ACCOUNTS, values, strict=False):
            results[feature.name][rows] = column
        has_artist = s.has_artist[chosen]
        results["artist_top10"][rows] = _share_of_busiest(user[has_artist], s.artist[chosen][has_artist], n)
    return results


def _share_of_busiest(user: Ints, artist: Ints, n: int) -> Floats:
    """Return for each account the share of its top artist's plays that the artist's busiest accounts make."""
    owner, name, plays = runs(user, np.unique(artist, return_inverse=True)[1].astype(np.int64))
    if not len(owner):
        return np.full(n, np.nan)
    order = np.lexsort((-plays, name))
    rank = np.arange(len(order)) - np.searchsorted(name[order], name[order])
    total = np.bincount(name, weights=plays)
    busiest = np.bincount(name[order], weights=np.where(rank < BUSIEST, plays[order], 0))
    share = np.where(total >= MIN_ARTIST_PLAYS, busiest / np.maximum(total, 1), np.nan)
    top = np.full(n, -1)
    by_plays = np.lexsort((plays, owner))
    top[owner[by_plays]] = name[by_plays]  # the last one of an account is its most played
    return np.where(top >= 0, share[np.maximum(top, 0)], np.nan)


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
