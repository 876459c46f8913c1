"""The same live plot shows a shop: the line of successes is the count by hand, batch by batch."""

import json
from collections import Counter
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from rich.console import Console

from consumer_viz.feed.consumer import topics_read
from consumer_viz.feed.counts import FeedCounts, Snapshot
from consumer_viz.plot.figure import LivePlot, new_figure
from consumer_viz.plot.frontends import terminal
from consumer_viz.plot.frontends.image import write_png
from consumer_viz.plot.view import live_view, run_view
from contracts.domain import MUSIC, SHOP
from contracts.shop import BROWSING, FAIL, SUCCESS, TRANSACTIONS
from contracts.topics import ALERTS, FRAUD_COUNTS

NOW = 1_795_000_000


def send(counts: FeedCounts, topic: str, batch: int, rows: list[dict[str, Any]]) -> None:
    ts = NOW - 60 + batch
    value = json.dumps([{"customer_id": "7", **row, "ts": ts} for row in rows]).encode()
    counts.add_message(topic, value, [("batch", str(batch).encode())], now=NOW)


def payments(*statuses: str) -> list[dict[str, Any]]:
    return [{"payment_status": status} for status in statuses]


@pytest.fixture
def snapshot() -> Snapshot:
    """Forty batches; the third has no transaction, the last one is not full."""
    rng, counts = np.random.default_rng(5), FeedCounts(domain=SHOP)
    for batch in range(40):
        send(counts, BROWSING, batch, [{"event_type": "HP"}] * (200 if batch < 39 else 30))
        made = 0 if batch == 2 else int(rng.integers(1, 12))
        send(counts, TRANSACTIONS, batch, payments(*rng.choice([SUCCESS, FAIL], made).tolist()))
    return counts.snapshot(at=NOW)


def test_the_line_is_the_count_of_successes_of_each_batch(snapshot: Snapshot) -> None:
    rng = np.random.default_rng(5)
    expected = []
    for batch in range(40):
        made = 0 if batch == 2 else int(rng.integers(1, 12))
        expected.append(Counter(rng.choice([SUCCESS, FAIL], made).tolist())[SUCCESS])
    view = run_view(snapshot, ZoneInfo("UTC"))
    assert view.line("successes")[0].tolist() == expected
    assert [int(at) for at in view.series.x] == [NOW - 60 + batch for batch in range(40)]
    assert view.line("companion")[0][2] == view.line("successes")[0][2] == 0
    assert view.line("master")[0].tolist() == [200] * 39 + [30]
    assert view.headline == f"{sum(expected)} of {snapshot.companion_rows} payments went through"


def test_an_empty_list_is_no_bad_message_and_rows_without_a_status_are_bad() -> None:
    counts = FeedCounts(domain=SHOP)
    send(counts, TRANSACTIONS, 1, [])
    send(counts, TRANSACTIONS, 2, [*payments(SUCCESS), {"payment_method": "OVO"}])
    shown = counts.snapshot(at=NOW)
    assert (shown.bad_messages, shown.bad_rows, shown.successes, shown.companion_rows) == (0, 1, 1, 1)


def test_a_shop_is_watched_without_the_fraud_counts_of_music() -> None:
    assert topics_read(SHOP) == (BROWSING, TRANSACTIONS)
    assert topics_read(MUSIC)[-2:] == (FRAUD_COUNTS, ALERTS)


def test_every_front_end_shows_the_panels_of_the_shop(snapshot: Snapshot, zone: ZoneInfo, tmp_path: Path) -> None:
    write_png(run_view(snapshot, zone), tmp_path / "run.png")
    assert (tmp_path / "run.png").stat().st_size > 20_000
    figure = new_figure()
    LivePlot(figure, zone, SHOP).update(live_view(snapshot, zone))
    console = Console(record=True, width=100, force_terminal=False)
    console.print(terminal.draw(live_view(snapshot, zone), 100))
    text = console.export_text()
    shown = {annotation.get_text() for ax in figure.axes for annotation in ax.texts}
    for panel in SHOP.panels:
        assert panel.title in shown
        assert panel.title in text
    assert "looks like bots" not in text


def test_a_shop_of_which_nothing_was_sent_says_so(zone: ZoneInfo) -> None:
    empty = FeedCounts(domain=SHOP).snapshot(at=NOW)
    assert live_view(empty, zone).headline == "Waiting for browsing rows"
    assert run_view(empty, zone).headline == "No browsing rows were sent"
