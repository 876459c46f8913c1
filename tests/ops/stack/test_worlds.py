"""Which world the broker on a port serves."""

from pathlib import Path

import pytest

from ops.stack import lifecycle, ports
from ops.stack.broker import Broker
from runtime.errors import BrokerError
from runtime.kafka.broker_folders import folder_cluster_id, world_of_folder
from runtime.kafka.worlds import require_own_broker, world_at
from runtime.settings import Settings
from runtime.world import World


def serve_by(broker: Broker, world: World) -> World:
    """Give a world the folder of a broker that has the id of the running one."""
    identity = world.unit.broker / "log" / "meta.properties"
    identity.parent.mkdir(parents=True)
    identity.write_text(f"version=1\ncluster.id={folder_cluster_id(broker.folder)}\n")
    return world


def test_the_broker_of_another_world_is_named_with_the_way_out(broker: Broker, tmp_path: Path) -> None:
    mine, other = World(tmp_path / "mine"), serve_by(broker, World(tmp_path / "other"))
    assert world_at(broker.kafka, other) == world_at(broker.kafka, mine) == "other"
    require_own_broker(broker.kafka, other)
    with pytest.raises(BrokerError, match=r"serves world other, not mine: run  playproof down --world other"):
        require_own_broker(broker.kafka, mine)


def test_a_broker_that_no_world_knows_is_taken_as_it_is(broker: Broker, tmp_path: Path) -> None:
    assert world_at(broker.kafka, World(tmp_path / "mine")) is None
    require_own_broker(broker.kafka, World(tmp_path / "mine"))


def test_a_folder_names_its_world_only_where_it_is_that_of_a_version() -> None:
    assert world_of_folder(Path("/x/data/nb2/v3/broker")) == "nb2"
    assert world_of_folder(Path("/x/data/nb2/broker")) is None


def test_a_port_that_is_held_by_the_broker_of_a_world_says_which(
    broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "world_on", lambda port: "nb2")
    settings = Settings(data=tmp_path, world="nb3", broker=broker.address, docker=False)
    monkeypatch.setattr(lifecycle, "_simulate_if_missing", lambda world, report: None)
    with pytest.raises(BrokerError, match="held by the broker of world nb2: run  playproof down --world nb2, or"):
        lifecycle.up(settings, print)
    assert lifecycle.supervisor_of(settings.the_world()).pid() is None, "no supervisor of nothing stays behind"
    assert lifecycle.running_worlds(tmp_path) == []
