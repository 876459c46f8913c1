"""What the decision about an account-day, which orders the queue, says of the days of a history."""

from collections.abc import Collection, Iterator

import numpy as np
import pandas as pd

from models.account_windows.trees import load_window_trees
from models.fusion.evidence import (
    DAY,
    GROUP,
    MONTH,
    SESSION,
    WEEK,
    collect_evidence,
    session_threshold,
    window_threshold,
)
from models.fusion.model import Decisions, load_fusion

NAMED = {SESSION: "a session", DAY: "trees of the day", WEEK: "a week", MONTH: "a month"}
NO_GROUPS = pd.DataFrame({"user_ids": [], "probability": []})


def decide_history(
    flags: pd.DataFrame,
    sessions: pd.DataFrame,
    windows: pd.DataFrame | None,
    timezones: pd.Series,
    not_measurable: Collection[str],
) -> Decisions:
    """Decide about account-days (`flags`: user_id, local_date, trees_score) as the daily run does, without groups.

    `windows`: scored ones, or None where too little is known of them. Groups of accounts take no part: a history of
    a few people has none.
    """
    of_windows = None if windows is None else window_threshold(load_window_trees(), windows, not_measurable)
    of_sessions = session_threshold(not_measurable)
    evidence = collect_evidence(flags, NO_GROUPS, timezones, sessions, windows, of_sessions, of_windows)
    return load_fusion().decide(evidence.assign(**{GROUP: np.nan}), not_measurable)


def fused_causes(decisions: Decisions) -> Iterator[tuple[list[str], str]]:
    """Return for each suspected day its strongest evidence, and a text with all of it."""
    for row in np.flatnonzero(decisions.is_suspected):
        pushes = decisions.pushes.iloc[row].sort_values(ascending=False, kind="stable")
        named = [NAMED[str(name)] for name, push in pushes.items() if push > 0]
        yield named[:1], f"{', '.join(named)} (probability {decisions.probability[row]:.2f})"
