"""The shipped detectors, and what they flag of some accounts among others."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pyarrow as pa

from contracts.user_day_features import BASELINE_QUANTITIES
from models.account_windows.trees import WindowTrees, load_window_trees
from models.campaigns.find import find_campaigns
from models.fusion.decide import Sources, decide_days
from models.fusion.evidence import session_threshold, window_threshold
from models.fusion.model import FusionModel, load_fusion
from models.registry.artefact import SHIPPED_SCORER
from models.registry.verify import verify_artefact
from models.tables.plays import encode_plays
from models.user_days.detect import detect, honest_reference
from models.user_days.trees import UserDayTrees, load_trees
from runtime.arrays import Floats, Ints
from runtime.local_time import day_numbers
from spark_app.batch.account_windows import score_windows
from spark_app.local.rows import WorldRows
from spark_app.local.scorer import read_scorer
from spark_app.local.sessions import scored_sessions, session_features
from spark_app.local.user_days import compute_days, day_batch, link_visits, user_days
from spark_app.stages.account_windows.account_days import AccountDays, summarize_days
from spark_app.stages.account_windows.compute_windows import windows_of_summaries
from spark_app.stages.scoring.score import SessionScorer

SESSIONS, RULES, FOREST, DAYS, WINDOWS, FUSED = "sessions", "rules", "forest", "days", "windows", "fused"
DETECTORS = (SESSIONS, RULES, FOREST, DAYS, WINDOWS, FUSED)
GROUP_SEED = 1
_BY_DAY = {RULES: "by_rules", FOREST: "by_forest", DAYS: "by_trees"}


@dataclass(frozen=True, slots=True)
class Detectors:
    """Verified models, as they ship."""

    scorer: SessionScorer
    day_trees: UserDayTrees
    window_trees: WindowTrees
    fusion: FusionModel
    forest_reference: Floats

    @classmethod
    def shipped(cls) -> "Detectors":
        """Load the shipped models. Raises ModelError."""
        with TemporaryDirectory(prefix="playproof-model-") as folder:
            scorer = read_scorer(verify_artefact(SHIPPED_SCORER, Path(folder)))
        return cls(scorer, load_trees(), load_window_trees(), load_fusion(), honest_reference())

    @property
    def versions(self) -> list[str]:
        """Names of the models with their hashes."""
        return [self.scorer.version, self.day_trees.version, self.window_trees.version, self.fusion.version]


@dataclass(frozen=True)
class Scored:
    """Accounts with what the detectors need of them when others are scored next to them."""

    rows: WorldRows
    days: pd.DataFrame
    sessions: pd.DataFrame
    summaries: pa.Table
    flags: pd.DataFrame
    """user_id, day (days since 1970) and detector."""

    @cached_property
    def visits(self) -> pa.Table:
        """Their devices and addresses by day."""
        return link_visits(compute_days(self.rows, BASELINE_QUANTITIES))


def score_accounts(rows: WorldRows, detectors: Detectors, others: Scored | None = None) -> Scored:
    """Score accounts; `others` share their devices, addresses, tracks, cohorts and groups."""
    days, baselines = user_days(rows, others=None if others is None else others.visits)
    sessions = scored_sessions(session_features(rows, baselines), detectors.scorer)
    summaries = summarize_days(day_batch(rows))
    every_row, every_day, every_session, every_summary = rows, days, sessions, summaries
    if others is not None:
        every_row = rows.with_others(others.rows)
        every_day = pd.concat([others.days, days], ignore_index=True)
        every_session = pd.concat([others.sessions, sessions], ignore_index=True)
        every_summary = pa.concat_tables([others.summaries, summaries])
    windows = windows_of_summaries(AccountDays.from_table(every_summary), every_session)
    windows = score_windows(windows, detectors.window_trees)
    of_days = detect(every_day, trees=detectors.day_trees, reference=detectors.forest_reference)
    flags = _flags(every_row, every_session, windows, of_days, detectors)
    wanted = rows.users["user_id"].to_pylist()
    return Scored(rows, days, sessions, summaries, flags[flags["user_id"].isin(wanted)].reset_index(drop=True))


def _groups(rows: WorldRows, timezones: pd.Series, fusion: FusionModel) -> pd.DataFrame:
    """Return the groups of all accounts, as the daily run finds them; who pays for them is not known here."""
    plays = encode_plays(rows.plays, timezones)
    popularity = pd.Series(rows.tracks["total_track_popularity"].to_numpy(), rows.tracks["track_id"].to_pylist())
    accounts = pd.DataFrame({"user_id": timezones.index, "payment_id": None})
    of_track = popularity.reindex(plays.tracks).fillna(0.0).to_numpy(dtype="float64")
    return find_campaigns(plays, accounts, of_track, np.random.default_rng(GROUP_SEED), fusion.groups)


def _flags(
    rows: WorldRows, sessions: pd.DataFrame, windows: pd.DataFrame, flags: pd.DataFrame, detectors: Detectors
) -> pd.DataFrame:
    """Return user_id, day and detector of every flag; `flags`: what the detectors of the user-days say (`detect`)."""
    timezones = pd.Series(rows.users["timezone"].to_pylist(), index=rows.users["user_id"].to_pylist())
    sources = Sources(
        sessions=sessions,
        windows=windows,
        campaigns=_groups(rows, timezones, detectors.fusion),
        timezones=timezones,
        session_threshold=session_threshold(()),
        window_threshold=window_threshold(detectors.window_trees, windows, ()),
    )
    decided, _ = decide_days(flags, sources, detectors.fusion)
    by_session, by_window = sessions[sessions["is_flagged"]], windows[windows["is_flagged"]]
    parts = [
        (SESSIONS, by_session["user_id"], _utc_days(by_session["ended_at"])),
        *((name, *_of_days(flags[flags[column]])) for name, column in _BY_DAY.items()),
        (WINDOWS, by_window["user_id"], day_numbers(by_window["last_day"])),
        (FUSED, *_of_days(decided[decided["is_flagged"]])),
    ]
    return pd.concat(
        [pd.DataFrame({"user_id": users.to_numpy(), "day": day, "detector": name}) for name, users, day in parts],
        ignore_index=True,
    )


def _of_days(rows: pd.DataFrame) -> tuple[pd.Series, Ints]:
    return rows["user_id"], day_numbers(rows["local_date"])


def _utc_days(times: pd.Series) -> Ints:
    days: Ints = pd.to_datetime(times, utc=True).dt.tz_localize(None).to_numpy("datetime64[D]").astype("int64")
    return days
