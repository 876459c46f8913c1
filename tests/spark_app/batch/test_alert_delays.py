"""Delays of alerts in the sample world: what is measured, against a score at the close, and where it is written."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xgboost

from models.registry.artefact import SHIPPED_SCORER
from models.registry.verify import verify_artefact
from runtime.resources import CHECKOUT
from runtime.world import World
from spark_app.batch.alert_delays import format_alerts, measure_alerts, write_alerts
from spark_app.batch.alert_limits import format_limits, measure_limits
from spark_app.local.scorer import read_scorer
from spark_app.stages.scoring.score import SessionScorer


@pytest.fixture(scope="module")
def sample() -> World:
    assert CHECKOUT
    return World(CHECKOUT / "data" / "sample")


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> SessionScorer:
    return read_scorer(verify_artefact(SHIPPED_SCORER, tmp_path_factory.mktemp("model")))


def trees_with(threshold: float) -> SessionScorer:
    """Return trees of one feature; with threshold 0 every session is alerted at its first look."""
    share = np.linspace(0, 1, 21, dtype=np.float32)[:, None]
    parameters = {"objective": "binary:logistic", "max_depth": 1, "eta": 1, "nthread": 1, "min_child_weight": 0}
    trees = xgboost.train(parameters, xgboost.DMatrix(share, share[:, 0] > 0.5), 3)
    return SessionScorer(bytes(trees.save_raw("ubj")), ("share_30_35",), threshold, threshold, "tiny@1")


def test_alerts_come_before_the_close_and_are_counted_by_family_and_among_honest_sessions(
    sample: World, scorer: SessionScorer, tmp_path: Path
) -> None:
    measured = measure_alerts([sample], scorer, trees_with(0.0))
    families: dict[str, Any] = measured["by_family"]
    assert sum(family["sessions"] for family in families.values()) == measured["all_families"]["sessions"] > 0
    assert measured["alerted_sessions"] > measured["withdrawn_sessions"] > 0
    all_of = measured["all_families"]
    assert 0 < all_of["share_alerted"] <= all_of["share_alerted_ever"] <= 1
    assert all_of["median_delay_min"] < all_of["at_close"]["median_delay_min"]
    assert all_of["median_paid_streams_before"] <= all_of["at_close"]["median_paid_streams_before"]
    low, high = measured["false_per_1000_interval"]
    assert low <= measured["false_per_1000_honest_sessions"] <= high
    assert "all" in format_alerts(measured)

    results = tmp_path / "latency" / "results.json"
    write_alerts(measured, results)
    results.write_text(json.dumps(json.loads(results.read_text()) | {"p50_s": {"alerts": 1.0}}))
    write_alerts(measured, results)
    assert json.loads(results.read_text()) == {"alerts": measured, "p50_s": {"alerts": 1.0}}


def test_a_model_that_alerts_at_each_look_is_in_time_wherever_there_is_a_look_in_time(
    sample: World, scorer: SessionScorer
) -> None:
    limits, delays = (
        measure_limits([sample], scorer, trees_with(0.0)),
        measure_alerts([sample], scorer, trees_with(0.0)),
    )
    for name, row in limits["by_family"].items():
        of_delays = delays["all_families"] if name == "all" else delays["by_family"][name]
        assert (row["sessions"], row["has_look"]) == (of_delays["sessions"], of_delays["share_alerted"])
        assert row["in_time_at"]["1"] <= row["in_time_at"]["5"] <= row["has_look"] >= row["final_in_time"]
    never = measure_limits([sample], scorer, trees_with(2.0))["by_family"]["all"]
    assert never["has_look"] == limits["by_family"]["all"]["has_look"] > never["in_time"] == 0
    assert "all" in format_limits(limits)


def test_without_an_alert_there_is_no_median_and_no_share(sample: World, scorer: SessionScorer) -> None:
    measured = measure_alerts([sample], scorer, trees_with(2.0))
    assert (measured["alerted_sessions"], measured["false_per_1000_honest_sessions"]) == (0, 0.0)
    assert (measured["all_families"]["median_delay_min"], measured["all_families"]["share_alerted"]) == (None, 0.0)
    assert "–" in format_alerts(measured)
