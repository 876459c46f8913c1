"""Page Queue: order, tabs, sums, new cases, export."""

import json
import re
from datetime import timedelta

from consumer_viz.dashboard.events.event_stream import EventStream, Subscriber
from consumer_viz.dashboard.index.sampling import case_id
from consumer_viz.dashboard.state import AppState
from tests.consumer_viz.dashboard import tiny_world
from tests.consumer_viz.dashboard.analyst import Browser
from tests.consumer_viz.dashboard.tiny_world import outcomes


def test_the_queue_ranks_by_money_at_risk_times_probability(ana: Browser, users: list[str]) -> None:
    shown = re.findall(r'data-case="(c-\w+)"', ana.client.get("/queue").text)
    assert shown == [case_id(user) for user in users]


def test_a_decision_leaves_the_queue_and_counts_with_its_money(state: AppState, ana: Browser, users: list[str]) -> None:
    assert ana.confirm(users[0]).status_code == 200
    assert [case.user_id for case in state.cases.queue("suspected", 9)] == users[1:]
    assert [case.user_id for case in state.cases.queue("decided", 9)] == users[:1]
    assert outcomes(state) == {"confirm": (1, 200)}


def test_the_sums_and_the_tabs_learn_of_a_decision_together(state: AppState, ana: Browser, users: list[str]) -> None:
    """An open page loads the sums again when the number of decisions in an event is not the one it shows."""
    subscriber = Subscriber("queue", state.index.stamp)
    events = EventStream(state)
    before = json.loads(events.counts_event(subscriber).split(b"data: ")[1])
    assert f'data-decisions="{before["decisions"]}"' in ana.client.get("/queue").text
    ana.confirm(users[0])
    after = json.loads(events.counts_event(subscriber).split(b"data: ")[1])
    assert (before["lists"]["decided"], after["lists"]["decided"]) == (0, 1)
    sums = ana.client.get("/queue/sums").text
    assert f'data-decisions="{after["decisions"]}"' in sums
    assert "<dt>confirmed</dt><dd>1" in sums


def test_every_decided_case_is_in_the_list_of_decided_ones(state: AppState, ana: Browser, users: list[str]) -> None:
    for user, verdict in zip(users, ("confirm", "dismiss", "dismiss"), strict=True):
        reason = "velocity" if verdict == "confirm" else "superfan"
        ana.send(user, ana.form(user), verdict=verdict, reason=reason)
    assert {case.user_id for case in state.cases.queue("decided", 9)} == set(users)
    assert state.cases.counts()["decided"] == sum(cases for cases, _ in outcomes(state).values())


def test_a_dismissed_account_that_is_flagged_again_comes_back(state: AppState, ana: Browser, users: list[str]) -> None:
    ana.send(users[0], ana.form(users[0]), verdict="dismiss", reason="superfan")
    assert users[0] not in [case.user_id for case in state.cases.queue("suspected", 9)]
    later = tiny_world.sessions([users[0]], first=50, hour=24 * 365 * 100 // 24)
    later["scored_at"] = later["scored_at"] + timedelta(days=365 * 100)
    tiny_world.commit(state.world, "sessions", later)
    state.refresh()
    [back] = [case for case in state.cases.queue("suspected", 9) if case.user_id == users[0]]
    assert back.is_back
    assert "data-decided" not in ana.client.get(f"/queue/rows/{back.case_id}").text, "the next case may be this one"


def test_a_confirmed_account_that_is_flagged_again_says_that_the_later_streams_are_not_held(
    state: AppState, ana: Browser, users: list[str]
) -> None:
    ana.confirm(users[0])
    assert "flagged since" not in ana.client.get("/queue?tab=decided").text
    later = tiny_world.sessions([users[0]], first=50, hour=9)
    later["scored_at"] = later["scored_at"] + timedelta(days=365 * 100)
    tiny_world.commit(state.world, "sessions", later)
    state.refresh()
    assert "flagged since" in ana.client.get("/queue?tab=decided").text
    assert "To hold those streams too, decide again." in ana.client.get(f"/cases/{case_id(users[0])}").text
    ana.confirm(users[0])
    assert len(state.store.actions(case_id(users[0]))[-1].sessions) == 2
    assert "flagged since" not in ana.client.get("/queue?tab=decided").text


def test_what_is_new_waits_behind_the_pill(state: AppState, ana: Browser, users: list[str]) -> None:
    shown = state.index.stamp
    assert state.cases.new_since(shown) == 0
    tiny_world.commit(state.world, "sessions", tiny_world.sessions([*users, "newcomer"], first=70, hour=5))
    state.refresh()
    assert state.cases.new_since(shown) == 1
