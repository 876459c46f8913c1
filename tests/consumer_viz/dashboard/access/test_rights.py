"""Every route says which right it needs; what a role lacks is refused in one line."""

from typing import Any

import pytest

from consumer_viz.dashboard.access import rights
from consumer_viz.dashboard.access.provider import ProviderSettings, ProviderSignIn
from consumer_viz.dashboard.access.rights import ROUTE_RIGHTS, Right, RoleMap, RoleSettingError
from consumer_viz.dashboard.app import create_app
from consumer_viz.dashboard.state import AppState
from tests.consumer_viz.dashboard.analyst import Browser


def routes(state: AppState) -> set[str]:
    """Return method and path of each route, however deep a router holds it."""
    found: set[str] = set()
    waiting: list[Any] = list(create_app(state).routes)
    while waiting:
        route = waiting.pop()
        waiting += getattr(getattr(route, "original_router", None), "routes", [])
        if hasattr(route, "endpoint"):
            found |= {f"{method} {route.path}" for method in route.methods or () if method != "HEAD"}
    return found


def test_every_route_has_a_right_and_every_right_a_route(state: AppState) -> None:
    sign_in = {route for route, right in ROUTE_RIGHTS.items() if right is Right.ANYBODY}
    assert routes(state) == set(ROUTE_RIGHTS) - sign_in
    state.sign_in = ProviderSignIn(
        ProviderSettings("https://id.example", "desk", "", "https://desk.example"), RoleMap({}, {})
    )
    assert routes(state) == set(ROUTE_RIGHTS)


def test_a_route_without_a_right_answers_nobody(ana: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ana.client.get("/quality").status_code == 200
    monkeypatch.delitem(rights.ROUTE_RIGHTS, "GET /quality")
    answer = ana.client.get("/quality")
    assert answer.status_code == 403
    assert "access/rights.py" in answer.text


@pytest.mark.parametrize("text", ["ana", "ana=boss", "=reviewer", "ana:reviewer", "*=local"])
def test_a_wrong_role_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(RoleSettingError, match="PLAYPROOF_ROLES"):
        RoleMap.parse(text)
