"""Collect what each detector says of each account-day, on scales that sources without all fields share.

Each score is in log-odds from the threshold of its own detector for this kind of source: 0 is where that detector alone
would flag. So a score of an import, whose thresholds are others, means the same.
"""

from collections.abc import Collection

import numpy as np
import pandas as pd
from scipy.special import logit

from models.account_windows.trees import WindowTrees
from models.registry.artefact import MANIFEST, SHIPPED_SCORER, read_manifest
from models.registry.champions import CHAMPIONS
from models.registry.source_patterns import choose_pattern, read_patterns
from models.tables.times import epoch_ms
from models.tables.user_day_index import UserDayIndex
from models.user_days.calibration import PREVALENCE
from runtime.arrays import Floats
from runtime.local_time import day_numbers

SESSION, DAY, WEEK, MONTH, GROUP = "session", "day", "week", "month", "group"
EVIDENCE = (SESSION, DAY, WEEK, MONTH, GROUP)
"""The highest session that began in the day; the trees of the day; the windows of 7 and of 28 days that hold it; the
surest group that the account is in. The rules take no part: fitted, their weight was 0 next to any of these."""
PARTS = (SESSION, DAY, WEEK, GROUP)
"""What may be missing by itself: the month comes with the week."""
LIMIT = 12.0
"""Log-odds beyond which evidence grows no more."""
MIN_ACCOUNTS = 50
"""Accounts of a world from which belonging to no group says anything."""


def collect_evidence(
    flags: pd.DataFrame,
    campaigns: pd.DataFrame,
    timezones: pd.Series,
    sessions: pd.DataFrame | None,
    windows: pd.DataFrame | None,
    session_threshold: float | None,
    window_threshold: float | None,
) -> pd.DataFrame:
    """Return EVIDENCE by row of `flags` (user_id, local_date, trees_score: `detect`); NaN where missing.

    `sessions`: user_id, started_at, score. `windows`: user_id, last_day, days, log_odds. `campaigns`: user_ids,
    probability. The thresholds are log-odds; None where such a source has none.
    """
    index = UserDayIndex(flags["user_id"], day_numbers(flags["local_date"]), timezones)
    unknown = np.full(len(flags), np.nan)
    table = pd.DataFrame(dict.fromkeys(EVIDENCE, unknown), index=flags.index)
    if sessions is not None and session_threshold is not None:
        rows = index.rows(sessions["user_id"], epoch_ms(sessions["started_at"]))
        table[SESSION] = _highest(rows, log_odds(sessions["score"].to_numpy()) - session_threshold, len(flags))
    table[DAY] = log_odds(flags["trees_score"].to_numpy(dtype=np.float64))
    if windows is not None and window_threshold is not None:
        for name, length in ((WEEK, 7), (MONTH, 28)):
            chosen = windows[windows["days"] == length]
            rows, of_window = _days_of(chosen, length, flags)
            values = chosen["log_odds"].to_numpy(dtype=np.float64) - window_threshold
            table[name] = _highest(rows, values[of_window], len(flags))
    if flags["user_id"].nunique() >= MIN_ACCOUNTS:
        table[GROUP] = group_evidence(flags["user_id"], campaigns)
    return table.clip(-LIMIT, LIMIT)


def log_odds(probability: Floats) -> Floats:
    """Return log-odds, at most ±LIMIT·2 so that certainty stays a number."""
    return np.clip(logit(np.asarray(probability, dtype=np.float64)), -2 * LIMIT, 2 * LIMIT)


def _highest(rows: np.ndarray, values: Floats, n: int) -> Floats:
    """Return the highest value by row; NaN where there is none. Values of row -1 belong to no row."""
    highest = np.full(n, np.nan)
    is_inside = rows >= 0
    np.fmax.at(highest, rows[is_inside], values[is_inside])
    return highest


def _days_of(windows: pd.DataFrame, length: int, flags: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return for each day of each window its row in `flags` (-1: none) and the position of the window."""
    users = pd.Index(flags["user_id"].unique())
    step = 1 << 20
    key = users.get_indexer(flags["user_id"]).astype(np.int64) * step + day_numbers(flags["local_date"])
    user = users.get_indexer(windows["user_id"]).astype(np.int64)
    last = day_numbers(windows["last_day"])
    wanted = (user * step + last)[:, None] - np.arange(length)
    rows = pd.Index(key).get_indexer(wanted.ravel())
    rows[np.repeat(user, length) < 0] = -1
    return rows, np.repeat(np.arange(len(windows)), length)


def group_evidence(user_ids: pd.Series, groups: pd.DataFrame) -> Floats:
    """Return the log-odds of each account's surest group (user_ids, probability) above those of anybody; 0 in none."""
    members = groups.explode("user_ids")
    surest = members.groupby("user_ids")["probability"].max()
    usual = float(logit(PREVALENCE))
    above = log_odds(user_ids.map(surest).fillna(PREVALENCE).to_numpy(dtype=np.float64)) - usual
    return np.maximum(above, 0.0)


def session_threshold(unmeasurable: Collection[str]) -> float | None:
    """Return the review threshold of the shipped session scorer for a source that lacks features, in log-odds.

    None where such a source tells too little.
    """
    manifest = read_manifest(SHIPPED_SCORER / MANIFEST, CHAMPIONS[SHIPPED_SCORER.name], {"name": str})
    pattern = choose_pattern(read_patterns(manifest), manifest["features"], unmeasurable)
    return None if pattern is None or pattern.review is None else float(logit(pattern.review))


def window_threshold(trees: WindowTrees, windows: pd.DataFrame, unmeasurable: Collection[str]) -> float | None:
    """Return the threshold of the window trees for these windows of a source, in log-odds; None where it has none."""
    pattern = trees.pattern_of(windows, unmeasurable)
    return None if pattern is None else pattern.review
