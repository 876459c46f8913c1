"""The state of a running replay, and its metrics for Prometheus, on loopback."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from contracts.metrics import REPLAY
from runtime.monitoring.exporter import LOOPBACK, serve_metrics

FAMILIES = {"gauge": GaugeMetricFamily, "counter": CounterMetricFamily}


@dataclass(slots=True)
class ReplayHealth:
    """What a replay has done so far. The replay writes it, others read it. Copies are counted, heartbeats are not."""

    batches: int = 0
    rows_sent: dict[str, int] = field(default_factory=dict)
    """By topic."""
    rows_acknowledged: dict[str, int] = field(default_factory=dict)
    """By topic."""
    errors: int = 0
    """How often the broker failed the replay, which then went on from its ledger."""
    behind_s: float = 0.0
    """How far behind its time the last batch left."""
    clock_ms: int = 0
    """The event-time clock of the last batch."""

    def sent(self, topic: str, rows: int) -> None:
        self.rows_sent[topic] = self.rows_sent.get(topic, 0) + rows

    def values(self) -> dict[str, float | dict[str, int]]:
        """Return the value of each metric of the contract: a number, or one by topic."""
        return {
            "playproof_replay_batches": self.batches,
            "playproof_replay_rows_sent": dict(self.rows_sent),
            "playproof_replay_rows_acknowledged": dict(self.rows_acknowledged),
            "playproof_replay_errors": self.errors,
            "playproof_replay_behind_seconds": self.behind_s,
            "playproof_replay_clock_timestamp_seconds": self.clock_ms / 1000,
        }


class ReplayCollector(Collector):
    """Reads a replay's health when it is asked, so that sending costs nothing more."""

    def __init__(self, health: ReplayHealth) -> None:
        self._health = health

    def collect(self) -> Iterator[CounterMetricFamily | GaugeMetricFamily]:
        """Yield every metric of the contract."""
        values = self._health.values()
        for metric in REPLAY:
            family = FAMILIES[metric.kind](metric.name, metric.meaning, labels=metric.labels)
            value = values[metric.name]
            for label, number in value.items() if isinstance(value, dict) else [("", value)]:
                family.add_metric([label] if label else [], number)
            yield family


def serve(health: ReplayHealth, port: int, address: str = LOOPBACK) -> None:
    """Serve until the process ends; where the port is taken, warn and go on: another replay may be running."""
    registry = CollectorRegistry()
    registry.register(ReplayCollector(health))
    serve_metrics(registry, port, address)
