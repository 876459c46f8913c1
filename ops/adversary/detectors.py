"""The shipped detectors, and what they flag of some accounts among others."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pyarrow as pa

from contracts.account_windows import BETWEEN_ACCOUNTS
from contracts.user_day_features import BASELINE_QUANTITIES
from models.account_windows.trees import WindowTrees, load_window_trees
from models.registry.artefact import SHIPPED_SCORER
from models.registry.verify import verify_artefact
from models.user_days.detect import detect, honest_reference
from models.user_days.trees import UserDayTrees, load_trees
from runtime.arrays import Floats
from runtime.local_time import day_numbers
from spark_app.local.rows import WorldRows
from spark_app.local.scorer import read_scorer
from spark_app.local.sessions import scored_sessions, session_features
from spark_app.local.user_days import compute_days, day_batch, link_visits, user_days
from spark_app.stages.account_windows.compute_windows import between_accounts, compute_windows
from spark_app.stages.scoring.score import SessionScorer

SESSIONS, RULES, FOREST, DAYS, WINDOWS = "sessions", "rules", "forest", "days", "windows"
DETECTORS = (SESSIONS, RULES, FOREST, DAYS, WINDOWS)
_BY_DAY = {RULES: "by_rules", FOREST: "by_forest", DAYS: "by_trees"}
_WINDOW = ["user_id", "last_day", "days"]


@dataclass(frozen=True, slots=True)
class Detectors:
    """Verified models, as they ship."""

    scorer: SessionScorer
    day_trees: UserDayTrees
    window_trees: WindowTrees
    forest_reference: Floats

    @classmethod
    def shipped(cls) -> "Detectors":
        """Load the shipped models. Raises ModelError."""
        with TemporaryDirectory(prefix="playproof-model-") as folder:
            scorer = read_scorer(verify_artefact(SHIPPED_SCORER, Path(folder)))
        return cls(scorer, load_trees(), load_window_trees(), honest_reference())

    @property
    def versions(self) -> list[str]:
        """Names of the models with their hashes."""
        return [self.scorer.version, self.day_trees.version, self.window_trees.version]


@dataclass(frozen=True)
class Scored:
    """Accounts with what the detectors need of them when others are scored next to them."""

    rows: WorldRows
    days: pd.DataFrame
    windows: pd.DataFrame
    flags: pd.DataFrame
    """user_id, day (days since 1970) and detector."""

    @cached_property
    def first_and_last(self) -> WorldRows:
        """Rows of an account that was there on the first day, and of one on the last: windows end by the last day."""
        users, dates = self.days["user_id"].to_numpy(), day_numbers(self.days["local_date"])
        days_of = self.days["user_id"].value_counts()
        ends = (users[dates == end] for end in (dates.min(), dates.max()))
        # of those that were there, the ones with the fewest days: their windows cost time and are thrown away
        return self.rows.of_accounts(sorted({min(there, key=lambda user: (days_of[user], user)) for there in ends}))

    @cached_property
    def visits(self) -> pa.Table:
        """Their devices and addresses by day."""
        return link_visits(compute_days(self.rows, BASELINE_QUANTITIES))


def score_accounts(rows: WorldRows, detectors: Detectors, others: Scored | None = None) -> Scored:
    """Score accounts; `others` share their devices, addresses, tracks and cohorts, and are not scored again."""
    days, baselines = user_days(rows, others=None if others is None else others.visits)
    sessions = scored_sessions(session_features(rows, baselines), detectors.scorer)
    windows = _windows(rows, sessions, others)
    all_days, all_windows = days, windows
    if others is not None:
        all_days = pd.concat([others.days, days], ignore_index=True)
        all_windows = _next_to(others, rows, windows)
    by_window = detectors.window_trees.score(all_windows).is_flagged
    by_day = detect(all_days, trees=detectors.day_trees, reference=detectors.forest_reference)
    flagged_sessions = sessions[sessions["is_flagged"]]
    parts = [
        _flags(SESSIONS, flagged_sessions["user_id"], _utc_days(flagged_sessions["ended_at"])),
        *(
            _flags(name, by_day.loc[by_day[column], "user_id"], day_numbers(by_day.loc[by_day[column], "local_date"]))
            for name, column in _BY_DAY.items()
        ),
        _flags(WINDOWS, all_windows.loc[by_window, "user_id"], day_numbers(all_windows.loc[by_window, "last_day"])),
    ]
    flags = pd.concat(parts, ignore_index=True)
    wanted = set(rows.users["user_id"].to_pylist())
    return Scored(rows, days, windows, flags[flags["user_id"].isin(wanted)])


def _windows(rows: WorldRows, sessions: pd.DataFrame, others: Scored | None) -> pd.DataFrame:
    """Compute the windows of accounts, on the days on which those of the others end."""
    if others is None:
        return compute_windows(day_batch(rows), sessions)
    windows = compute_windows(day_batch(rows.with_others(others.first_and_last)), sessions)
    return windows[windows["user_id"].isin(rows.users["user_id"].to_pylist())]


def _next_to(others: Scored, rows: WorldRows, windows: pd.DataFrame) -> pd.DataFrame:
    """Return all windows, with what accounts have in common counted over both groups."""
    together = pd.concat([others.windows, windows], ignore_index=True)
    plays = others.rows.with_others(rows)
    shared = between_accounts(
        day_batch(WorldRows(plays.plays, plays.activity[:0], plays.tracks, plays.users)), together
    )
    return together.assign(**{feature.name: shared[feature.name] for feature in BETWEEN_ACCOUNTS})


def _utc_days(times: pd.Series) -> np.ndarray:
    return pd.to_datetime(times, utc=True).dt.tz_localize(None).to_numpy("datetime64[D]").astype(np.int64)


def _flags(detector: str, users: pd.Series, day: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({"user_id": users.to_numpy(), "day": day, "detector": detector})
