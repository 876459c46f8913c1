"""Second review: a case over the set sum counts as confirmed, and holds money back, when two people confirmed it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

from consumer_viz.dashboard.decisions.assignments import known_analysts
from consumer_viz.dashboard.decisions.rules import Policy
from consumer_viz.dashboard.evidence.held import held_lines
from consumer_viz.dashboard.index.cases import Case
from consumer_viz.dashboard.index.ring_cases import Ring
from consumer_viz.dashboard.index.sampling import case_id
from consumer_viz.dashboard.quality.figures import second_reviews
from consumer_viz.dashboard.state import AppState
from contracts import actions as a
from contracts import verdicts as v
from runtime.world import World
from tests.consumer_viz.dashboard import tiny_world
from tests.consumer_viz.dashboard.analyst import Browser
from tests.consumer_viz.dashboard.rings_world import make_ring_world, row
from tests.consumer_viz.dashboard.tiny_world import flagged_users, make_state

SIZE = 4
OVER_ALL = Policy(second_review_eur=0.5)
"""Below what a single account of the tiny worlds has at risk (200 streams are 0.70 euros)."""
OVER_RING = Policy(second_review_eur=2.0)
"""Above a single account's money, below the ring's."""


@pytest.fixture
def state(tiny: World, state: AppState) -> AppState:
    state.store.policy = OVER_ALL
    return state


def standing(state: AppState, user: str) -> tuple[str, str]:
    latest = state.store.latest(case_id(user))
    assert latest is not None
    return latest.verdict, latest.step


def held(state: AppState, user: str) -> list[str]:
    return [action.action for action in state.store.actions(case_id(user))]


def test_a_case_over_the_sum_waits_for_another_person_and_nothing_goes_out(
    state: AppState, ana: Browser, ben: Browser, users: list[str]
) -> None:
    ana.confirm(users[0])
    assert standing(state, users[0]) == (v.PROPOSED, v.DECIDE)
    assert state.store.unsent_actions() == []
    assert state.cases.counts()["review"] == 1
    assert users[0] in ben.client.get("/queue?tab=review").text
    assert "Second review" in ben.client.get(f"/cases/{case_id(users[0])}").text
    ana.confirm(users[0])
    assert standing(state, users[0]) == (v.PROPOSED, v.DECIDE)
    ben.confirm(users[0])
    assert standing(state, users[0]) == (v.CONFIRM, v.SECOND)
    (action,) = state.store.unsent_actions()
    assert (action.action, action.cause, action.verdict_version) == (a.HOLD, a.BY_VERDICT, 3)
    assert action.eur == pytest.approx(0.0035 * 80)  # of the tracks that its flagged session counted
    assert "held back until" in ben.client.get(f"/cases/{case_id(users[0])}").text


def test_a_case_with_little_at_risk_by_the_daily_run_waits_where_more_would_be_held(
    state: AppState, ana: Browser, users: list[str]
) -> None:
    state.store.policy = Policy(second_review_eur=0.2)  # 80 streams of its flagged session are 0.28 euros
    ranked = row("account_risk", user_id=users[0], priority=0.01, probability=0.5, money_at_risk_eur=0.02)
    tiny_world.commit(state.world, "account_risk", pd.DataFrame([ranked]))
    state.refresh()
    ana.confirm(users[0])
    assert standing(state, users[0]) == (v.PROPOSED, v.DECIDE)


def test_undo_conflict_and_appeal_go_with_a_second_review(
    state: AppState, ana: Browser, ben: Browser, users: list[str]
) -> None:
    opened = ben.form(users[0])
    ana.confirm(users[0])
    assert ben.send(users[0], opened, verdict=v.CONFIRM, reason="velocity").status_code == 409
    assert ana.step(users[0], v.APPEAL, note="it was me").status_code == 422
    ben.confirm(users[0])
    ben.step(users[0], v.UNDO)
    assert standing(state, users[0]) == (v.PROPOSED, v.UNDO)
    assert held(state, users[0]) == [a.HOLD, a.RELEASE]
    ben.confirm(users[0])
    assert standing(state, users[0]) == (v.CONFIRM, v.SECOND)
    ana.step(users[0], v.APPEAL, note="the holder objects")
    assert held(state, users[0]) == [a.HOLD, a.RELEASE, a.HOLD]
    ben.step(users[0], v.ROLL_BACK, note="right", reason="superfan")
    assert held(state, users[0])[-1] == a.RESTORE
    assert second_reviews(state.store.all()).of == 2


def test_who_proposed_may_undo_and_a_second_person_may_dismiss(
    state: AppState, ana: Browser, ben: Browser, users: list[str]
) -> None:
    ana.confirm(users[0])
    ana.step(users[0], v.UNDO)
    assert standing(state, users[0]) == (v.OPEN, v.UNDO)
    ana.confirm(users[1])
    ben.send(users[1], ben.form(users[1]), verdict=v.DISMISS, reason="superfan")
    assert standing(state, users[1]) == (v.DISMISS, v.DECIDE)
    assert state.store.unsent_actions() == []
    reviews = second_reviews(state.store.all())
    assert (reviews.hits, reviews.of) == (0, 1)
    assert known_analysts(state.store) == ["ana", "ben"]


def test_a_name_in_capitals_is_the_same_person(state: AppState, ana: Browser, users: list[str]) -> None:
    ana.confirm(users[0])
    Browser(state, " ANA ", ana.client.app).confirm(users[0])
    assert standing(state, users[0]) == (v.PROPOSED, v.DECIDE)


def test_a_ring_counts_with_the_money_of_all_its_accounts(tmp_path: Path) -> None:
    state = make_state(make_ring_world(tmp_path, SIZE), policy=OVER_RING)
    ana = Browser(state)
    ben = Browser(state, "ben", ana.client.app)
    (ring,) = [row for row in state.rings.queue("suspected", 9) if isinstance(row, Ring)]
    path = f"/rings/{ring.ring_id}"

    def decide(browser: Browser, reason: str = "device_or_ip_farm") -> None:
        cases = [f"{case.case_id}:{case.version}" for case in state.rings.members(ring.ring_id)]
        form = browser.fields(path) | {"verdict": v.CONFIRM, "reason": reason, "case": cases}
        answer = browser.client.post(f"{path}/verdict", data=form, headers={"hx-request": "true"})
        assert answer.status_code == 200

    decide(ana)
    assert {case.verdict for case in state.rings.members(ring.ring_id)} == {v.PROPOSED}
    assert [row.proposed for row in state.rings.queue("review", 9) if isinstance(row, Ring)] == [SIZE]
    assert state.cases.counts()["review"] == 1
    assert ben.client.get(path).text.count("data-waiting") == SIZE
    assert ana.client.get(path).text.count("data-waiting") == 0
    decide(ben)
    assert {case.verdict for case in state.rings.members(ring.ring_id)} == {v.CONFIRM}
    assert len(state.store.unsent_actions()) == SIZE
    single = flagged_users(2)[0]
    ana.confirm(single)
    assert standing(state, single) == (v.CONFIRM, v.DECIDE)


def test_a_ring_that_is_decided_account_by_account_waits_for_another_person_too(tmp_path: Path) -> None:
    state = make_state(make_ring_world(tmp_path, SIZE), policy=OVER_RING)
    ana = Browser(state)
    (ring,) = [row for row in state.rings.queue("suspected", 9) if isinstance(row, Ring)]
    members = [case.user_id for case in state.rings.members(ring.ring_id)]
    for user in members:
        ana.confirm(user)
    assert {standing(state, user) for user in members} == {(v.PROPOSED, v.DECIDE)}


def test_the_second_reviewer_of_a_blind_case_sees_no_score_either(tmp_path: Path) -> None:
    state = make_state(make_ring_world(tmp_path, SIZE), policy=OVER_RING)
    with closing(sqlite3.connect(state.index.path)) as db, db:
        member = db.execute("select user_id from ring_members order by user_id").fetchone()[0]
        db.execute("update cases set drawn_by = 'blind' where user_id = ?", (member,))
    ana = Browser(state)
    ben = Browser(state, "ben", ana.client.app)
    ana.confirm(member)
    assert standing(state, member) == (v.PROPOSED, v.DECIDE)
    rows = [row for row in state.rings.queue("review", 9) if isinstance(row, Case)]
    assert [(row.user_id, row.is_hidden) for row in rows] == [(member, True)]
    assert state.cases.counts()["review"] == 1
    assert state.cases.counts()["sample"] == 0
    page = ben.client.get(f"/cases/{case_id(member)}").text
    assert "Second review" in page
    assert "how much each measure raised" not in page.lower()
    ben.confirm(member)
    assert "how much each measure raised" in ben.client.get(f"/cases/{case_id(member)}").text.lower()


def test_an_account_without_a_flagged_session_is_held_with_all_its_sessions(state: AppState) -> None:
    (lines,) = held_lines(state.index, ["honest1"]).values()
    # six plays of 31 s, a minute apart, in a session of 40 minutes
    assert [(line.track_id, line.month, line.streams, line.eur_micros) for line in lines] == [
        ("t1", "2025-03", 6, 21_000)
    ]
    assert held_lines(state.index, ["nobody"]) == {}
