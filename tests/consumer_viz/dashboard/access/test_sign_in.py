"""Sign in by a reverse proxy's headers; roles decide what a person may do; settings choose the way."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from consumer_viz.dashboard.access.choose import choose_sign_in
from consumer_viz.dashboard.access.provider import ProviderSignIn
from consumer_viz.dashboard.access.proxy import SECRET_HEADER, ProxySignIn
from consumer_viz.dashboard.access.rights import RoleMap
from consumer_viz.dashboard.access.sign_in import TokenSignIn
from consumer_viz.dashboard.app import create_app
from consumer_viz.dashboard.index.sampling import case_id
from consumer_viz.dashboard.state import AppState
from contracts import verdicts as v
from runtime.settings import SettingError, Settings
from tests.consumer_viz.dashboard.analyst import HOME, Browser

PUBLIC = "https://desk.example"
SECRET = "a-secret-of-the-tests"
ROLES = RoleMap.parse("ana=analyst; rita=reviewer; eve=engineer; @fraud=analyst; *=read-only")


class ByProxy(Browser):
    """A person whom a proxy names."""

    def __init__(self, state: AppState, name: str, **headers: str) -> None:
        sent = {SECRET_HEADER: SECRET, "x-forwarded-user": name} | headers
        self.client = TestClient(create_app(state, PUBLIC), base_url=PUBLIC, headers=sent)


@pytest.fixture
def behind_proxy(state: AppState) -> AppState:
    state.sign_in = ProxySignIn(SecretStr(SECRET), "X-Forwarded-User", "X-Forwarded-Groups", ROLES)
    return state


def test_a_person_named_by_the_proxy_signs_with_that_name_and_cannot_change_it(
    behind_proxy: AppState, users: list[str]
) -> None:
    ana = ByProxy(behind_proxy, "ana")
    assert ana.confirm(users[0]).status_code == 200
    assert behind_proxy.store.all()[0].analyst == "ana"
    answer = ana.client.post("/me", data={"csrf": ana.form(users[0])["csrf"], "name": "rita"})
    assert answer.status_code == 403
    assert "sign-in" in answer.text
    ana.confirm(users[1])
    assert [decision.analyst for decision in behind_proxy.store.all()] == ["ana", "ana"]


def test_a_name_and_a_group_that_the_proxy_sends_in_utf_8_are_read_so(state: AppState, users: list[str]) -> None:
    roles = RoleMap.parse("@ermittlung-süd=analyst")
    state.sign_in = ProxySignIn(SecretStr(SECRET), "X-Forwarded-User", "X-Forwarded-Groups", roles)
    sent = {SECRET_HEADER: SECRET, "x-forwarded-user": "Zoë".encode(), "x-forwarded-groups": "ermittlung-süd".encode()}
    zoe = Browser.__new__(Browser)
    zoe.client = TestClient(create_app(state, PUBLIC), base_url=PUBLIC, headers=sent)  # type: ignore[arg-type]
    assert zoe.confirm(users[0]).status_code == 200
    assert state.store.all()[0].analyst == "Zoë"


@pytest.mark.parametrize(
    "headers",
    [
        {"x-forwarded-user": "ana"},
        {"x-forwarded-user": "ana", SECRET_HEADER: "wrong"},
        {SECRET_HEADER: SECRET},
        {"x-forwarded-user": " ", SECRET_HEADER: SECRET},
        [("x-forwarded-user", "ana"), ("x-forwarded-user", "rita"), (SECRET_HEADER, SECRET)],
    ],
)
def test_without_the_secret_or_with_none_or_two_names_there_is_one_clear_refusal(
    behind_proxy: AppState, headers: Any
) -> None:
    for base in (PUBLIC, HOME):
        client = TestClient(create_app(behind_proxy, PUBLIC), base_url=base)
        answer = client.get("/queue", headers=headers)
        assert answer.status_code == 403
        assert "reverse proxy only" in answer.text
    assert client.get("/?token=whatever", headers=headers).status_code == 403


def test_a_role_is_by_name_by_group_or_that_of_others_and_says_what_it_may(
    behind_proxy: AppState, users: list[str]
) -> None:
    other = ByProxy(behind_proxy, "otto")
    page = other.client.get(f"/cases/{case_id(users[0])}")
    assert page.status_code == 200
    assert "read-only, looks at cases" in page.text
    form = other.fields("/queue") | {"version": "0", "key": "k"}
    answer = other.send(users[0], form, verdict=v.CONFIRM, reason="velocity")
    assert answer.status_code == 403
    assert "Your role, read-only, does not allow to decide or assign cases." in answer.text
    groups = {"x-forwarded-groups": "staff, fraud"}
    assert ByProxy(behind_proxy, "otto", **groups).confirm(users[0]).status_code == 200
    assert ByProxy(behind_proxy, "eve").client.get("/queue").status_code == 200


def test_only_a_reviewer_settles_an_appeal_and_not_one_of_a_case_they_confirmed(
    behind_proxy: AppState, users: list[str]
) -> None:
    ana, rita = ByProxy(behind_proxy, "ana"), ByProxy(behind_proxy, "rita")
    for person, user in ((ana, users[0]), (rita, users[1])):
        person.confirm(user)
        person.step(user, v.APPEAL, note="not me")
    assert "A reviewer settles the appeal." in ana.client.get(f"/cases/{case_id(users[0])}").text
    form = rita.form(users[0]) | {"csrf": ana.fields("/queue")["csrf"], "step": v.UPHOLD}
    refused = ana.send(users[0], form, note="no")
    assert (refused.status_code, "your role does not allow that" in refused.text) == (422, True)
    assert rita.step(users[0], v.UPHOLD, note="no").status_code == 200
    own = rita.step(users[1], v.UPHOLD, note="no")
    assert (own.status_code, "ou confirmed this case" in own.text) == (422, True)


def test_a_form_of_another_site_is_refused_at_the_public_address_too(behind_proxy: AppState, users: list[str]) -> None:
    ana = ByProxy(behind_proxy, "ana")
    form = ana.form(users[0]) | {"verdict": v.CONFIRM, "reason": "velocity"}
    path = f"/cases/{case_id(users[0])}/verdict"
    assert ana.client.post(path, data=form, headers={"origin": "http://desk.example"}).status_code == 403
    assert ana.client.post(path, data=form, headers={"origin": PUBLIC}).status_code == 200


def test_settings_choose_the_sign_in_and_the_token_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(choose_sign_in(Settings(), "ana", "c"), TokenSignIn)
    header = {"sign_in": "header", "public_address": PUBLIC, "roles": "*=analyst"}
    assert isinstance(choose_sign_in(Settings(**header, proxy_secret=SECRET), "ana", "c"), ProxySignIn)
    oidc = {"sign_in": "oidc", "public_address": PUBLIC, "roles": "*=analyst", "oidc_client_id": "desk"}
    assert isinstance(choose_sign_in(Settings(**oidc, oidc_issuer="https://id.example"), "ana", "c"), ProviderSignIn)
    wrong = [
        (header, "PLAYPROOF_PROXY_SECRET"),
        (header | {"proxy_secret": "short"}, "under 16"),
        (header | {"proxy_secret": SECRET, "public_address": "http://desk.example"}, "PLAYPROOF_PUBLIC_ADDRESS"),
        (header | {"proxy_secret": SECRET, "public_address": f"{PUBLIC}/desk"}, "path"),
        (oidc | {"oidc_issuer": "http://id.example"}, "PLAYPROOF_OIDC_ISSUER"),
        (oidc, "PLAYPROOF_OIDC_ISSUER"),
    ]
    for values, message in wrong:
        with pytest.raises(SettingError, match=message):
            choose_sign_in(Settings(**values), "ana", "c")
    with pytest.raises(SettingError, match="none of token, header, oidc"):
        Settings(sign_in="password")
