"""What a reader of the topics exports."""

from urllib.request import urlopen

from consumer_viz.feed.messages import FraudWindow
from consumer_viz.feed.tally import Batch, Snapshot
from consumer_viz.metrics import exposition, serve
from contracts.metrics import FEED
from ops.stack.ports import free_port


class Feed:
    """A feed that has read two batches and lost its broker."""

    def snapshot(self, since: float = 0) -> Snapshot:
        return Snapshot(
            100.0, (Batch(90, 0, 200, 150, 300), Batch(91, 1, 200, 150, 300)), (FraudWindow(0, 120, 50, 7, 3, 1),),
            plays=400, activity=600, bad_rows=2, trouble="no broker answers",
        )  # fmt: skip


def test_every_metric_of_the_contract_is_exported() -> None:
    lines = exposition(Feed()).decode().splitlines()
    assert all(any(line.startswith(metric.exported) for line in lines) for metric in FEED)
    assert 'playproof_feed_rows_total{topic="activity"} 600.0' in lines
    assert "playproof_feed_connected 0.0" in lines
    assert "playproof_feed_last_ts_timestamp_seconds 91.0" in lines
    assert "playproof_feed_flagged_sessions 7.0" in lines


def test_it_is_served_on_loopback() -> None:
    port = free_port()
    serve(Feed(), port)
    with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        assert b"playproof_feed_bad_rows_total 2.0" in answer.read()
