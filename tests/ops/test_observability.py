"""Prometheus's settings and the Grafana board, without either: ports, paths, and every query on a metric we export."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.metrics import METRICS, PORT_OFFSETS
from runtime.resources import CODE as ROOT
from runtime.settings import Settings

FOLDER = ROOT / "observability"
EXPORTED = {metric.exported: metric for metrics in METRICS.values() for metric in metrics}
GRID_WIDTH = 24
"""Of a Grafana board."""
SCRAPED = {"job"}
"""Prometheus's own label: the process that was asked."""


@pytest.fixture(scope="module")
def board() -> dict[str, Any]:
    return json.loads((FOLDER / "grafana" / "boards" / "playproof.json").read_text())


def queries(board: dict[str, Any]) -> list[tuple[str, str]]:
    return [(target["expr"], target["legendFormat"]) for panel in board["panels"] for target in panel["targets"]]


def test_every_query_of_the_board_names_metrics_that_we_export(board: dict[str, Any]) -> None:
    for expression, _ in queries(board):
        named = set(re.findall(r"playproof_\w+", expression))
        assert named, expression
        assert named <= set(EXPORTED), expression


def test_labels_in_queries_and_legends_are_labels_of_their_metric(board: dict[str, Any]) -> None:
    for expression, legend in queries(board):
        known = SCRAPED | {
            label for name in re.findall(r"playproof_\w+", expression) for label in EXPORTED[name].labels
        }
        used = re.findall(r"(\w+)=\"", expression) + re.findall(r"by \((\w+)\)", expression)
        assert {*used, *re.findall(r"{{(\w+)}}", legend)} <= known, expression


def test_counters_are_asked_for_their_rate_or_a_sum(board: dict[str, Any]) -> None:
    for expression, _ in queries(board):
        rated = re.findall(r"(?:rate|increase)\((\w+)", expression)
        assert all(EXPORTED[name].kind == "counter" for name in rated), expression


def test_every_metric_that_an_engineer_must_watch_is_on_the_board(board: dict[str, Any]) -> None:
    shown = " ".join(expression for expression, _ in queries(board))
    for word in ("lag_messages", "batch_seconds", "watermark_lag", "rejected_rows", "late_rows", "state_rows", "model"):
        assert word in shown


def test_panels_lie_on_the_grid_and_do_not_overlap(board: dict[str, Any]) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert at["x"] + at["w"] <= GRID_WIDTH
        assert not cells & taken, panel["title"]
        taken |= cells


def test_prometheus_scrapes_the_default_ports_of_every_process() -> None:
    scraped = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"]
    base = Settings.model_fields["metrics_port"].default
    assert {s["job_name"]: s["static_configs"][0]["targets"] for s in scraped} == {
        name: [f"127.0.0.1:{base + offset}"] for name, offset in PORT_OFFSETS.items()
    }


def test_alerts_ask_for_metrics_that_we_export_and_prometheus_reads_them() -> None:
    settings = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    prometheus = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["prometheus"]
    mounted = {Path(inside).name: outside for outside, inside, *_ in (v.split(":") for v in prometheus["volumes"])}
    (rules,) = settings["rule_files"]
    groups = yaml.safe_load((ROOT / mounted[rules]).read_text())["groups"]
    alerts = [alert for group in groups for alert in group["rules"]]
    for alert in alerts:
        if alert["alert"] in ("JobDown", "JobRestarts"):
            assert 'up{job="job"}' in alert["expr"], "Prometheus's own metric of what it scrapes"
            continue
        named = set(re.findall(r"playproof_\w+", alert["expr"]))
        assert named, alert
        assert named <= set(EXPORTED), alert
        known = {label for name in named for label in EXPORTED[name].labels}
        assert set(re.findall(r'(\w+)!?="', alert["expr"])) <= known, alert


def test_every_alert_has_a_test_in_which_it_fires_and_one_in_which_it_does_not() -> None:
    """`promtool test rules` runs them: tests/ops/promtool/test_alerts.py, where Prometheus is installed."""
    groups = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    tested = yaml.safe_load((FOLDER / "alerts_test.yml").read_text())["tests"]
    outcomes = [(t["alertname"], bool(t["exp_alerts"])) for test in tested for t in test["alert_rule_test"]]
    names = [alert["alert"] for group in groups for alert in group["rules"]]
    assert set(outcomes) == {(name, fires) for name in names for fires in (True, False)}


def test_the_board_finds_its_data_source_and_grafana_the_board(board: dict[str, Any]) -> None:
    provisioning = FOLDER / "grafana" / "provisioning"
    (source,) = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text())["datasources"]
    assert {panel["datasource"]["uid"] for panel in board["panels"]} == {source["uid"]}
    (provider,) = yaml.safe_load((provisioning / "dashboards" / "playproof.yml").read_text())["providers"]
    grafana = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["grafana"]
    mounted = {inside: Path(outside) for outside, inside, _ in (v.split(":") for v in grafana["volumes"])}
    boards = ROOT / mounted[provider["options"]["path"]]
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (boards / Path(home).name).exists()


def test_names_follow_the_habits_of_prometheus() -> None:
    for metric in EXPORTED.values():
        assert re.fullmatch(r"playproof_[a-z_]+", metric.name)
        assert metric.exported.endswith("_total") == (metric.kind == "counter")
        assert metric.meaning
