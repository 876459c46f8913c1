"""Page Health."""

import json
import re
from datetime import UTC, datetime, timedelta

from consumer_viz.dashboard.state import AppState
from consumer_viz.feed.counts import FeedCounts, Snapshot
from consumer_viz.feed.messages import MessageCounts
from contracts.events import PLAYS
from runtime.errors import SecuritySettingError
from runtime.monitoring.trouble import Trouble
from tests.consumer_viz.dashboard.analyst import Browser


class CountsFeed:
    """A feed over a counts that a test fills."""

    def __init__(self, counts: FeedCounts) -> None:
        self._tally = counts

    def snapshot(self, since: float = 0) -> Snapshot:
        return self._tally.snapshot(at=0, since=since)


def test_the_health_page_tells_an_idle_job_from_a_silent_one(ana: Browser, state: AppState) -> None:
    ended = datetime.now(UTC) - timedelta(minutes=10)
    line = {"name": "sessions", "batchId": 3, "timestamp": ended.isoformat(), "batchDuration": 500}
    state.world.unit.progress.mkdir(parents=True)
    (state.world.unit.progress / "sessions.jsonl").write_text(json.dumps(line) + "\n")
    page = ana.client.get("/health").text
    files = sum(1 for file in state.world.unit.lake.rglob("*") if file.is_file())
    assert f"<dt>files of the lake</dt><dd>{files}</dd>" in page
    assert re.search(r"<dt>bytes of a session</dt><dd>[\d,]{3,}</dd>", page)
    counts = FeedCounts()
    state.feed = CountsFeed(counts)
    assert "nothing has arrived since" in ana.client.get("/health").text
    counts.add_rows(MessageCounts(PLAYS, int(ended.timestamp()) + 60, 1, 200, 120, 0))
    assert "Batches wait" in ana.client.get("/health").text


def test_what_the_threads_behind_the_pages_cannot_do_is_on_the_health_page(ana: Browser, state: AppState) -> None:
    sending = Trouble("desk", "nothing goes to topic verdicts")
    state.troubles, state.feed = (sending,), CountsFeed(FeedCounts(trouble="no broker answers at b:1"))
    sending.report(SecuritySettingError("ca.pem cannot be read"))
    alerts = re.findall(r'<p class="alert" role="status">(.*?)</p>', ana.client.get("/health").text)
    assert alerts == ["no broker answers at b:1", "nothing goes to topic verdicts: ca.pem cannot be read"]
    sending.clear()
    state.feed = None
    assert 'class="alert"' not in ana.client.get("/health").text
