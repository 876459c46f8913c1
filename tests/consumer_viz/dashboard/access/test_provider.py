"""Sign in at an OpenID Connect provider: what it brings is checked, and ends after a day's work."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from consumer_viz.dashboard.access.provider import SESSION_S, ProviderSettings, ProviderSignIn
from consumer_viz.dashboard.access.rights import RoleMap
from consumer_viz.dashboard.app import create_app
from consumer_viz.dashboard.state import AppState
from tests.consumer_viz.dashboard.access.provider import CLIENT_ID, OTHER_KEY, Provider, running

PUBLIC = "https://desk.example"
ROLES = RoleMap.parse("ana=analyst; rita=reviewer; eve=engineer; @fraud=analyst; *=read-only")


@pytest.fixture(scope="module")
def a_provider() -> Iterator[Provider]:
    with running() as provider:
        yield provider


@pytest.fixture
def provider(a_provider: Provider) -> Provider:
    fresh = Provider(a_provider.issuer)
    vars(a_provider).update(vars(fresh))
    return a_provider


class Clock:
    """A clock that is set."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def desk(state: AppState, provider: Provider, clock: Clock) -> TestClient:
    settings = ProviderSettings(provider.issuer, CLIENT_ID, "", PUBLIC)
    state.sign_in = ProviderSignIn(settings, ROLES, clock=clock)
    return TestClient(create_app(state, PUBLIC), base_url=PUBLIC, follow_redirects=False)


def at_provider(desk: TestClient, page: str = "/quality?x=1") -> str:
    """Open a page, follow to the provider and back; return the address that the provider sends the browser to."""
    lead = desk.get(page)
    assert lead.headers["location"].startswith("/sign-in?back=")
    out = desk.get(lead.headers["location"])
    assert out.status_code == 302, out.text
    back = httpx.get(out.headers["location"], trust_env=False).headers["location"]
    assert back.startswith(f"{PUBLIC}/sign-in/callback?")
    return str(back)


def test_who_signs_in_at_the_provider_gets_the_page_they_asked_for_and_their_role(
    desk: TestClient, clock: Clock
) -> None:
    welcome = desk.get(at_provider(desk))
    assert (welcome.status_code, welcome.headers["location"]) == (303, "/quality?x=1")
    cookies = welcome.headers["set-cookie"].lower()
    assert "httponly" in cookies
    assert "secure" in cookies
    page = desk.get("/quality")
    assert "Role: <b>analyst</b>" in page.text
    clock.now += SESSION_S
    assert desk.get("/quality").status_code == 303
    assert desk.post("/me", data={"name": "x"}).status_code == 401


def old(claims: dict[str, Any]) -> dict[str, Any]:
    return claims | {"iat": claims["iat"] - 7200, "exp": claims["exp"] - 7200}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda claims: claims | {"aud": "another"},
        lambda claims: claims | {"aud": ["another"], "azp": CLIENT_ID},
        old,
        lambda claims: claims | {"nonce": "another"},
        lambda claims: {name: value for name, value in claims.items() if name != "nonce"},
        lambda claims: claims | {"iss": "https://evil.example"},
        lambda claims: {name: value for name, value in claims.items() if name != "exp"},
    ],
    ids=["audience", "audience of another with our azp", "expired", "nonce", "no nonce", "issuer", "no expiry"],
)
def test_a_token_that_is_not_for_this_sign_in_is_refused(
    desk: TestClient, provider: Provider, spoil: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    provider.spoil = spoil
    answer = desk.get(at_provider(desk))
    assert answer.status_code == 403
    assert "not accepted" in answer.text
    assert desk.get("/quality").status_code == 303, "nobody is signed in"


def test_a_token_of_another_key_or_none_at_all_is_refused(desk: TestClient, provider: Provider) -> None:
    provider.key = OTHER_KEY
    assert desk.get(at_provider(desk)).status_code == 403
    provider.sends_id_token = False
    assert desk.get(at_provider(desk)).status_code == 403


def test_an_answer_that_was_not_begun_in_this_browser_or_comes_twice_is_refused(
    desk: TestClient, provider: Provider
) -> None:
    back = at_provider(desk)
    other = TestClient(desk.app, base_url=PUBLIC, follow_redirects=False)
    assert other.get(back).status_code == 403
    assert other.get("/quality").status_code == 303, "the other browser is not signed in"
    assert desk.get(back.replace("state=", "state=x")).status_code == 403
    assert desk.get("/quality").status_code == 303, "nor is this one"
    back = at_provider(desk)
    assert desk.get(back).status_code == 303
    assert desk.get(back).status_code == 403
    assert "Role: <b>analyst</b>" in desk.get("/quality").text, "the first answer counts"


def test_who_has_no_role_or_no_name_is_told_so(state: AppState, desk: TestClient, provider: Provider) -> None:
    provider.claims = {"preferred_username": None}
    assert "no claim preferred_username" in desk.get(at_provider(desk)).text
    state.sign_in._roles = RoleMap.parse("rita=reviewer")  # type: ignore[attr-defined]
    provider.claims = {"preferred_username": "otto"}
    assert desk.get(at_provider(desk)).text == "otto has no role here: PLAYPROOF_ROLES names who has one."


def test_a_provider_that_is_away_or_another_is_named(state: AppState, desk: TestClient, provider: Provider) -> None:
    provider.describes = {"issuer": "https://evil.example"}
    answer = desk.get("/sign-in")
    assert (answer.status_code, "calls itself https://evil.example" in answer.text) == (502, True)
    away = ProviderSettings("http://127.0.0.1:1", CLIENT_ID, "", PUBLIC)
    state.sign_in = ProviderSignIn(away, ROLES)
    answer = TestClient(create_app(state, PUBLIC), base_url=PUBLIC).get("/sign-in")
    assert (answer.status_code, "http://127.0.0.1:1 cannot be used" in answer.text) == (502, True)


def test_the_page_after_the_sign_in_is_one_of_ours(desk: TestClient) -> None:
    out = desk.get("/sign-in?back=//evil.example/x")
    back = httpx.get(out.headers["location"], trust_env=False).headers["location"]
    assert desk.get(back).headers["location"] == "/evil.example/x"
