"""docker-compose.yml, checked without an engine: pins, loopback, the embedded broker's version and settings."""

import re
import xml.etree.ElementTree as ET
from typing import Any

import pytest
import yaml

from contracts.topics import MAX_MESSAGE_BYTES
from ops.stack.broker import server_properties
from runtime.resources import CODE as ROOT

ADDRESSES = {"listeners", "advertised.listeners", "controller.quorum.voters", "log.dirs", "node.id"}
"""Settings that differ between a container and a process, by their nature."""
NAMES = {"listener.security.protocol.map", "inter.broker.listener.name", "num.network.threads", "num.io.threads"}


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


def test_every_image_has_a_pinned_version(services: dict[str, Any]) -> None:
    for service in services.values():
        assert re.fullmatch(r"[a-z/-]+:v?\d+\.\d+\.\d+", service["image"])


def test_compose_runs_the_version_of_the_embedded_broker(services: dict[str, Any]) -> None:
    pinned = [
        d.attrib["rev"] for d in ET.parse(ROOT / "ivy.xml").iter("dependency") if d.attrib["name"] == "kafka_2.13"
    ]
    assert [services["broker"]["image"].partition(":")[2]] == pinned


def test_ports_are_published_on_loopback_only(services: dict[str, Any]) -> None:
    for service in services.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_what_shares_the_network_of_the_machine_listens_on_loopback(services: dict[str, Any]) -> None:
    sharing = {name for name, service in services.items() if service.get("network_mode") == "host"}
    assert sharing == {"prometheus", "grafana"}
    assert "--web.listen-address=127.0.0.1:19090" in services["prometheus"]["command"]
    assert services["grafana"]["environment"]["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"


def test_the_broker_is_checked_by_a_request_and_the_page_waits_for_it(services: dict[str, Any]) -> None:
    check = services["broker"]["healthcheck"]
    assert "--list" in check["test"]
    assert int(check["interval"].removesuffix("s")) >= 30, "each check starts a JVM"
    assert services["ui"]["depends_on"] == {"broker": {"condition": "service_healthy"}}


def test_the_profile_core_has_the_broker_and_ui_has_both(services: dict[str, Any]) -> None:
    profiles = {name: service["profiles"] for name, service in services.items()}
    assert profiles == {"broker": ["core", "ui"], "ui": ["ui"], "prometheus": ["obs"], "grafana": ["obs"]}


def test_programs_on_the_machine_and_in_other_containers_each_have_a_listener(services: dict[str, Any]) -> None:
    environment = services["broker"]["environment"]
    port = "${PLAYPROOF_BROKER_PORT:-19092}"
    assert environment["KAFKA_ADVERTISED_LISTENERS"] == f"HOST://127.0.0.1:{port},NETWORK://broker:9092"
    assert services["broker"]["ports"] == [f"127.0.0.1:{port}:{port}"]


def test_the_container_has_the_settings_of_the_embedded_broker(services: dict[str, Any]) -> None:
    environment = services["broker"]["environment"]
    for line in server_properties(19092, 9093).splitlines():
        name, _, value = line.partition("=")
        if name not in ADDRESSES | NAMES:
            assert environment[f"KAFKA_{name.replace('.', '_').upper()}"] == value, name
    assert environment["KAFKA_MESSAGE_MAX_BYTES"] == str(MAX_MESSAGE_BYTES)
