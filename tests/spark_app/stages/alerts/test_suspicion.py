"""What looks leave behind for the next session of an account: the same in every split, for two days."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.events import ACTIVITY, PLAYS
from contracts.features import SUSPICION
from models.risk.suspicion import MEMORY, NOTHING, LookMargins, follow, forget
from runtime.units import HOUR_MS, MINUTE_MS, SECOND_MS
from spark_app.stages.alerts.raise_alerts import KEY, AlertRaiser
from spark_app.stages.scoring.score import SessionScorer
from tests.spark_app.stages.alerts.test_looks import Run
from tests.spark_app.stages.session_step.test_step import DELAY_MS, Row, row

ROUNDS_OF_ROWS = 2


@pytest.fixture(scope="module")
def scorer() -> SessionScorer:
    """Sessions of 16 plays are suspicious by their rows; an alert needs an account that was suspicious before too."""
    names = ("plays", SUSPICION.name)
    parameters = {"objective": "binary:logistic", "max_depth": 2, "eta": 1, "nthread": 1, "min_child_weight": 0}
    values = np.array([(n, s) for n in range(1, 31) for s in (np.nan, 0.01, 0.5, 3.0)], np.float32)
    of_rows = values.copy()
    of_rows[:, 1] = np.nan
    first = xgboost.train(parameters, xgboost.DMatrix(of_rows, values[:, 0] >= 16), ROUNDS_OF_ROWS)
    trees = xgboost.train(parameters, xgboost.DMatrix(values, values[:, 1] > 0.1), 6, xgb_model=first)
    return SessionScorer(bytes(trees.save_raw("ubj")), names, 0.6, 0.6, "tiny@1", rounds_of_rows=ROUNDS_OF_ROWS)


def session(user: str, begin_ms: int, plays: int, activity: int = 0, every_ms: int = 30 * SECOND_MS) -> list[Row]:
    topics = [PLAYS] * plays + [ACTIVITY] * activity
    return [row(user, begin_ms + n * every_ms, topic, begin_ms + n) for n, topic in enumerate(topics)]


def alerts_of(scorer: SessionScorer, *micro_batches: list[Row]) -> dict[str, int]:
    """Return the rows that the alert of each session saw, by session."""
    run = Run(AlertRaiser(scorer, clock=lambda: 0.0))
    for rows in micro_batches:
        run.read(rows)
    run.end()
    return {alert["session_key"]: alert["rows"] for alert in run.alerts}


def test_after_a_suspicious_session_the_next_one_of_the_account_is_alerted_at_its_first_look(
    scorer: SessionScorer,
) -> None:
    late, next_day = session("u0", 0, 20), session("u0", 20 * HOUR_MS, 8)
    others = [*session("u1", 0, 20), *session("u2", 20 * HOUR_MS, 8)]
    found = alerts_of(scorer, [*late, *next_day, *others])
    assert found == {f"u0:{next_day[0]['event_ms']}": 8}, "not the suspicious session itself, nor those of others"
    assert len(alerts_of(scorer, late, next_day)) == 1


@pytest.mark.parametrize(
    ("before", "hours", "is_alerted"),
    [([(20, 0)], 47, True), ([(20, 0)], 49, False), ([(4, 16)], 20, False), ([(20, 0), (1, 7)], 20, False)],
    ids=["within two days", "after them", "not suspicious", "an honest session in between"],
)
def test_suspicion_ends_after_two_days_and_with_sessions_that_are_not_suspicious(
    scorer: SessionScorer, before: list[tuple[int, int]], hours: int, is_alerted: bool
) -> None:
    sent = [session("u0", n * HOUR_MS, *counts) for n, counts in enumerate(before)]
    sent.append(session("u0", hours * HOUR_MS, 8))
    assert (f"u0:{sent[-1][0]['event_ms']}" in alerts_of(scorer, *sent)) == is_alerted


SESSIONS = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.sampled_from([31 * MINUTE_MS, 5 * HOUR_MS, 46 * HOUR_MS, 50 * HOUR_MS]),
        st.integers(4, 40),
        st.integers(0, 12),
        st.sampled_from([SECOND_MS, 3 * MINUTE_MS, 11 * MINUTE_MS]),
    ),
    min_size=2,
    max_size=6,
)


@settings(max_examples=20)
@given(sessions=SESSIONS, seed=st.integers(0, 2**16))
def test_any_split_and_any_order_within_the_watermark_leave_the_same_suspicion(
    scorer: SessionScorer, sessions: list[tuple[int, int, int, int, int]], seed: int
) -> None:
    clock, sent, rng = [0, 0], list[Row](), np.random.default_rng(seed)
    for user, gap, plays, activity, every_ms in sessions:
        rows = session(f"u{user}", clock[user] + gap, plays, activity, every_ms)
        clock[user] += gap + len(rows) * every_ms
        sent += rows
    delays = rng.random(len(sent)) * DELAY_MS
    sent = [sent[n] for n in np.argsort([one["event_ms"] + delays[n] for n, one in enumerate(sent)], kind="stable")]
    cuts = [0, *sorted(rng.integers(0, len(sent), 6).tolist()), len(sent)]
    runs = []
    for parts in ([sent], [sent[begin:end] for begin, end in pairwise(cuts)], [[one] for one in sent]):
        run = Run(AlertRaiser(scorer, clock=lambda: 0.0))
        for part in parts:
            run.read(part)
        run.end()
        runs.append(sorted(json.dumps(alert) for alert in run.alerts))
    assert runs[0] == runs[1] == runs[2]


def looks(*of: tuple[int, int, int, float]) -> LookMargins:
    """Make looks at a doubling from (account, first event, time, log-odds)."""
    user, first, at, margin = (np.array(column) for column in zip(*of, strict=True))
    return LookMargins(user, first, at, np.ones(len(of), bool), margin)


def test_a_look_at_a_silence_leaves_nothing_behind() -> None:
    both = looks((7, 0, 5, 9.0), (7, 9, 12, -1.0))
    silent = replace(both, is_doubling=np.array([False, True]))
    before, memory = follow(NOTHING, silent)
    assert np.isnan(before).all()
    assert len(memory) == 0


def test_only_suspicious_accounts_are_remembered_once_their_session_is_closed_and_for_two_days() -> None:
    _, memory = follow(NOTHING, looks((1, 0, 5, -2.0), (2, 0, 5, 2.0), (3, 0, 5, 2.0), (3, 10, 15, -9.0)))
    still_open = np.array([(3, 10)], KEY)
    assert memory.dtype == MEMORY
    assert forget(memory, still_open, 20)["user"].tolist() == [2, 3]
    assert forget(memory, still_open[:0], 20)["user"].tolist() == [2], "the last session of 3 was not suspicious"
    assert len(forget(memory, still_open[:0], 100 * HOUR_MS)) == 0
