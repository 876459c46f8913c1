"""Verdicts: each counts once, none is lost, two analysts see each other, all can be undone and is audited."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from consumer_viz.dashboard.decisions.rules import Conflict, Decision, Draft, Refused
from consumer_viz.dashboard.decisions.store import VerdictStore
from consumer_viz.dashboard.index import case_index
from consumer_viz.dashboard.index.sampling import case_id
from consumer_viz.dashboard.state import Desk
from contracts import verdicts as v
from tests.consumer_viz.dashboard import desks
from tests.consumer_viz.dashboard.analyst import Browser
from tests.consumer_viz.dashboard.desks import NOON

DRAFT = Draft("c-1", "u1", v.DECIDE, "ana", 0, "k1", v.CONFIRM, "velocity", "fast", "m@1", eur=2.5, streams=700)


@pytest.fixture
def store(tmp_path: Path) -> VerdictStore:
    ticks = iter(NOON + timedelta(seconds=n) for n in range(1000))
    return VerdictStore(tmp_path / "verdicts.sqlite", now=lambda: next(ticks))


def standing(desk: Desk, user: str) -> Decision:
    decision = desk.store.standing(case_id(user))
    assert decision is not None
    return decision


def outcome(desk: Desk) -> dict[str, tuple[int, int]]:
    return {line["verdict"]: (line["cases"], line["streams"]) for line in desk.cases.outcome()}


def test_a_decision_leaves_the_queue_and_counts_with_its_money(desk: Desk, ana: Browser, users: list[str]) -> None:
    assert ana.confirm(users[0]).status_code == 200
    assert [case.user_id for case in desk.cases.queue("suspected", 9)] == users[1:]
    assert [case.user_id for case in desk.cases.queue("decided", 9)] == users[:1]
    assert outcome(desk) == {"confirm": (1, 200)}


def test_a_form_without_the_csrf_token_changes_nothing(desk: Desk, ana: Browser, users: list[str]) -> None:
    form = ana.form(users[0])
    for csrf in ({}, {"csrf": ""}, {"csrf": "x" * 32}):
        sent = {k: value for k, value in form.items() if k != "csrf"} | csrf
        assert ana.send(users[0], sent, verdict="confirm", reason="velocity").status_code == 403
    assert ana.client.post("/me", data={"name": "eve"}).status_code == 403
    assert desk.store.all() == []


def test_a_token_of_another_browser_is_no_token(desk: Desk, ana: Browser, ben: Browser, users: list[str]) -> None:
    form = ana.form(users[0]) | {"csrf": ben.form(users[0])["csrf"]}
    assert ana.send(users[0], form, verdict="confirm", reason="velocity").status_code == 403


def test_a_form_from_another_site_or_too_large_is_not_taken(ana: Browser, users: list[str]) -> None:
    form = ana.form(users[0]) | {"verdict": "confirm", "reason": "velocity"}
    path = f"/cases/{case_id(users[0])}/verdict"
    assert ana.client.post(path, data=form, headers={"origin": "https://evil.example"}).status_code == 403
    assert ana.client.post(path, data=form | {"note": "x" * 70_000}).status_code == 413


def test_a_form_sent_twice_counts_once(desk: Desk, ana: Browser, users: list[str]) -> None:
    form = ana.form(users[0])
    for _ in range(2):
        assert ana.send(users[0], form, verdict="confirm", reason="velocity").status_code == 200
    assert len(desk.store.all()) == 1


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
    desk: Desk, ana: Browser, users: list[str], values: dict[str, str]
) -> None:
    answer = ana.send(users[0], ana.form(users[0]) | values)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert desk.store.all() == []


def test_two_analysts_in_conflict_see_both_and_the_first_stands(
    desk: Desk, ana: Browser, ben: Browser, users: list[str]
) -> None:
    mine, theirs = ana.form(users[0]), ben.form(users[0])
    assert ben.send(users[0], theirs, verdict="dismiss", reason="superfan", note="she loves them").status_code == 200
    answer = ana.send(users[0], mine, verdict="confirm", reason="velocity", note="too fast")
    assert answer.status_code == 409
    for said in ("ben", "one artist, for love", "she loves them", "more plays than a person can hear", "too fast"):
        assert said in answer.text
    assert standing(desk, users[0]).analyst == "ben"
    assert ana.confirm(users[0]).status_code == 200
    assert [d.analyst for d in desk.store.history(case_id(users[0]))] == ["ben", "ana"]


def test_an_undo_brings_the_case_back_and_is_kept_in_the_history(desk: Desk, ana: Browser, users: list[str]) -> None:
    ana.confirm(users[0])
    assert ana.step(users[0], v.UNDO).status_code == 200
    assert [d.step for d in desk.store.history(case_id(users[0]))] == [v.DECIDE, v.UNDO]
    assert desk.cases.queue("suspected", 9)[0].user_id == users[0]
    assert outcome(desk) == {}


def test_an_undo_of_a_second_decision_restores_the_first(desk: Desk, ana: Browser, users: list[str]) -> None:
    ana.confirm(users[0])
    ana.send(users[0], ana.form(users[0]), verdict="dismiss", reason="superfan")
    ana.step(users[0], v.UNDO)
    assert standing(desk, users[0]).verdict == v.CONFIRM


def test_only_who_decided_can_undo_and_only_once(ana: Browser, ben: Browser, users: list[str]) -> None:
    ana.confirm(users[0])
    assert ben.step(users[0], v.UNDO).status_code == 422
    assert ana.step(users[0], v.UNDO).status_code == 200
    assert ana.step(users[0], v.UNDO).status_code == 422


def test_an_appeal_waits_and_a_roll_back_moves_counts_and_money(
    desk: Desk, ana: Browser, ben: Browser, users: list[str]
) -> None:
    ana.confirm(users[0])
    assert ana.step(users[0], v.APPEAL, note="the holder wrote").status_code == 200
    assert [case.user_id for case in desk.cases.queue("waiting", 9)] == users[:1]
    assert outcome(desk) == {"appealed": (1, 200)}
    assert ben.step(users[0], v.ROLL_BACK, reason="venue_account").status_code == 200
    assert outcome(desk) == {"dismiss": (1, 200)}
    assert [d.step for d in desk.store.history(case_id(users[0]))] == [v.DECIDE, v.APPEAL, v.ROLL_BACK]
    assert "0 of 1" in ana.client.get("/quality").text


def test_an_appeal_can_be_turned_down_and_needs_a_confirmed_case(
    desk: Desk, ana: Browser, ben: Browser, users: list[str]
) -> None:
    ana.send(users[1], ana.form(users[1]), verdict="dismiss", reason="superfan")
    assert ana.step(users[1], v.APPEAL).status_code == 422
    ana.confirm(users[0])
    ana.step(users[0], v.APPEAL)
    assert ben.step(users[0], v.ROLL_BACK).status_code == 422  # without a reason
    assert ben.step(users[0], v.UPHOLD).status_code == 200
    assert outcome(desk) == {"confirm": (1, 200), "dismiss": (1, 199)}


def test_a_dismissed_account_that_is_flagged_again_comes_back(desk: Desk, ana: Browser, users: list[str]) -> None:
    ana.send(users[0], ana.form(users[0]), verdict="dismiss", reason="superfan")
    assert users[0] not in [case.user_id for case in desk.cases.queue("suspected", 9)]
    later = desks.sessions([users[0]], first=50, hour=24 * 365 * 100 // 24)
    later["scored_at"] = later["scored_at"] + timedelta(days=365 * 100)
    desks.commit(desk.world, "sessions", later, batch=7)
    desk.refresh()
    [back] = [case for case in desk.cases.queue("suspected", 9) if case.user_id == users[0]]
    assert back.is_back


def test_what_is_new_waits_behind_the_pill(desk: Desk, ana: Browser, users: list[str]) -> None:
    shown = desk.index.stamp
    assert desk.cases.new_since(shown) == 0
    desks.commit(desk.world, "sessions", desks.sessions([*users, "newcomer"], first=70, hour=5), batch=8)
    desk.refresh()
    assert desk.cases.new_since(shown) == 1


def test_every_attempt_is_audited_and_the_audit_cannot_be_changed(store: VerdictStore) -> None:
    store.write(DRAFT)
    with pytest.raises(Conflict):
        store.write(replace(DRAFT, key="k2", analyst="ben"))
    with pytest.raises(Refused):
        store.write(replace(DRAFT, key="k3", seen_version=1, verdict="guilty"))
    assert [row[1] for row in store.audit("c-1")] == ["ana", "ben", "ana"]
    assert [row[-1].partition(":")[0] for row in store.audit("c-1")] == ["saved as version 1", "conflict", "refused"]
    for statement in ("delete from audit", "update audit set analyst = 'x'", "delete from decisions",
                      "update decisions set verdict = 'dismiss'"):  # fmt: skip
        with sqlite3.connect(store.path) as db, pytest.raises(sqlite3.IntegrityError, match="append only"):
            db.execute(statement)


def test_of_many_at_once_one_wins_and_the_rest_are_told(store: VerdictStore) -> None:
    def attempt(n: int) -> str:
        try:
            return store.write(replace(DRAFT, key=f"k{n}", analyst=f"a{n}")).analyst
        except Conflict as conflict:
            return f"lost to {conflict.standing.analyst}"

    with ThreadPoolExecutor(8) as pool:
        said = list(pool.map(attempt, range(16)))
    [winner] = [words for words in said if not words.startswith("lost")]
    assert said.count(f"lost to {winner}") == 15
    assert len(store.all()) == 1


def test_a_verdict_survives_a_fresh_version_of_the_world(desk: Desk, ana: Browser, users: list[str]) -> None:
    ana.confirm(users[0])
    desk.world.start_version()
    desk.refresh()
    assert desk.cases.queue("suspected", 9) == []
    assert standing(desk, users[0]).verdict == v.CONFIRM


def test_the_index_is_made_of_new_files_only_and_can_be_deleted(desk: Desk, users: list[str]) -> None:
    assert desk.index.refresh() is False
    desk.index.path.unlink()
    desk.index.open()
    desk.index.refresh()
    assert [case.user_id for case in desk.cases.queue("suspected", 9)] == users


def test_sessions_of_before_a_feature_are_shown_and_an_index_of_before_it_is_made_anew(
    desk: Desk, ana: Browser, users: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    older = desks.sessions([users[0]], first=60, hour=9).drop(columns=["night_share", "is_paid_plan"])
    desks.commit(desk.world, "sessions", older, batch=6)
    desk.refresh()
    assert desk.trouble == ""
    assert "not measurable" in ana.client.get(f"/cases/{case_id(users[0])}").text
    monkeypatch.setattr(case_index, "FORMAT", 7)
    desk.index.open()
    assert desk.index.stamp == 0
    desk.refresh()
    assert [case.user_id for case in desk.cases.queue("suspected", 9)] == users


def test_a_batch_that_is_not_committed_is_not_shown(desk: Desk, users: list[str]) -> None:
    desks.commit(desk.world, "sessions", desks.sessions(["half"], first=90), batch=9)
    (desk.world.unit.table("sessions") / "batch_id=9" / "_SUCCESS").unlink()
    desk.refresh()
    assert desk.cases.of_account("half") is None


def test_the_browser_of_an_analyst_signs_with_their_name(desk: Desk, ben: Browser, users: list[str]) -> None:
    ben.confirm(users[2])
    assert desk.store.all()[0].analyst == "ben"


def test_the_queue_is_read_in_the_order_of_its_index_so_that_many_cases_cost_what_few_do(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    connect = sqlite3.connect

    def overheard(*where: Any, **how: Any) -> sqlite3.Connection:
        db: sqlite3.Connection = connect(*where, **how)
        db.set_trace_callback(asked.append)
        return db

    monkeypatch.setattr(sqlite3, "connect", overheard)
    desk.cases.queue("suspected", 50)
    [query] = [text for text in asked if text.startswith("select")]
    with desk.cases._both() as db:
        steps = [row[3] for row in db.execute(f"explain query plan {query}")]
    assert steps[0] == "SEARCH c USING INDEX cases_by_risk (drawn_by=?)"
    assert not [step for step in steps if "SCAN" in step or "TEMP" in step]
