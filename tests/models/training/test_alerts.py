"""The alerts model: its threshold keeps to the false alerts, and its artefact is read by whoever may trust it."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from contracts.features import SUSPICION
from models.errors import ModelError
from models.registry.artefact import CARD, MANIFEST
from models.training import alert_trees, alerts
from models.training.alert_calibration import calibrate_alerts
from models.training.alerts import choose_threshold, strictest_threshold, train_alerts
from models.training.alerts_card import render_card
from runtime.resources import CHECKOUT
from runtime.units import HOUR_MS
from spark_app.stages.alerts.load import SHIPPED_ALERTS, TREES_FILE, load_alert_scorer
from spark_app.stages.alerts.prefix_features import PREFIX_FEATURES
from spark_app.stages.alerts.score_looks import score_looks_of

SHARE = 0.02


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("ROUNDS_OF_ROWS", 5), ("ROUNDS", 3), ("MAX_OF_ROWS", 6), ("MAX_OF_ACCOUNT", 1)):
        monkeypatch.setattr(alert_trees, name, value)
    monkeypatch.setattr(alerts, "MAX_FALSE_ALERTS", SHARE)


def sessions_with_looks(n: int = 2400) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make two sessions of each account: a tenth of them are bots, which repeat tracks; every seventh has no look.

    The others have two looks.
    """
    rng = np.random.default_rng(3)
    number = np.arange(n)
    account = number // 2
    is_bot = account % 10 == 0
    sessions = pd.DataFrame(
        {
            "session_key": [f"u{i // 2}:{i}" for i in number],
            "user_id": [f"u{i}" for i in account],
            "label": is_bot.astype(float),
            "family": np.where(is_bot, "farm", "honest"),
            "campaign_id": pd.Series((account // 30).astype(str)).where(is_bot),
            "cohort": "regular",
        }
    )
    looked_at = np.repeat(number[number % 7 != 0], 2)
    looks = pd.DataFrame(rng.random((len(looked_at), len(PREFIX_FEATURES))), columns=list(PREFIX_FEATURES))
    looks["repeat_ratio"] += is_bot[looked_at]
    looks["session_key"] = sessions["session_key"].to_numpy()[looked_at]
    first_event_ms, size = looked_at * HOUR_MS, np.tile([8, 16], len(looked_at) // 2)
    return looks.assign(first_event_ms=first_event_ms, at_ms=first_event_ms + size, rows=size), sessions


def test_a_threshold_keeps_the_upper_end_of_the_interval_and_is_the_lowest_that_does() -> None:
    rng = np.random.default_rng(1)
    score = pd.Series(rng.random(2000))
    sessions = pd.DataFrame({"user_id": [f"u{i // 2}" for i in range(2000)], "label": 0.0})
    threshold, share = choose_threshold(score, sessions, rng)
    assert share.value is not None
    assert share.value < share.high <= SHARE
    lower = score[score < threshold].nlargest(8).min()
    assert (score >= lower).mean() > share.value
    assert 1 - threshold > 0.5 * SHARE


def test_the_threshold_keeps_to_the_bound_in_the_world_with_the_most_false_alerts() -> None:
    rng = np.random.default_rng(1)
    sessions = pd.DataFrame({"user_id": [f"{world}/u{i // 2}" for world in "ab" for i in range(2000)], "label": 0.0})
    of_a, of_b = pd.Series(rng.random(2000)), pd.Series(rng.random(2000) ** 0.2)
    score = pd.concat([of_a, of_b], ignore_index=True)
    threshold, share = strictest_threshold(score, sessions, rng)
    alone = choose_threshold(of_b, sessions[2000:].reset_index(drop=True), rng)[0]
    assert abs(threshold - alone) < 0.02
    assert share.value == (score >= threshold).mean()


def test_a_trained_model_is_read_by_its_hash_and_finds_the_bots_of_accounts_that_it_never_saw(tmp_path: Path) -> None:
    looks, sessions = sessions_with_looks()
    trusted = train_alerts(
        looks, sessions, PREFIX_FEATURES, tmp_path / "session_alerts", seed=1, world="worlds a and b"
    )
    scorer = load_alert_scorer(tmp_path / "session_alerts", trusted)
    assert scorer.version == f"session_alerts@{trusted[:8]}"
    assert "repeat_ratio" in scorer.features
    assert SUSPICION.name in scorer.features
    assert scorer.rounds_of_rows == 5
    assert len(scorer.features) == 8
    looks["user_id"] = looks["session_key"].map(sessions.set_index("session_key")["user_id"])
    over = score_looks_of(looks, scorer) >= scorer.review_threshold
    is_bot = looks["session_key"].map(sessions.set_index("session_key")["label"]).to_numpy() == 1
    assert over[is_bot].mean() > 0.9
    assert over[~is_bot].mean() < SHARE
    manifest = json.loads((tmp_path / "session_alerts" / MANIFEST).read_text())
    assert manifest["calibration"]["high"] <= 1000 * SHARE
    lacks_tracks = next(entry for entry in manifest["source_patterns"] if "repeat_ratio" in entry["unknown"])
    assert lacks_tracks["review"] is None
    again = train_alerts(
        looks, sessions, PREFIX_FEATURES, tmp_path / "b" / "session_alerts", seed=1, world="worlds a and b"
    )
    assert again == trusted
    trees = tmp_path / "session_alerts" / TREES_FILE
    trees.write_bytes(trees.read_bytes()[:-1] + b"?")
    with pytest.raises(ModelError, match=r"session_alerts/trees\.ubj\.gz"):
        load_alert_scorer(tmp_path / "session_alerts", trusted)


def test_thresholds_are_chosen_again_on_worlds_of_their_own_and_the_trees_stay(tmp_path: Path) -> None:
    folder = tmp_path / "session_alerts"
    trusted = train_alerts(*sessions_with_looks(), PREFIX_FEATURES, folder, seed=1, world="world a")
    before, trees = json.loads((folder / MANIFEST).read_text()), (folder / TREES_FILE).read_bytes()
    looks, sessions = sessions_with_looks(1200)
    for table in (looks, sessions):
        table["session_key"] = "b/" + table["session_key"]
    sessions["user_id"] = "b/" + sessions["user_id"]
    looks["user_id"] = looks["session_key"].map(sessions.set_index("session_key")["user_id"])
    again = calibrate_alerts(folder, trusted, looks, sessions, seed=1, worlds=["b"])
    manifest = json.loads((folder / MANIFEST).read_text())
    assert (folder / TREES_FILE).read_bytes() == trees
    assert manifest["calibration"]["sessions"] + manifest["test"]["false_per_1000_honest_sessions"]["sessions"] == sum(
        sessions["label"] == 0
    )
    assert manifest["calibration"]["high"] <= 1000 * SHARE
    assert manifest["trained_on"]["blocks"]["train"] == before["trained_on"]["blocks"]["train"]
    assert load_alert_scorer(folder, again).review_threshold == manifest["threshold"] != before["threshold"]
    assert "tested on** world b, seed 1" in (folder / CARD).read_text()
    with pytest.raises(ModelError, match=r"session_alerts/manifest\.json"):
        calibrate_alerts(folder, trusted, looks, sessions, seed=1, worlds=["b"])
    with pytest.raises(ModelError, match="more accounts or campaigns"):
        calibrate_alerts(folder, again, looks, sessions.assign(label=0.0), seed=1, worlds=["b"])


def test_the_card_that_ships_is_of_its_manifest_and_of_the_worlds_that_make_makes() -> None:
    assert CHECKOUT
    manifest = json.loads((SHIPPED_ALERTS / MANIFEST).read_text())
    assert (SHIPPED_ALERTS / CARD).read_text() == render_card(manifest)
    recipe = (CHECKOUT / "Makefile").read_text().partition("\ntrain-alerts:")[2].partition("\n\n")[0]
    made = re.findall(r"simulate --world (\S+)", recipe)
    worlds, calibrate = (
        re.findall(rf"--{option} (\S+)", recipe.partition("model train-alerts")[2]) for option in ("world", "calibrate")
    )
    assert made == [*worlds, *calibrate]
    assert manifest["trained_on"]["world"] == f"worlds {' and '.join(worlds)}"
    assert manifest["calibrated_on"]["worlds"] == calibrate


def test_a_block_without_bots_is_named() -> None:
    looks, sessions = sessions_with_looks(60)
    with pytest.raises(ModelError, match="more accounts or campaigns"):
        train_alerts(looks, sessions.assign(label=0.0), PREFIX_FEATURES, Path("unused"), seed=1, world="w")
