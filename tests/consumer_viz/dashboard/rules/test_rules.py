"""Page Rules: a rule is written, refused with its place, tested, run and made active; a hit opens a case."""

import re
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from fastapi.testclient import TestClient

from consumer_viz.dashboard.index.sampling import case_id
from consumer_viz.dashboard.state import AppState
from runtime.monitoring.rules import record_rules
from tests.consumer_viz.dashboard.analyst import Browser
from tests.consumer_viz.dashboard.tiny_world import NOON, commit, make_state

TEXT = "streams >= 100 and share_30_35 > 0.4"
IN_A_MONTH = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()
"""Not over, though a run may go on past midnight."""


def plain(html: str) -> str:
    return html.replace("\xa0", " ")


def post(browser: Browser, path: str, **values: str) -> str:
    """Send a form as the page does; return the page that follows."""
    client: TestClient = browser.client
    answer = client.post(path, data={"csrf": browser.fields("/rules")["csrf"]} | values)
    assert answer.status_code in (200, 422)
    return plain(answer.text)


def save(browser: Browser, text: str = TEXT, **values: str) -> str:
    form = {"rule_id": "short-loop", "title": "stops at 31 s", "grain": "session", "text": text, "seen": "0"}
    return post(browser, "/rules", **(form | {"action": "save"} | values))


def step(browser: Browser, state: str, version: str = "1") -> str:
    return post(browser, "/rules/short-loop/step", version=version, state=state)


def hit(state: str = "active", user: str = "honest1", allowed: str | None = None) -> pd.DataFrame:
    session = "honest1:1000:0" if user == "honest1" else f"{user}:0:0"
    row = {
        "session_key": session, "user_id": user, "rule_id": "short-loop", "rule_version": 2, "state": state,
        "title": "stops at 31 s", "allowed_by": allowed, "is_flagged": False, "streams": 3, "scored_at": NOON,
        "features": [{"feature": "streams", "value": 3.0}],
    }  # fmt: skip
    return pd.DataFrame([row])


def test_a_wrong_text_is_refused_with_its_place_under_it_and_kept_in_the_editor(ana: Browser) -> None:
    html = save(ana, "streams >= 100 and share3035 > 0.4")
    assert "Line 1, column 20: there is no &#39;share3035&#39;: did you mean &#39;share_30_35&#39;?" in html
    assert 'data-column="20"' in html
    assert "streams &gt;= 100 and share3035 &gt; 0.4" in html
    assert "No rules yet" in html


def test_a_rule_is_drafted_tested_run_in_the_shadow_and_made_active_by_another_person(
    state: AppState, ana: Browser, ben: Browser
) -> None:
    ana.confirm("honest1")  # two people work here
    ben.confirm(state.cases.queue("suspected", 1)[0].user_id)
    assert "It needs a back-test" in save(ana)
    html = post(ana, "/rules/short-loop/test", version="1")
    assert "sessions hit, of 4" in html
    assert "none decided yet" not in html
    assert "100 %" in html
    assert "You wrote it, so another person makes it active: ben." in step(ana, "shadow")
    assert "by ana: another person makes it active (ben)" in step(ana, "active")
    assert "made active by ben" in step(ben, "active")
    assert state.rules.version("short-loop").state == "active"
    assert "waits for the next micro-batch" in ana.client.get("/rules").text
    running = [["short-loop", 1, "active", "", "session", TEXT]]
    record_rules(state.world.unit, 7, {"rules": running, "exempt": [], "refused": ["a message is no JSON"]})
    html = ana.client.get("/rules").text
    assert "the job has it" in html
    assert "number 7" in html
    assert "a message is no JSON" in html


def test_one_person_alone_approves_and_is_told_so(ana: Browser) -> None:
    save(ana)
    post(ana, "/rules/short-loop/test", version="1")
    step(ana, "shadow")
    html = step(ana, "active")
    assert "made active by ana, alone" in html
    assert "You are the only person of this world" in html


