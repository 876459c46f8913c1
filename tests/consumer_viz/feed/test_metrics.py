"""What a reader of the topics exports."""

from urllib.request import urlopen

from consumer_viz.feed.counts import PlotBatch, Snapshot
from consumer_viz.feed.messages import FraudWindow
from consumer_viz.feed.metrics import serve
from contracts.metrics import FEED
from ops.stack.ports import free_port


class Feed:
    """A feed that has read two batches and lost its broker."""

    def snapshot(self, since: float = 0) -> Snapshot:
        batches = (PlotBatch(90, 0, 200, 150, 300), PlotBatch(91, 1, 200, 150, 300))
        windows = (FraudWindow(0, 120, 50, 7, 3, 1),)
        return Snapshot(
            100.0, batches, windows, master_rows=400, companion_rows=600, bad_rows=2, trouble="no broker answers"
        )


def test_every_metric_of_the_contract_is_served_on_loopback() -> None:
    port = free_port()
    serve(Feed(), port)
    with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    assert all(any(line.startswith(metric.exported) for line in lines) for metric in FEED)
    assert 'playproof_feed_rows_total{topic="activity"} 600.0' in lines
    assert "playproof_feed_bad_rows_total 2.0" in lines
    assert "playproof_feed_connected 0.0" in lines
    assert "playproof_feed_last_ts_timestamp_seconds 91.0" in lines
    assert "playproof_feed_flagged_sessions 7.0" in lines
