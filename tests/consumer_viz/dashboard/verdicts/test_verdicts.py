"""Steps on a case: each counts once, two analysts see each other, everything can be undone."""

import re
import sqlite3
from contextlib import closing

import pytest

from consumer_viz.dashboard.decisions.rules import Decision
from consumer_viz.dashboard.index.sampling import case_id
from consumer_viz.dashboard.state import AppState
from contracts import verdicts as v
from tests.consumer_viz.dashboard import tiny_world
from tests.consumer_viz.dashboard.analyst import Browser
from tests.consumer_viz.dashboard.tiny_world import outcomes


def latest(state: AppState, user: str) -> Decision:
    decision = state.store.latest(case_id(user))
    assert decision is not None
    return decision


@pytest.mark.parametrize("origin", ["/queue/panel/", "/cases/"])
def test_a_decided_case_says_who_decided_why_and_when(ana: Browser, users: list[str], origin: str) -> None:
    ana.confirm(users[0])
    text = " ".join(re.sub(r"<[^>]+>", "", ana.client.get(f"{origin}{case_id(users[0])}").text).split())
    assert "Suspicion confirmed: more plays than a person can hear by ana, " in text


def test_a_form_sent_twice_counts_once(state: AppState, ana: Browser, users: list[str]) -> None:
    form = ana.form(users[0])
    for _ in range(2):
        assert ana.send(users[0], form, verdict="confirm", reason="velocity").status_code == 200
    assert len(state.store.all()) == 1


@pytest.mark.parametrize(
    "values",
    [
        {"verdict": "guilty", "reason": "velocity"},
        {"verdict": "confirm"},
        {"verdict": "confirm", "reason": "superfan"},
        {"verdict": "confirm", "reason": "velocity", "version": "-1"},
        {"verdict": "confirm", "reason": "velocity", "version": "x"},
        {"verdict": "confirm", "reason": "velocity", "note": "x" * 1001},
        {"verdict": "confirm", "reason": "velocity", "step": "erase"},
        {"verdict": "confirm", "reason": "velocity", "key": ""},
    ],
)
def test_a_decision_that_makes_no_sense_is_refused_in_words(
    state: AppState, ana: Browser, users: list[str], values: dict[str, str]
) -> None:
    answer = ana.send(users[0], ana.form(users[0]) | values)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert state.store.all() == []


def test_two_analysts_in_conflict_see_both_and_the_first_stands(
    state: AppState, ana: Browser, ben: Browser, users: list[str]
) -> None:
    mine, theirs = ana.form(users[0]), ben.form(users[0])
    assert ben.send(users[0], theirs, verdict="dismiss", reason="superfan", note="she loves them").status_code == 200
    answer = ana.send(users[0], mine, verdict="confirm", reason="velocity", note="too fast")
    assert answer.status_code == 409
    for text in (
        "ben",
        "a genuine fan of one artist",
        "she loves them",
        "more plays than a person can hear",
        "too fast",
    ):
        assert text in answer.text
    assert latest(state, users[0]).analyst == "ben"
    assert ana.confirm(users[0]).status_code == 200
    assert [d.analyst for d in state.store.history(case_id(users[0]))] == ["ben", "ana"]


def test_an_undo_brings_the_case_back_and_is_kept_in_the_history(
    state: AppState, ana: Browser, users: list[str]
) -> None:
    ana.confirm(users[0])
    assert ana.step(users[0], v.UNDO).status_code == 200
    assert [d.step for d in state.store.history(case_id(users[0]))] == [v.DECIDE, v.UNDO]
    assert state.cases.queue("suspected", 9)[0].user_id == users[0]
    assert outcomes(state) == {}


def test_an_undo_of_a_second_decision_restores_the_first(state: AppState, ana: Browser, users: list[str]) -> None:
    ana.confirm(users[0])
    ana.send(users[0], ana.form(users[0]), verdict="dismiss", reason="superfan")
    ana.step(users[0], v.UNDO)
    assert latest(state, users[0]).verdict == v.CONFIRM


def test_only_who_decided_can_undo_and_only_once(ana: Browser, ben: Browser, users: list[str]) -> None:
    ana.confirm(users[0])
    assert ben.step(users[0], v.UNDO).status_code == 422
    assert ana.step(users[0], v.UNDO).status_code == 200
    assert ana.step(users[0], v.UNDO).status_code == 422


