"""Who may use the pages: token, cookie, host, headers, forms."""

import pytest
from fastapi.testclient import TestClient

from consumer_viz.dashboard.app import create_app
from consumer_viz.dashboard.index.sampling import case_id
from consumer_viz.dashboard.state import AppState
from tests.consumer_viz.dashboard.analyst import HOME, PAGES, Browser
from tests.consumer_viz.dashboard.tiny_world import TOKEN


@pytest.mark.parametrize("path", [*PAGES, "/events", "/verdicts.csv", "/live/data", "/cases/c-0/pack.zip"])
def test_no_page_answers_without_token_or_cookie(state: AppState, path: str) -> None:
    answer = TestClient(create_app(state), base_url=HOME).get(path)
    assert answer.status_code == 403
    assert "playproof desk" in answer.text


def test_a_wrong_token_is_refused_and_the_right_one_leaves_the_address(state: AppState) -> None:
    client = TestClient(create_app(state), base_url=HOME, follow_redirects=False)
    assert client.get("/queue?token=wrong").status_code == 403
    answer = client.get(f"/queue?tab=sample&token={TOKEN}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/queue?tab=sample")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "secure" in cookie
    assert "samesite=strict" in cookie


def test_another_name_for_this_machine_is_refused(state: AppState) -> None:
    assert TestClient(create_app(state), base_url="https://evil.example").get(f"/?token={TOKEN}").status_code == 421


def test_every_answer_forbids_foreign_scripts_and_caching(ana: Browser) -> None:
    for path in ("/queue", "/nowhere", "/static/layout/desk.css"):
        headers = ana.client.get(path).headers
        policy = headers["content-security-policy"]
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
    assert ana.client.get("/queue").headers["cache-control"] == "no-store"


@pytest.mark.parametrize("file", ["queue/routes.py", "queue/queue.html", "access/sign_in.py", "../feed/counts.py"])
def test_only_styles_scripts_and_pictures_of_a_page_are_served(ana: Browser, file: str) -> None:
    assert ana.client.get("/static/queue/queue.js").status_code == 200
    assert ana.client.get(f"/static/{file}").status_code == 404


def test_a_form_without_the_csrf_token_changes_nothing(state: AppState, ana: Browser, users: list[str]) -> None:
    form = ana.form(users[0])
    for csrf in ({}, {"csrf": ""}, {"csrf": "x" * 32}):
        sent = {k: value for k, value in form.items() if k != "csrf"} | csrf
        assert ana.send(users[0], sent, verdict="confirm", reason="velocity").status_code == 403
    assert ana.client.post("/me", data={"name": "eve"}).status_code == 403
    assert state.store.all() == []


def test_a_token_of_another_browser_is_no_token(state: AppState, ana: Browser, ben: Browser, users: list[str]) -> None:
    form = ana.form(users[0]) | {"csrf": ben.form(users[0])["csrf"]}
    assert ana.send(users[0], form, verdict="confirm", reason="velocity").status_code == 403
    assert state.store.all() == []


def test_a_form_from_another_site_or_too_large_is_not_taken(state: AppState, ana: Browser, users: list[str]) -> None:
    form = ana.form(users[0]) | {"verdict": "confirm", "reason": "velocity"}
    path = f"/cases/{case_id(users[0])}/verdict"
    assert ana.client.post(path, data=form, headers={"origin": "https://evil.example"}).status_code == 403
    assert ana.client.post(path, data=form | {"note": "x" * 70_000}).status_code == 413
    assert state.store.all() == []


def test_the_browser_of_an_analyst_signs_with_their_name(state: AppState, ben: Browser, users: list[str]) -> None:
    ben.confirm(users[2])
    assert state.store.all()[0].analyst == "ben"
