"""The shipped trees of the account windows: verified, with the card of their manifest, and silent on usual accounts."""

import json

import numpy as np
import pandas as pd
import pytest

from contracts.account_windows import WINDOW_FEATURE_NAMES
from contracts.measurable import SOURCE_PATTERNS
from models.account_windows.card import render_card
from models.account_windows.trees import LENGTH, SHIPPED_WINDOWS, WindowTrees, least_precision, load_window_trees
from models.labels.windows import label_windows
from models.registry.artefact import CARD, MANIFEST


@pytest.fixture(scope="module")
def trees() -> WindowTrees:
    return load_window_trees()


def windows(trees: WindowTrees, **changes: float) -> pd.DataFrame:
    """A month of a usual listener, and the same month with changes."""
    usual = {name: trees.usual.get(name, np.nan) for name in WINDOW_FEATURE_NAMES} | {LENGTH: 28}
    return pd.DataFrame([usual, usual | changes])


ROBOT = {
    "gap_regularity": 0.95, "gap_entropy": 0.3, "modal_gap_share": 0.9, "longest_wake_h": 300.0, "quiet_h": 0.0,
    "days_in_a_row": 28.0, "active_share": 1.0, "plays_per_day": 700.0, "log_odds_mean": 3.0, "log_odds_sum": 900.0,
    "log_odds_top3": 5.0, "hour_entropy": 4.58, "top_track_share": 0.2, "repeat_ratio": 0.99, "co_core": 8.0,
    "co_tracks": 12.0, "co_share": 0.9, "co_linked": 8.0, "co_tightness": 0.9,
}  # fmt: skip


def test_a_month_of_clockwork_is_flagged_with_reasons_in_words_and_a_usual_one_is_not(trees: WindowTrees) -> None:
    scores = trees.score(windows(trees, **ROBOT))
    assert scores.is_flagged.tolist() == [False, True]
    assert scores.probability[0] == 0 < scores.probability[1] < 1
    assert 1 <= len(scores.reasons[1]) <= 3
    assert all("over 28 days; honest listeners: usually" in reason for reason in scores.reasons[1])


def test_no_source_makes_a_flagged_window_certain_also_where_no_person_was_flagged(trees: WindowTrees) -> None:
    tests = [entry["test"] for entry in trees.manifest["source_patterns"]]
    assert min(test["false_alarms_per_100"]["value"] for test in tests) == 0
    assert max(map(least_precision, tests)) < 0.8
    unknown = SOURCE_PATTERNS["timestamps"]
    scores = trees.score(
        windows(trees, **{name: value for name, value in ROBOT.items() if name not in unknown}), unknown
    )
    assert all(0 < p < 0.8 for p in scores.probability[scores.is_flagged])


@pytest.mark.parametrize("source", ["basic_export", "scrobbles", "timestamps"])
def test_what_a_source_cannot_tell_changes_no_score_and_is_no_reason(trees: WindowTrees, source: str) -> None:
    unknown = SOURCE_PATTERNS[source]
    lacking = {name: np.nan for name in WINDOW_FEATURE_NAMES if name in unknown}
    told = {name: value for name, value in ROBOT.items() if name not in unknown}
    known, missing = (trees.score(windows(trees, **told, **extra), unknown) for extra in ({}, lacking))
    assert known.log_odds == pytest.approx(missing.log_odds, abs=1e-4)
    assert not any("unknown" in reason for reasons in missing.reasons for reason in reasons)


def test_the_shipped_card_is_rendered_from_the_shipped_manifest() -> None:
    manifest = json.loads((SHIPPED_WINDOWS / MANIFEST).read_text())
    assert (SHIPPED_WINDOWS / CARD).read_text() == render_card(manifest), "write render_card(manifest) to the card"


def test_a_window_is_positive_with_a_paid_stream_in_it_and_unlabelled_where_a_bot_rests() -> None:
    dates = [pd.Timestamp("2026-03-01").date(), pd.Timestamp("2026-03-20").date()]
    days = pd.DataFrame({"user_id": "bot", "local_date": dates, "paid_streams": [3, 0]})
    accounts = pd.DataFrame(
        {"user_id": ["bot", "me"], "family": ["farm", "honest"], "campaign_id": ["c1", None], "cohort": "regular"}
    )
    of = pd.DataFrame({"user_id": ["bot", "bot", "me"], "last_day": [dates[1]] * 3, LENGTH: [28, 7, 7]})
    labelled = label_windows(of, days, accounts)
    assert labelled["label"].tolist()[:1] == [1.0]
    assert np.isnan(labelled["label"].iloc[1])
    assert labelled["label"].iloc[2] == 0
    assert labelled["family"].tolist() == ["farm", "farm", "honest"]


def test_a_world_without_a_window_has_scores_of_none(trees: WindowTrees) -> None:
    scores = trees.score(windows(trees).iloc[:0], SOURCE_PATTERNS["scrobbles"])
    assert len(scores.probability) == len(scores.reasons) == 0