def test_an_appeal_waits_and_a_roll_back_moves_counts_and_money(
    state: AppState, ana: Browser, ben: Browser, users: list[str]
) -> None:
    ana.confirm(users[0])
    assert ana.step(users[0], v.APPEAL, note="the holder wrote").status_code == 200
    assert [case.user_id for case in state.cases.queue("waiting", 9)] == users[:1]
    assert outcomes(state) == {"appealed": (1, 200)}
    assert ben.step(users[0], v.ROLL_BACK, reason="venue_account", note="a bar").status_code == 200
    assert outcomes(state) == {"dismiss": (1, 200)}
    assert [d.step for d in state.store.history(case_id(users[0]))] == [v.DECIDE, v.APPEAL, v.ROLL_BACK]
    assert "No case has been decided by two analysts yet" in ana.client.get("/quality").text, (
        "an appeal is no second opinion"
    )


def test_an_appeal_can_be_turned_down_and_needs_a_confirmed_case(
    state: AppState, ana: Browser, ben: Browser, users: list[str]
) -> None:
    ana.send(users[1], ana.form(users[1]), verdict="dismiss", reason="superfan")
    assert ana.step(users[1], v.APPEAL).status_code == 422
    ana.confirm(users[0])
    assert "rite a note" in ana.step(users[0], v.APPEAL).text
    assert ana.step(users[0], v.APPEAL, note="the holder wrote").status_code == 200
    assert ben.step(users[0], v.ROLL_BACK, note="a bar").status_code == 422, "without a reason"
    assert "rite a note" in ben.step(users[0], v.UPHOLD).text
    assert ana.step(users[0], v.UPHOLD, note="no new fact").status_code == 200
    assert "by the person who confirmed it" in ana.client.get(f"/cases/{case_id(users[0])}").text
    assert outcomes(state) == {"confirm": (1, 200), "dismiss": (1, 199)}


def test_while_an_appeal_waits_nobody_decides_again_and_a_settled_one_is_not_undone(
    state: AppState, ana: Browser, ben: Browser, users: list[str]
) -> None:
    ana.confirm(users[0])
    ana.step(users[0], v.APPEAL, note="the holder wrote")
    dismissed = ana.send(users[0], ana.form(users[0]) | {"step": v.DECIDE}, verdict="dismiss", reason="superfan")
    assert (dismissed.status_code, "an appeal waits" in dismissed.text.lower()) == (422, True)
    ben.step(users[0], v.UPHOLD, note="no new fact")
    assert f'value="{v.UNDO}"' not in ben.client.get(f"/cases/{case_id(users[0])}").text
    assert "record the appeal again" in ben.step(users[0], v.UNDO).text
    assert ana.step(users[0], v.APPEAL, note="the holder wrote again").status_code == 200
    assert [case.user_id for case in state.cases.queue("waiting", 9)] == users[:1]


def test_a_case_that_was_flagged_while_somebody_looked_is_looked_at_again(
    state: AppState, ana: Browser, users: list[str]
) -> None:
    opened = ana.form(users[0])
    later = tiny_world.sessions([users[0]], first=50, hour=9)
    tiny_world.commit(state.world, "sessions", later)
    state.refresh()
    answer = ana.send(users[0], opened, verdict="dismiss", reason="superfan")
    assert (answer.status_code, "changed while you looked" in answer.text) == (422, True)
    assert state.store.all() == []
    again = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', answer.text))
    assert ana.send(users[0], again | {"step": v.DECIDE}, verdict="dismiss", reason="superfan").status_code == 200


def test_a_blind_case_that_needs_more_stays_blind(state: AppState, ana: Browser, users: list[str]) -> None:
    with closing(sqlite3.connect(state.index.path)) as db, db:
        db.execute("update cases set drawn_by = 'blind' where user_id = ?", (users[0],))
    assert "scored" not in ana.form(users[0]), "when it was flagged shows that it was"
    ana.send(users[0], ana.form(users[0]), verdict=v.NEED_MORE, reason="more_days")
    assert (
        "Score, reasons and flagged sessions are shown after that" in ana.client.get(f"/cases/{case_id(users[0])}").text
    )
    (row,) = state.cases.queue("waiting", 9)
    assert row.is_hidden
    ana.confirm(users[0])
    assert "How much each measure raised" in ana.client.get(f"/cases/{case_id(users[0])}").text


def test_a_verdict_survives_a_fresh_version_of_the_world(state: AppState, ana: Browser, users: list[str]) -> None:
    ana.confirm(users[0])
    state.world.start_version()
    state.refresh()
    assert state.cases.queue("suspected", 9) == []
    assert latest(state, users[0]).verdict == v.CONFIRM
