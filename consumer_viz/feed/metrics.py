"""Prometheus metrics of a feed, for the live plot and for the analyst's pages."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from consumer_viz.feed.counts import Snapshot, SnapshotSource
from contracts.metrics import FEED
from runtime.monitoring.exporter import LOOPBACK, serve_metrics

FAMILIES = {"gauge": GaugeMetricFamily, "counter": CounterMetricFamily}


def serve(source: SnapshotSource, port: int, address: str = LOOPBACK) -> None:
    """Serve the metrics until the process ends. Where the port is taken, print one line and go on."""
    registry = CollectorRegistry()
    registry.register(_FeedCollector(source))
    serve_metrics(registry, port, address)


class _FeedCollector(Collector):
    """Takes a snapshot whenever Prometheus collects."""

    def __init__(self, source: SnapshotSource) -> None:
        self._source = source

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Yield every metric of the contract."""
        values = _values(self._source.snapshot())
        for metric in FEED:
            family = FAMILIES[metric.kind](metric.name, metric.meaning, labels=metric.labels)
            value = values[metric.name]
            for label, number in value.items() if isinstance(value, dict) else [("", value)]:
                family.add_metric([label] if label else [], number)
            yield family


def _values(snapshot: Snapshot) -> dict[str, float | dict[str, int]]:
    return {
        "playproof_feed_rows": {
            snapshot.domain.master: snapshot.master_rows,
            snapshot.domain.companion: snapshot.companion_rows,
        },
        "playproof_feed_bad_messages": snapshot.bad_messages,
        "playproof_feed_bad_rows": snapshot.bad_rows,
        "playproof_feed_catching_up": int(snapshot.is_catching_up),
        "playproof_feed_connected": int(not snapshot.trouble),
        "playproof_feed_last_ts_timestamp_seconds": snapshot.batches[-1].ts if snapshot.batches else 0,
        "playproof_feed_flagged_sessions": snapshot.windows[-1].flagged if snapshot.windows else 0,
    }
