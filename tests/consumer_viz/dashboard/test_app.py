"""The application as a whole: every page answers, a fault stays on its page, nobody is called a fraudster."""

import subprocess
import sys

import pytest
from fastapi.testclient import TestClient

from consumer_viz.dashboard.index.sampling import case_id
from consumer_viz.dashboard.state import AppState
from tests.consumer_viz.dashboard.analyst import HOME, PAGES, Browser
from tests.consumer_viz.dashboard.tiny_world import TOKEN


@pytest.mark.parametrize("path", PAGES)
def test_every_page_answers_whoever_came_with_the_token(ana: Browser, path: str) -> None:
    answer = ana.client.get(path)
    assert answer.status_code == 200
    assert "<h1>" in answer.text


def test_no_page_calls_anybody_a_fraudster(ana: Browser, users: list[str]) -> None:
    for path in (*PAGES, f"/cases/{case_id(users[0])}"):
        assert "fraudster" not in ana.client.get(path).text.lower()


def test_a_fault_of_one_page_is_said_on_it_and_the_others_go_on(
    ana: Browser, state: AppState, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(n: int) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(state.catalogue, "suspect_tracks", broken)
    client = TestClient(ana.client.app, base_url=HOME, raise_server_exceptions=False)
    client.get(f"/?token={TOKEN}")
    answer = client.get("/live")
    assert answer.status_code == 500
    assert "This page has a fault" in answer.text
    assert "ZeroDivisionError" not in answer.text
    assert client.get("/queue").status_code == 200


def test_the_pages_load_neither_scikit_learn_nor_matplotlib_nor_spark() -> None:
    heavy = "{'sklearn', 'matplotlib', 'pyspark', 'xgboost'}"
    command = f"import sys, consumer_viz.dashboard.serve; print({heavy} & set(sys.modules))"
    assert subprocess.check_output([sys.executable, "-c", command], text=True) == "set()\n"
