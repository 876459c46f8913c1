"""Three brokers of Kafka that keep every topic three times: one may fail, and none of what was acknowledged is lost."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from ops.chaos.kept_processes import kill_family
from ops.cluster.network import HUB
from ops.stack import broker
from ops.stack.ports import LOOPBACK
from runtime.kafka.access import wait_until_up
from runtime.kafka.connection import KafkaConnection

COUNT = 3
MIN_IN_SYNC = 2
"""Copies that have a message before it is acknowledged."""
UP_WITHIN_S = 120.0
FIRST_PORT, FIRST_INNER_PORT, FIRST_CONTROLLER_PORT = 19092, 19192, 19292


@dataclass(slots=True)
class Brokers:
    """The brokers of one cluster, each with a folder. Clients reach them at the hub, they one another on loopback."""

    folder: Path
    cluster_id: str = field(default_factory=broker.new_cluster_id)
    _running: dict[int, broker.Broker] = field(default_factory=dict)

    @property
    def addresses(self) -> str:
        """Bootstrap servers."""
        return ",".join(f"{HUB}:{FIRST_PORT + number}" for number in range(COUNT))

    def start(self, *numbers: int) -> None:
        """Start brokers, all of them where none is named, and return once they answer. Raises BrokerError."""
        for number in numbers or range(COUNT):
            folder, inner = self.folder / str(number), f"{LOOPBACK}:{FIRST_INNER_PORT + number}"
            controller = FIRST_CONTROLLER_PORT + number
            command = broker.prepare(folder, inner, properties(number), controller, self.cluster_id)
            self._running[number] = broker.launch(folder, inner, command)
        for started in self._running.values():
            wait_until_up(started.kafka, UP_WITHIN_S, is_alive=partial(_is_alive, started))
        wait_until_up(KafkaConnection(self.addresses), UP_WITHIN_S)

    def kill(self, number: int) -> bool:
        """End a broker at once; return whether it ran until then."""
        return kill_family(self._running.pop(number).process)

    def end(self) -> None:
        """End all of them."""
        for running in self._running.values():
            running.process.terminate()
        for running in self._running.values():
            running.stop()


def _is_alive(started: broker.Broker) -> bool:
    return started.process.poll() is None


def properties(number: int) -> Mapping[str, str]:
    """Return what a broker of several has in addition to, or instead of, the settings of a single one."""
    voters = [f"{n + 1}@{LOOPBACK}:{FIRST_CONTROLLER_PORT + n}" for n in range(COUNT)]
    outer = f"NETWORK://{HUB}:{FIRST_PORT + number}"
    return {
        "node.id": str(number + 1),
        "controller.quorum.voters": ",".join(voters),
        "listeners": outer,
        "advertised.listeners": outer,
        "listener.security.protocol.map": "NETWORK:PLAINTEXT",
        "default.replication.factor": str(COUNT),
        "min.insync.replicas": str(MIN_IN_SYNC),
        "offsets.topic.replication.factor": str(COUNT),
        "transaction.state.log.replication.factor": str(COUNT),
        "transaction.state.log.min.isr": str(MIN_IN_SYNC),
        "share.coordinator.state.topic.replication.factor": str(COUNT),
        "share.coordinator.state.topic.min.isr": str(MIN_IN_SYNC),
    }
