"""Looks at sessions: when they are due, and that no split of the rows into micro-batches changes them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from math import ceil, log2
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import xgboost
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.events import ACTIVITY, PLAYS
from runtime.units import MINUTE_MS, SECOND_MS
from spark_app.stages.alerts.account_lookup import AccountLookup, no_accounts
from spark_app.stages.alerts.looks import FIRST_LOOK_ROWS, SILENCE_MS, due_looks
from spark_app.stages.alerts.raise_alerts import AlertRaiser
from spark_app.stages.scoring.score import SessionScorer
from spark_app.stages.session_step.packed_rows import no_rows
from spark_app.stages.session_step.step import advance
from spark_app.stages.sessions.features.own_history import BASELINE_STATISTICS
from tests.spark_app.stages.session_step.test_step import DELAY_MS, FOREVER_MS, Row, row, table

EVERY_S = 20


def looks_at(*seconds: float, until: int = FOREVER_MS) -> list[tuple[int, float]]:
    """Return rows seen and second of each look at one session."""
    looks = due_looks(np.array(seconds) * 1000, np.array([0]), -1, until)
    return [(int(last) + 1, at_ms / 1000) for last, at_ms in zip(looks.last, looks.at_ms, strict=True)]


def test_a_session_is_looked_at_after_8_16_and_32_rows_and_when_it_falls_silent() -> None:
    seconds = range(0, 40 * EVERY_S, EVERY_S)
    assert looks_at(*seconds) == [(8, 140), (16, 300), (32, 620)]
    silent_after_13 = [*range(13), *range(1000, 1027)]
    assert looks_at(*silent_after_13) == [(8, 7), (13, 12 + SILENCE_MS / 1000), (16, 1002), (32, 1018)]


def test_a_session_of_seven_rows_is_not_looked_at_and_a_silence_after_little_growth_is_not_worth_a_look() -> None:
    assert looks_at(*range(7)) == []
    assert looks_at(*range(11)) == [(8, 7)]


def test_a_gap_of_exactly_the_silence_is_none() -> None:
    gap = SILENCE_MS // 1000
    assert looks_at(*range(12), 11 + gap) == [(8, 7), (13, 11 + 2 * gap)]


def test_a_look_is_due_once_the_watermark_is_at_its_last_row() -> None:
    assert looks_at(*range(8), until=6_999) == []
    assert looks_at(*range(8), until=7_000) == [(8, 7)]


@given(st.lists(st.integers(1, 30 * MINUTE_MS), min_size=1, max_size=300))
def test_the_number_of_looks_grows_with_the_logarithm_of_the_rows(gaps: list[int]) -> None:
    event_ms = np.cumsum(gaps)
    looks = due_looks(event_ms, np.array([0]), -1, FOREVER_MS)
    assert len(looks) <= 2 * max(0, ceil(log2((len(gaps) + 1) / FIRST_LOOK_ROWS)))
    assert (np.diff(looks.at_ms) >= 0).all()
    # what `models.risk.suspicion.margins_of` relies on
    rows = looks.last + 1
    assert ((rows & (rows - 1) == 0) == (looks.at_ms == event_ms[looks.last])).all()


@pytest.fixture(scope="module")
def scorer() -> SessionScorer:
    """Sessions of more than half plays are bots, and more so the more rows are plays, and those of few plays for u0."""
    names = ("actions_per_play", "plays", "plays_vs_own")
    kinds = [(x, n, own) for x in (0, 0.2, 0.5, 1, 2, 4) for n in (4, 8, 16, 30) for own in (np.nan, -2, 0.5)]
    values = np.array(kinds, np.float32)
    parameters = {"objective": "binary:logistic", "max_depth": 2, "eta": 1, "nthread": 1, "min_child_weight": 0}
    trees = xgboost.train(parameters, xgboost.DMatrix(values, (values[:, 0] < 1) | (values[:, 2] < 0)), 5)
    return SessionScorer(bytes(trees.save_raw("ubj")), names, 0.6, 0.6, "tiny@1")


@lru_cache
def accounts() -> AccountLookup:
    """Return the own history of u0, the usual of which is 10 plays a session; nothing is known of others."""
    users = pa.table({"user_id": ["u0"], "signed_up_on": [None], "plan": ["free"], "timezone": ["UTC"]})
    own = {"history_days": 9} | dict.fromkeys(BASELINE_STATISTICS, 1.0) | {"plays_day_mean": 10.0}
    histories = pa.Table.from_pylist([{"as_of": date(2026, 3, 1), "user_id": "u0"} | own])
    return AccountLookup.from_tables(users, histories)


@dataclass(slots=True)
class Run:
    """A stream of micro-batches that is looked at: its alerts, and the closed sessions that had one."""

    raiser: AlertRaiser
    alerts: list[dict[str, Any]] = field(default_factory=list)
    had_alert: list[str] = field(default_factory=list)
    closed: list[str] = field(default_factory=list)
    state: Any = field(default_factory=no_rows)
    alerted: bytes | None = None
    watermarks: tuple[int, int] = (0, 0)
    newest_ms: int = 0

    def read(self, rows: Sequence[Row]) -> None:
        step = advance(self.state, table(rows), *self.watermarks)
        raised = self.raiser(step, self.alerted, *self.watermarks)
        self.state, self.alerted = step.open, raised.kept
        self.alerts += map(json.loads, raised.messages)
        first = step.closed.rows.take(step.closed.first).to_pylist() if len(step.closed) else []
        keys = [f"{one['user_id']}:{one['event_ms']}" for one in first]
        self.closed += keys
        self.had_alert += [key for key, had in zip(keys, raised.was_alerted.tolist(), strict=True) if had]
        self.newest_ms = max([self.newest_ms, *(one["event_ms"] for one in rows)])
        self.watermarks = self.watermarks[1], max(self.watermarks[1], self.newest_ms - DELAY_MS)

    def end(self) -> None:
        self.newest_ms = FOREVER_MS
        self.read([])
        self.read([])


GAPS_MS = (0, SECOND_MS, 30 * SECOND_MS, 11 * MINUTE_MS)
TOPIC = st.sampled_from([PLAYS, PLAYS, ACTIVITY])
ARRIVAL = st.tuples(st.integers(0, 1), st.sampled_from(GAPS_MS), TOPIC, st.floats(0, 0.99), st.booleans())


@settings(max_examples=25)
@given(rows=st.lists(ARRIVAL, min_size=10, max_size=60))
def test_any_split_and_any_order_within_the_watermark_raise_the_same_alerts(
    scorer: SessionScorer, rows: list[tuple[int, int, str, float, bool]]
) -> None:
    """The one of a single micro-batch is what batch does: training and measurement see the looks of the stream."""
    clock, sent = [0, 0], []
    for number, (user, gap, topic, late, ends_batch) in enumerate(rows):
        clock[user] += gap
        sent.append((row(f"u{user}", clock[user], topic, number), late, ends_batch))
    sent.sort(key=lambda one: one[0]["event_ms"] + one[1] * DELAY_MS)
    at_once = Run(AlertRaiser(scorer, (), accounts, lambda: 0.0))
    at_once.read([one for one, _, _ in sent])
    at_once.end()
    split, batch = Run(AlertRaiser(scorer, (), accounts, lambda: 0.0)), list[Row]()
    for one, _, ends_batch in sent:
        batch.append(one)
        if ends_batch:
            split.read(batch)
            batch = []
    split.read(batch)
    split.end()

    def keyed(run: Run) -> list[tuple[str, str]]:
        return sorted((alert["session_key"], json.dumps(alert)) for alert in run.alerts)

    assert keyed(split) == keyed(at_once)
    keys = [key for key, _ in keyed(split)]
    assert len(set(keys)) == len(keys)
    assert sorted(split.had_alert) == keys
    assert set(keys) <= set(split.closed)


def test_a_session_that_is_usual_for_others_is_alerted_where_it_is_a_break_with_the_accounts_own_history(
    scorer: SessionScorer,
) -> None:
    mixed = [(PLAYS, ACTIVITY)[n % 2] for n in range(16)]
    sent = [row(user, n * 40_000, topic, n) for user in ("u0", "u1") for n, topic in enumerate(mixed)]
    for knows, expected in ((accounts, {"u0"}), (no_accounts, set())):
        run = Run(AlertRaiser(scorer, (), knows))
        run.read(sent)
        run.end()
        assert {alert["user_id"] for alert in run.alerts} == expected


def test_an_alert_says_what_the_look_saw(scorer: SessionScorer) -> None:
    run = Run(AlertRaiser(scorer, clock=lambda: 1.5))
    plays = [row("u1", n * 40_000, row_id=n, ts=100 + n, lengths=(31_000 << 32) + 200_000) for n in range(10)]
    run.read(plays[:9])
    assert run.alerts == []
    run.read(plays[9:])
    assert run.alerts == []  # the watermark is a minute behind
    run.read([])
    (alert,) = run.alerts
    assert alert | {"reasons": [], "score": 0} == {
        "session_key": "u1:1772366400000", "user_id": "u1", "started_at": "2026-03-01T11:59:29.000Z",
        "looked_at": "2026-03-01T12:04:40.000Z", "rows": 8, "plays": 8, "streams": 8, "money_eur": 0.028,
        "score": 0, "reasons": [], "model_version": "tiny@1", "ts": 107, "alerted_at": "1970-01-01T00:00:01.500Z",
        "withdrawn": False,
    }  # fmt: skip
    assert alert["score"] >= 0.6
    assert {reason["feature"] for reason in alert["reasons"]} <= {"actions_per_play", "plays"}
    run.end()
    assert len(run.alerts) == 1


def test_what_the_source_cannot_tell_raises_no_alert(scorer: SessionScorer) -> None:
    strict = replace(scorer, review_threshold=0.9)
    neutral = replace(strict, unknown=scorer.features)
    for one, expected in ((strict, 1), (neutral, 0)):
        run = Run(AlertRaiser(one))
        run.read([row("u1", n * 40_000, row_id=n) for n in range(10)])
        run.end()
        assert len(run.alerts) == expected
