"""What a replay exports while it runs."""

from urllib.request import urlopen

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from contracts.metrics import REPLAY
from ops.stack.ports import free_port
from producer.replay.health import ReplayCollector, ReplayHealth, serve
from producer.replay.pace import Pace


def test_every_metric_of_the_contract_is_exported_with_its_value() -> None:
    health = ReplayHealth(batches=3, rows_acknowledged={"plays": 400}, errors=1, behind_s=0.5, clock_ms=2_000)
    health.sent("plays", 200)
    health.sent("plays", 400)
    registry = CollectorRegistry()
    registry.register(ReplayCollector(health))
    text = generate_latest(registry).decode()
    assert all(f"\n{metric.exported}" in text for metric in REPLAY)
    value = registry.get_sample_value
    assert value("playproof_replay_rows_sent_total", {"topic": "plays"}) == 600
    assert value("playproof_replay_rows_acknowledged_total", {"topic": "plays"}) == 400
    assert value("playproof_replay_clock_timestamp_seconds") == 2


def test_it_is_served_on_loopback_and_a_second_replay_goes_on_without(capsys: pytest.CaptureFixture[str]) -> None:
    port = free_port()
    serve(ReplayHealth(), port)
    with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        assert b"playproof_replay_errors_total 0.0" in answer.read()
    serve(ReplayHealth(), port)
    assert capsys.readouterr().err.startswith(f"no metrics: port {port} is not free")


def test_a_batch_that_leaves_after_its_time_is_behind_by_that() -> None:
    at = iter([0.0, 0.0, 5.0])
    pace = Pace(interval_s=2.0, now=lambda: next(at))
    pace.wait_s(0)
    pace.wait_s(0)
    assert pace.behind_s == 3


def test_an_unpaced_replay_is_never_behind() -> None:
    at = iter([0.0, 0.0, 5.0])
    pace = Pace(speed=0, now=lambda: next(at))
    pace.wait_s(0)
    pace.wait_s(0)
    assert pace.behind_s == 0