def test_a_text_is_tried_without_saving_and_a_stale_form_does_not_overwrite(ana: Browser, state: AppState) -> None:
    html = save(ana, action="try")
    assert "The text is good. It names streams, share_30_35." in html
    assert "Tried on what is there" in html
    assert state.rules.versions() == []
    save(ana)
    assert "Somebody saved version 1 of short-loop in between" in save(ana, is_next="1")
    assert state.rules.version("short-loop").version == 1


def test_an_account_passes_until_a_day_and_no_longer_when_that_is_ended(ana: Browser, state: AppState) -> None:
    assert "choose the last day" in post(ana, "/exemptions", kind="account", subject="u1", until="", why="x").lower()
    form = {"kind": "account", "subject": "u1"}
    html = post(ana, "/exemptions", **form, until=IN_A_MONTH, why="a cafe <b>")
    assert "a cafe &lt;b&gt;" in html
    post(ana, "/exemptions", **form, action="end")
    assert not state.rules.exemptions()[0].is_in_force(IN_A_MONTH)


def test_a_flag_of_a_rule_opens_a_case_that_names_rule_and_version(state: AppState) -> None:
    commit(state.world, "rule_hits", hit())
    state.refresh()
    case = state.cases.one(case_id("honest1"))
    assert case is not None
    assert (case.flagged, case.streams, case.probability, case.last_scored_at) == (
        1,
        3,
        0.5,
        "2025-03-03T14:00:00.000Z",
    )
    browser = Browser(state)
    if not case.is_hidden:
        html = plain(browser.client.get(f"/cases/{case.case_id}").text)
        assert "Rule short-loop v2, in 1 session: stops at 31 s; in the largest: 3" in html


@pytest.mark.parametrize("row", [hit("shadow"), hit(allowed="account:honest1")], ids=["shadow", "allowed"])
def test_in_the_shadow_or_let_pass_a_hit_opens_no_case_and_is_counted(state: AppState, row: pd.DataFrame) -> None:
    commit(state.world, "rule_hits", row)
    state.refresh()
    case = state.cases.one(case_id("honest1"))
    assert case is not None
    assert case.flagged == 0
    browser = Browser(state)
    save(browser)
    save(browser, seen="1")
    post(browser, "/rules/short-loop/test", version="2")
    assert "1 session of 1 account" in step(browser, "shadow", "2")


def test_a_rule_over_days_opens_a_case_that_names_it(state: AppState) -> None:
    row = {"user_id": "honest1", "grain": "day", "last_day": NOON.date(), "days": 1, "rule_id": "awake",
           "rule_version": 1, "state": "active", "title": "no sleep", "allowed_by": None,
           "reasons": ["21 h"]}  # fmt: skip
    rows = [row, row | {"user_id": "other", "state": "shadow"}]
    commit(state.world, "rule_days", pd.DataFrame(rows))
    state.refresh()
    case = state.cases.one(case_id("honest1"))
    assert case is not None
    assert case.drawn_by != "none"
    assert [row["rule_id"] for row in state.accounts.rule_days("honest1")] == ["awake"]
    assert state.accounts.rule_days("other") == []


def test_a_shown_case_lists_the_rules_that_its_sessions_meet(state: AppState) -> None:
    user = state.cases.queue("suspected", 1)[0].user_id
    commit(state.world, "rule_hits", hit("shadow", user))
    state.refresh()
    html = Browser(state).client.get(f"/cases/{case_id(user)}").text
    assert re.search(r"short-loop</a> v2.*runs in the shadow", html)


def test_a_rule_that_is_not_there_and_a_form_without_a_number_are_refused(ana: Browser) -> None:
    assert ana.client.get("/rules/nothing").status_code == 404
    save(ana)
    assert "reload the page" in step(ana, "archived", "x")
    assert ana.client.post("/rules", data={"text": TEXT}).status_code == 403


def test_the_index_of_a_version_without_rules_is_made_again(state: AppState) -> None:
    again = make_state(state.world)
    assert again.accounts.rule_hits("honest1") == []
