"""The card Drift of page Models: before, with too few accounts, and with shifts; and what analysts say by week."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from consumer_viz.dashboard.decisions.rates import by_week, latest_verdicts
from consumer_viz.dashboard.state import AppState
from contracts import verdicts as v
from models.drift.reference import SCORE, build_reference
from models.drift.report import measure_drift
from runtime.monitoring.drift import drift_record, record_drift
from tests.consumer_viz.dashboard.analyst import Browser


def measured(accounts: int) -> dict[str, Any]:
    """A drift of two features and the score: plays have doubled, hours are the same."""
    rng = np.random.default_rng(1)
    n = 400
    users = [f"u{i}" for i in range(n)]
    then = pd.DataFrame({"user_id": users, "label": 0.0, "plays": rng.poisson(9, n), "hours": rng.random(n)})
    reference = build_reference(then, ("plays", "hours"), lambda rows: rng.beta(1, 20, len(rows)))
    now = then.head(accounts).assign(
        plays=rng.poisson(18, accounts), score=rng.beta(1, 20, accounts), model_version="toy@1",
        ended_at=pd.Timestamp("2025-03-03T12:00", tz="UTC"),
    )  # fmt: skip
    return measure_drift(now, reference, "toy@1")


def card(html: str) -> str:
    return html.split('id="m-drift"')[1].split("</section>", maxsplit=1)[0]


def test_before_the_first_measurement_the_page_names_the_command(state: AppState, ana: Browser) -> None:
    assert drift_record(state.world.unit) == {}
    shown = card(ana.client.get("/models").text)
    assert "playproof model drift" in shown
    assert "No flag has a verdict yet." in shown


def test_the_largest_shifts_come_first_after_the_score_with_a_picture_that_says_what_it_shows(
    state: AppState, ana: Browser
) -> None:
    record_drift(state.world.unit, measured(accounts=300))
    shown = card(ana.client.get("/models").text)
    assert re.findall(r'<th scope="row">(.*?)</th>', shown) == [SCORE, "plays", "time heard"]
    assert "1 feature has moved far." in shown
    assert "The scores: small shift." in shown
    assert re.search(r'aria-label="over \d+: \d+% now, \d+% in training"', shown)
    assert shown.count("<svg") == 3


def test_with_few_accounts_the_page_says_nothing_of_a_shift(state: AppState, ana: Browser) -> None:
    record_drift(state.world.unit, measured(accounts=20))
    shown = card(ana.client.get("/models").text)
    assert "Under 30 accounts: too few to say anything." in shown
    assert "<svg" not in shown


def test_verdicts_are_counted_by_week_without_those_drawn_at_random(
    state: AppState, ana: Browser, users: list[str]
) -> None:
    ana.confirm(users[0])
    decided = latest_verdicts(state.store.all())
    (one,) = decided
    weeks = {"2026-03-01T23:59:00+00:00": "2026-02-23", "2026-03-02T00:00:00+00:00": "2026-03-02"}
    dated = [replace(one, decided_at=at) for at in weeks]
    dated += [replace(dated[1], verdict=v.DISMISS), replace(dated[1], drawn_by=v.RANDOM)]
    assert [(rate.name, rate.hits, rate.of) for rate in by_week(dated)] == [("2026-03-02", 1, 2), ("2026-02-23", 1, 1)]
    shown = card(ana.client.get("/models").text)
    assert "1 of 1" in shown
