"""Automatic holds: off by default, by score, never against a person's word, a share of them reviewed blind."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from consumer_viz.dashboard.decisions.rates import latest_verdicts
from consumer_viz.dashboard.decisions.rules import Policy
from consumer_viz.dashboard.decisions.store import VerdictStore
from consumer_viz.dashboard.index.case_index import CaseIndex
from consumer_viz.dashboard.index.sampling import AutomaticReview, case_id, draw
from consumer_viz.dashboard.quality.figures import automatic_holds
from consumer_viz.dashboard.state import AppState
from contracts import actions as a
from contracts import verdicts as v
from runtime.world import World
from tests.consumer_viz.dashboard.analyst import Browser
from tests.consumer_viz.dashboard.tiny_world import KEY, NOON, commit, make_state, make_world, sessions

ON = Policy(auto_hold_score=0.9)


def held(state: AppState, user: str) -> list[tuple[str, str, int]]:
    return [(each.action, each.cause, len(each.sessions)) for each in state.store.actions(case_id(user))]


def test_without_the_setting_nothing_is_held_and_with_it_each_session_over_the_score_once(
    state: AppState, users: list[str]
) -> None:
    state.refresh()
    assert state.store.unsent_actions() == []
    state.store.policy = ON
    for _ in range(2):
        state.refresh()
    assert {user: held(state, user) for user in users} == {user: [(a.HOLD, a.BY_THRESHOLD, 1)] for user in users}
    assert held(state, "honest1") == []
    commit(state.world, "sessions", sessions([users[0]], first=7000, hour=5))
    state.refresh()
    assert held(state, users[0]) == [(a.HOLD, a.BY_THRESHOLD, 1), (a.HOLD, a.BY_THRESHOLD, 2)]
    again = AppState(state.world, state.zone, state.index, VerdictStore(state.store.path, policy=ON), state.sign_in)
    again.refresh()
    assert len(held(again, users[0])) == 2


def test_a_person_ends_takes_over_or_gives_back_an_automatic_hold(
    state: AppState, ana: Browser, users: list[str]
) -> None:
    state.store.policy = ON
    state.refresh()
    (first,) = state.store.actions(case_id(users[0]))
    ana.send(users[0], ana.form(users[0]), verdict=v.DISMISS, reason="superfan")
    assert held(state, users[0])[-1] == (a.RELEASE, a.BY_VERDICT, 0)
    commit(state.world, "sessions", sessions([users[0]], first=7000, hour=5))
    state.refresh()
    assert held(state, users[0])[-1][0] == a.RELEASE
    ana.step(users[0], v.UNDO)
    restored = state.store.actions(case_id(users[0]))[-1]
    assert (restored.action, restored.cause, restored.expires_at) == (a.HOLD, a.BY_THRESHOLD, first.expires_at)
    ana.send(users[1], ana.form(users[1]), verdict=v.NEED_MORE, reason="more_days")
    assert held(state, users[1]) == [(a.HOLD, a.BY_THRESHOLD, 1)]
    ana.confirm(users[2])
    assert held(state, users[2])[-1] == (a.HOLD, a.BY_VERDICT, 1)
    commit(state.world, "sessions", sessions([users[2]], first=8000, hour=6))
    state.refresh()
    assert held(state, users[2])[-1] == (a.HOLD, a.BY_VERDICT, 2)


def test_what_an_automatic_hold_had_when_it_ended_is_not_held_again(
    tiny: World, tmp_path: Path, users: list[str]
) -> None:
    root = tmp_path / "tiny"
    shutil.copytree(tiny.root, root)
    at = [NOON]
    state = make_state(World(root), now=lambda: at[0], policy=ON)
    for hour in (5, 6):
        at[0] += timedelta(days=15)  # a day after it ended
        commit(state.world, "sessions", sessions([users[0]], first=7000, hour=hour))
        state.refresh()
    keys = [sorted(each.sessions) for each in state.store.actions(case_id(users[0]))]
    assert keys == [[f"{users[0]}:0:0"], [f"{users[0]}:7000:5"], [f"{users[0]}:7000:6"]]


def test_a_share_of_the_automatic_holds_is_reviewed_without_the_score(tmp_path: Path) -> None:
    users = [f"user{n:04d}" for n in range(60)]
    state = make_state(make_world(tmp_path, users), policy=ON)
    few = {case.user_id for case in state.cases.queue("sample", 100)}
    state.index = CaseIndex(state.world, KEY, 0.0035, AutomaticReview(score=0.9, share=0.5))
    state = AppState(state.world, state.zone, state.index, state.store, state.sign_in)
    state.refresh()
    many = {case.user_id for case in state.cases.queue("sample", 100)}
    assert few <= many
    assert 18 <= len(many) <= 42  # of 60 at a half: ±3 standard deviations
    assert {draw(user, True, KEY, 0.5)[0] for user in many & set(users)} == {v.BLIND}
    user = sorted(many & set(users))[0]
    ana = Browser(state)
    assert "held back" not in ana.client.get(f"/cases/{case_id(user)}").text
    ana.confirm(user)
    rate = automatic_holds(latest_verdicts(state.store.all()), {case_id(user)})
    assert (rate.hits, rate.of) == (1, 1)
    assert "Automatic holds" in ana.client.get("/quality").text


def test_a_wrong_score_is_refused() -> None:
    from runtime.settings import SettingError, Settings

    for values in ({"auto_hold_score": 0}, {"auto_hold_score": "nan"}, {"auto_review_share": 2}):
        with pytest.raises(SettingError, match="PLAYPROOF_AUTO"):
            Settings(**values)
