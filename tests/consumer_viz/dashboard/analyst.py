"""An analyst's browser without a screen."""

import re

from fastapi.testclient import TestClient

from consumer_viz.dashboard.app import create_app
from consumer_viz.dashboard.index.sampling import case_id
from consumer_viz.dashboard.state import AppState
from tests.consumer_viz.dashboard.tiny_world import TOKEN

HOME = "https://127.0.0.1"
PAGES = ("/live", "/queue", "/queue?tab=sample", "/queue?tab=waiting", "/queue?tab=decided", "/quality", "/models",
         "/health", "/find", "/find?q=user", "/find/accounts?kind=devices&id=d1", "/music/tracks?id=t1",
         "/music/artists?id=a1", "/music/labels?id=l", "/rules")  # fmt: skip


class Browser:
    """An analyst's browser: logged in, fills forms as a person would, with what the page gave."""

    def __init__(self, state: AppState, name: str = "ana", app: object = None) -> None:
        self.client = TestClient(app or create_app(state), base_url=HOME)  # type: ignore[arg-type]
        self.client.get(f"/?token={TOKEN}")
        csrf = self.fields("/queue")["csrf"]
        self.client.post("/me", data={"csrf": csrf, "name": name})

    def fields(self, path: str) -> dict[str, str]:
        """Return the hidden fields of a page; of one name the last, as the decision form is the last form."""
        html = self.client.get(path).text
        return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', html))

    def form(self, user: str) -> dict[str, str]:
        """Open a case as the queue does and return its form's hidden fields."""
        return self.fields(f"/queue/panel/{case_id(user)}")

    def send(self, user: str, form: dict[str, str], **values: str):  # type: ignore[no-untyped-def]
        """Send a decision form through htmx."""
        headers = {"hx-request": "true"}
        return self.client.post(f"/cases/{case_id(user)}/verdict", data=form | values, headers=headers)

    def confirm(self, user: str, **values: str):  # type: ignore[no-untyped-def]
        """Open a case and confirm it."""
        return self.send(user, self.form(user), verdict="confirm", reason="velocity", **values)

    def step(self, user: str, step: str, **values: str):  # type: ignore[no-untyped-def]
        """Open a case and take a further step."""
        return self.send(user, self.form(user) | {"step": step}, **values)
