"""docs/guides/walkthrough.md, step by step, on the world that was played live: status, plot, queue, case page."""

import http.client
import json
from collections import Counter
from urllib.parse import urlsplit

from consumer_viz.dashboard.index.sampling import case_id
from contracts.events import ACTIVITY, PLAYS
from tests.flow.conftest import Live, Raid
from tests.flow.lake import rows_of
from tests.flow.stage import WITHIN_S, wait_until


class Browser:
    """Opens the printed address, keeps its cookie, and reads pages."""

    def __init__(self, address: str) -> None:
        self._place = urlsplit(address)
        status, headers, _ = self._ask(f"{self._place.path}?{self._place.query}", {})
        assert status == 303, "the token is exchanged for a cookie"
        self._cookie = {"Cookie": headers["set-cookie"].partition(";")[0]}

    def _ask(self, path: str, headers: dict[str, str]) -> tuple[int, http.client.HTTPMessage, str]:
        connection = http.client.HTTPConnection(self._place.netloc, timeout=WITHIN_S)
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read().decode()
        finally:
            connection.close()

    def page(self, path: str) -> str:
        status, _, text = self._ask(path, self._cookie)
        assert status == 200, f"{path}: {status}"
        return text


def test_status_says_that_everything_was_read_and_which_model_scores(live: Live) -> None:
    found = json.loads(live.stage.finish("status", "--json"))
    job = found["job"]
    assert found["broker_answers"]
    assert job["lag_messages"] == {PLAYS: 0, ACTIVITY: 0}
    assert job["model_version"] == rows_of(live.stage.world.unit, "sessions")[0]["model_version"]
    assert (job["late_rows"], job["rejected_rows"]) == (0, 0)
    assert set(job["queries"]) >= {"sessions", "archive", "scores", "fraud_counts"}


def test_the_attack_is_in_the_plot_in_the_queue_and_on_the_case_page(raid: Raid) -> None:
    assert raid.live.picture.read_bytes().startswith(b"\x89PNG")
    flagged = [row for row in rows_of(raid.live.stage.world.unit, "sessions") if row["is_flagged"]]
    user, _ = Counter(row["user_id"] for row in flagged).most_common(1)[0]
    browser = Browser(raid.address)
    wait_until(lambda: "/cases/" in browser.page("/queue"), "a case in the queue")
    case = browser.page(f"/cases/{case_id(user)}")
    assert user in case
    assert "Why it is suspected" in case or "reviewed without its score" in case
