"""A case that is confirmed on an alert: nothing of an open session can be held, and all of it once it has closed."""

from collections.abc import Callable
from datetime import timedelta

import pandas as pd
import pytest

from consumer_viz.dashboard.evidence.closed import ClosedHolds
from consumer_viz.dashboard.evidence.held import held_lines
from consumer_viz.dashboard.index.sampling import case_id
from consumer_viz.dashboard.state import AppState
from contracts import actions as a
from contracts import verdicts as v
from tests.consumer_viz.dashboard import tiny_world
from tests.consumer_viz.dashboard.analyst import Browser

EARLIER, OPEN = 90, 91
Close = Callable[..., None]


@pytest.fixture
def user(state: AppState) -> str:
    """An account with an honest session in the archive, and an alert in another one, which is still open."""
    user = tiny_world.flagged_users(40)[-1]
    tiny_world.commit(state.world, "sessions", tiny_world.sessions([user], flagged=False, first=EARLIER))
    tiny_world.commit(state.world, "plays", tiny_world.plays([user]))
    alert = {
        "session_key": f"{user}:{OPEN}:3", "user_id": user, "streams": 14, "money_eur": 0.049, "score": 0.97,
        "reasons": [{"feature": "repeat_ratio", "value": 0.8, "contribution": 2.0}], "withdrawn": False,
        **dict.fromkeys(("started_at", "looked_at", "alerted_at"), tiny_world.NOON),
    }  # fmt: skip
    tiny_world.commit(state.world, "alerts", pd.DataFrame([alert]))
    state.refresh()
    return user


@pytest.fixture
def close(state: AppState, user: str) -> Close:
    def close(*, flagged: bool) -> None:
        """End the session of the alert."""
        plays = tiny_world.plays([user])
        plays = plays.assign(event_time=plays["event_time"] + timedelta(hours=3), play_id=plays["play_id"] + "of 3 h")
        tiny_world.commit(state.world, "plays", plays)
        tiny_world.commit(state.world, "sessions", tiny_world.sessions([user], flagged=flagged, first=OPEN, hour=3))
        state.refresh()
        assert state.trouble == ""

    return close


def held(state: AppState, user: str) -> list[tuple[str, str, list[str]]]:
    return [(each.action, each.cause, sorted(each.sessions)) for each in state.store.actions(case_id(user))]


def test_the_session_is_held_when_it_closes_suspected_and_no_earlier_one_is(
    state: AppState, ana: Browser, user: str, close: Close
) -> None:
    ana.confirm(user)
    assert held(state, user) == [], "its honest session stays paid"
    close(flagged=True)
    hold = (a.HOLD, a.BY_VERDICT, [f"{user}:{OPEN}:3"])
    assert held(state, user) == [hold]
    (action,) = state.store.actions(case_id(user))
    assert (action.reason, action.verdict_version) == ("velocity", 1)
    assert ClosedHolds(state.cases).sweep() == 0, "as after a restart"
    ana.step(user, v.UNDO)
    assert held(state, user) == [hold, (a.RELEASE, a.BY_VERDICT, [])]


def test_a_hold_of_other_sessions_is_widened_and_stays_of_its_verdict(
    state: AppState, ana: Browser, user: str, close: Close
) -> None:
    tiny_world.commit(state.world, "sessions", tiny_world.sessions([user], first=89, hour=1))
    state.refresh()
    ana.confirm(user)
    close(flagged=True)
    first, second = state.store.actions(case_id(user))
    assert second.sessions == {*first.sessions, f"{user}:{OPEN}:3"}
    assert (second.ends, second.cause, second.reason) == (first.action_id, a.BY_VERDICT, "velocity")
    ana.step(user, v.UNDO)
    assert state.store.actions(case_id(user))[-1].action == a.RELEASE


@pytest.mark.parametrize("flagged", [True, False])
def test_nothing_is_held_of_a_session_that_closes_unflagged_or_after_a_dismissal(
    state: AppState, ana: Browser, user: str, close: Close, flagged: bool
) -> None:
    ana.confirm(user)
    if flagged:
        ana.send(user, ana.form(user), verdict=v.DISMISS, reason="superfan")
    close(flagged=flagged)
    assert held(state, user) == []


def test_what_closed_before_somebody_decided_is_held_by_the_decision(
    state: AppState, ana: Browser, user: str, close: Close
) -> None:
    close(flagged=True)
    ana.confirm(user)
    state.refresh()
    assert held(state, user) == [(a.HOLD, a.BY_VERDICT, [f"{user}:{OPEN}:3"])]


def test_an_alert_that_is_withdrawn_while_somebody_looks_is_said_before_the_verdict(
    state: AppState, ana: Browser, user: str, close: Close
) -> None:
    opened = ana.form(user)
    close(flagged=False)
    answer = ana.send(user, opened, verdict=v.CONFIRM, reason="velocity")
    assert (answer.status_code, "changed while you looked" in answer.text) == (422, True)
    assert state.store.attempts(case_id(user))[-1][-1].startswith("refused: what suspects this account changed")
    assert ana.send(user, ana.form(user), verdict=v.DISMISS, reason="superfan").status_code == 200


def test_an_account_that_its_days_suspect_too_is_held_with_all_its_sessions(state: AppState, user: str) -> None:
    assert held_lines(state.index, [user]) == {}
    day = {"user_id": user, "local_date": tiny_world.NOON.date(), "score": 0.8, "is_flagged": True, "reasons": ["x"]}
    tiny_world.commit(state.world, "user_day_flags", pd.DataFrame([day]))
    state.refresh()
    (lines,) = held_lines(state.index, [user]).values()
    assert {line.session_key for line in lines} == {f"{user}:{EARLIER}:0"}
