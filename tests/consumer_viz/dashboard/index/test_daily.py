"""The daily run orders the queue, and its reasons are on the pages; the pages work without it."""

from datetime import date
from typing import Any

import pandas as pd
import pytest

from consumer_viz.dashboard.index.sampling import case_id
from consumer_viz.dashboard.state import AppState
from contracts.tables import LAKE
from tests.consumer_viz.dashboard import tiny_world
from tests.consumer_viz.dashboard.analyst import Browser
from tests.consumer_viz.dashboard.tiny_world import NOON


def row(table: str, **values: object) -> dict[str, Any]:
    """A row of a daily table, null where no value is given."""
    return {column.name: values.get(column.name) for column in LAKE[table]}


def write_daily_run(state: AppState, users: list[str]) -> None:
    """Write what a daily run writes: `users[2]` worst, a campaign of all, an honest account's odd day."""
    risk = [(users[2], 50.0, 0.9), (users[0], 1.0, 0.6), ("honest1", 30.0, 0.8)]
    ranked = [
        row("account_risk", user_id=user, rank=n, priority=priority, probability=p, money_at_risk_eur=priority / p,
            categories=[["service", "account"], ["of_a_later_version"], []][n - 1])
        for n, (user, priority, p) in enumerate(risk, start=1)
    ]  # fmt: skip
    day = row("user_day_flags", user_id="honest1", local_date=NOON.date(), score=0.8, is_flagged=True,
              rules=["streams_high"], reasons=["412 streams, where 3 to 40 are usual"], baseline="own")  # fmt: skip
    group = row("campaigns", campaign_key="k1", kind="lockstep", user_ids=sorted(users), size=3, score=0.9,
                is_flagged=True, reasons=["3 accounts play the same tracks within minutes"])  # fmt: skip
    tiny_world.commit(state.world, "account_risk", pd.DataFrame(ranked))
    tiny_world.commit(state.world, "user_day_flags", pd.DataFrame([day]))
    tiny_world.commit(state.world, "campaigns", pd.DataFrame([group]))
    target = row("track_risk", track_id="t1", local_date=NOON.date(), role="suspected target")
    tiny_world.commit(state.world, "track_risk", pd.DataFrame([target]))
    state.refresh()
    assert state.trouble == ""


def test_the_fusions_ranking_orders_the_queue(state: AppState, users: list[str]) -> None:
    write_daily_run(state, users)
    queue = state.cases.queue("suspected", 9)
    assert [case.user_id for case in queue][:2] == [users[2], "honest1"]
    assert (queue[0].risk, queue[0].probability) == (50.0, 0.9)


def test_suspected_days_and_campaigns_are_shown_in_words(state: AppState, ana: Browser, users: list[str]) -> None:
    write_daily_run(state, users)
    html = ana.client.get(f"/cases/{case_id('honest1')}").text
    assert "412 streams, where 3 to 40 are usual" in html
    html = ana.client.get(f"/cases/{case_id(users[1])}").text
    assert "3 accounts play the same tracks within minutes" in html
    assert "Same suspected campaign: 2 accounts" in html
    assert "suspected target" in ana.client.get("/live").text


def test_the_suspected_kind_of_abuse_is_in_queue_and_case(state: AppState, ana: Browser, users: list[str]) -> None:
    write_daily_run(state, users)
    html = ana.client.get(f"/cases/{case_id(users[2])}").text
    assert "<b>service</b> (automatic or bought streams), <b>account</b> (a hijacked, shared or sold account)" in html
    ana.confirm(users[2])
    assert "service and account abuse · " in ana.client.get("/queue?tab=decided").text
    later = ana.client.get(f"/cases/{case_id(users[0])}").text
    assert "<b>of_a_later_version</b> (not known here)" in later
    assert "kind of abuse" not in ana.client.get(f"/cases/{case_id('honest1')}").text


def test_precision_is_shown_by_the_rules_of_suspected_days_too(state: AppState, ana: Browser, users: list[str]) -> None:
    write_daily_run(state, users)
    ana.confirm("honest1")
    assert "day rule: streams high" in ana.client.get("/quality").text


def test_a_dismissed_case_without_a_flagged_session_is_decided(state: AppState, ana: Browser, users: list[str]) -> None:
    write_daily_run(state, users)
    ana.send("honest1", ana.form("honest1"), verdict="dismiss", reason="superfan")
    assert [case.user_id for case in state.cases.queue("decided", 9)] == ["honest1"]


def test_a_dismissed_account_whose_later_day_is_suspected_comes_back(
    state: AppState, ana: Browser, users: list[str]
) -> None:
    write_daily_run(state, users)
    ana.send("honest1", ana.form("honest1"), verdict="dismiss", reason="superfan")
    days = [
        row("user_day_flags", user_id="honest1", local_date=day, score=0.8, is_flagged=True, rules=[], reasons=["x"])
        for day in (NOON.date(), date(2125, 3, 4))
    ]
    tiny_world.commit(state.world, "user_day_flags", pd.DataFrame(days))
    state.refresh()
    (back,) = [case for case in state.cases.queue("suspected", 9) if case.user_id == "honest1"]
    assert back.is_back
    ana.confirm("honest1")
    assert state.cases.one(case_id("honest1")).verdict == "confirm"  # type: ignore[union-attr]


def test_an_alert_adds_its_money_to_that_of_the_daily_run(state: AppState, users: list[str]) -> None:
    write_daily_run(state, users)
    alert = {
        "session_key": "open", "user_id": users[0], "streams": 1000, "money_eur": 3.5, "score": 0.97, "reasons": [],
        "withdrawn": False, **dict.fromkeys(("started_at", "looked_at", "alerted_at"), NOON),
    }  # fmt: skip
    tiny_world.commit(state.world, "alerts", pd.DataFrame([alert]))
    state.refresh()
    case = state.cases.one(case_id(users[0]))
    assert case is not None
    assert (case.eur, case.probability) == pytest.approx((1.0 / 0.6 + 3.5, 0.97))
    assert case.risk == pytest.approx(1.0 + 3.5 * 0.97)


def test_a_day_that_a_later_run_no_longer_suspects_leaves_the_queue(state: AppState, users: list[str]) -> None:
    write_daily_run(state, users)
    assert "honest1" in [case.user_id for case in state.cases.queue("suspected", 9)]
    ranked = row("account_risk", user_id=users[0], priority=1.0, probability=0.6, money_at_risk_eur=1.7)
    tiny_world.commit(state.world, "account_risk", pd.DataFrame([ranked]))
    state.refresh()
    day = row("user_day_flags", user_id="another", local_date=NOON.date(), score=0.1, is_flagged=False)
    tiny_world.commit(state.world, "user_day_flags", pd.DataFrame([day]))
    state.refresh()
    assert "honest1" not in [case.user_id for case in state.cases.queue("suspected", 9)]


def test_a_later_run_takes_the_place_of_an_earlier_one(state: AppState, users: list[str]) -> None:
    write_daily_run(state, users)
    later = row("account_risk", user_id=users[1], priority=99.0, probability=0.9, money_at_risk_eur=110.0)
    tiny_world.commit(state.world, "account_risk", pd.DataFrame([later]))
    state.refresh()
    assert state.cases.queue("suspected", 1)[0].user_id == users[1]
    assert state.cases.one(case_id(users[2])).risk < 1  # type: ignore[union-attr]
