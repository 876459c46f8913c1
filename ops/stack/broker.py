"""The embedded broker: a real Apache Kafka in one JVM, without Docker (KRaft, one node, loopback only).

Its folder (`Unit.broker`) holds everything: `server.properties`, `log/` (the data) and `broker.log` (its output).
The folder outlives the process: after a stop, or a `kill -9`, the same cluster comes back with every acknowledged
message. Kafka acknowledges from the page cache, so this holds for a killed process, not for a power cut.
"""

import base64
import os
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO, NoReturn

from contracts.topics import MAX_MESSAGE_BYTES, SOCKET_BYTES
from ops.stack import ports
from ops.stack.logs import most_relevant_line
from runtime.errors import BrokerError
from runtime.jvm import find_java, jars
from runtime.kafka.access import wait_until_up
from runtime.kafka.broker_folders import folder_cluster_id
from runtime.kafka.connection import KafkaConnection

JVM_OPTIONS = (
    # small and quick to start: 340 MB and 3 CPU-s on 2 cores (decision 0004)
    "-Xmx512m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ",
    # at info, each start prints every setting three times over
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.log.kafka.server.KafkaRaftServer=info",
)
LOG_NAME = "broker.log"
MAX_LOG_BYTES = 5_000_000
"""What a log has at most that a start goes on with; a larger one is kept once, under another name."""
STARTS_WITHIN_S = 300.0
"""One that ends while it starts is noticed at once. On two cores with a load of 25 one needed over 60 s."""
STOPS_WITHIN_S = 25.0
"""After this a broker that was asked to stop is killed; supervisor waits 30 s."""


NOTHING: Mapping[str, str] = MappingProxyType({})
LISTED = ("listeners", "advertised.listeners", "listener.security.protocol.map")
"""Settings that name listeners: more of them come in addition to ours, which stays as it is."""


def server_properties(port: int, controller_port: int, extra: Mapping[str, str] = NOTHING) -> str:
    """Return the broker's settings (Kafka 4.1 broker configuration; decision 0004).

    `log.dirs` is relative to the working folder, so no path needs the escapes of a Java properties file. `extra` adds
    to these settings or replaces them, as listeners with TLS and users do.
    """
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{ports.LOOPBACK}:{controller_port}",
        "listeners": f"BROKER://{ports.LOOPBACK}:{port},CONTROLLER://{ports.LOOPBACK}:{controller_port}",
        "advertised.listeners": f"BROKER://{ports.LOOPBACK}:{port}",
        "listener.security.protocol.map": "BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "BROKER",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": "log",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "auto.create.topics.enable": "false",
        "group.initial.rebalance.delay.ms": "0",
        "log.message.timestamp.type": "LogAppendTime",
        "message.max.bytes": str(MAX_MESSAGE_BYTES),
        "replica.fetch.max.bytes": str(MAX_MESSAGE_BYTES),
        "socket.receive.buffer.bytes": str(SOCKET_BYTES),
        "socket.send.buffer.bytes": str(SOCKET_BYTES),
        "num.network.threads": "1",
        "num.io.threads": "2",
    }
    settings |= {key: f"{settings[key]},{value}" if key in LISTED else value for key, value in extra.items()}
    return "".join(f"{key}={value}\n" for key, value in settings.items())


def _kafka(main_class: str, *arguments: str) -> list[str]:
    """Return the command that runs a class of the broker's jars."""
    java = find_java() / "bin" / "java"
    return [str(java), *JVM_OPTIONS, "-cp", os.pathsep.join(map(str, jars("broker"))), main_class, *arguments]


def new_cluster_id() -> str:
    """Draw the id of a cluster: as Kafka's, 16 random bytes in URL-safe base64."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


def prepare(
    folder: Path, address: str, extra: Mapping[str, str] = NOTHING, controller_port: int = 0, cluster_id: str = ""
) -> list[str]:
    """Write the settings, format the data on first use, and return the command that serves from `folder`.

    `controller_port`: 0 for a free one; `cluster_id`: empty for a new one. Brokers of one cluster are told both.
    Raises BrokerError where the port is taken or the format fails, JvmError without Java or jars.
    """
    port = ports.loopback_port(address)
    serve = _kafka("kafka.Kafka", "server.properties")
    ports.require_free(port)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "server.properties").write_text(server_properties(port, controller_port or ports.free_port(), extra))
    if folder_cluster_id(folder) is None:
        new_id = cluster_id or new_cluster_id()
        form = _kafka("kafka.tools.StorageTool", "format", f"--cluster-id={new_id}", "--config=server.properties")
        done = subprocess.run(form, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            message = (done.stderr.strip() or done.stdout.strip() or "no reason given").splitlines()[-1]
            raise BrokerError(f"the broker's folder {folder} cannot be formatted ({message}): repair or remove it")
    return serve


@dataclass(frozen=True, slots=True)
class Broker:
    """A running embedded broker."""

    address: str
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def kafka(self) -> KafkaConnection:
        """How to connect to it: plain text, on loopback."""
        return KafkaConnection(self.address)

    @property
    def log(self) -> Path:
        return self.folder / LOG_NAME

    def stop(self) -> None:
        """Ask it to stop, wait, and kill it only if it does not; a second call does nothing."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(STOPS_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self.process.kill()
        self.process.wait()


def _open_log(folder: Path) -> IO[bytes]:
    """Open the log to append to; begin it anew where it is large, and keep the old one as `broker.log.1`."""
    log = folder / LOG_NAME
    if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
        log.replace(log.with_name(f"{LOG_NAME}.1"))
    return log.open("ab")


def launch(folder: Path, address: str, command: list[str]) -> Broker:
    """Start what `prepare` returned; it does not answer yet."""
    with _open_log(folder) as log:
        # a new session: Ctrl-C in the terminal reaches our process, which stops the broker last
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, start_new_session=True)
    return Broker(address, folder, process)


def start(folder: Path, address: str, within_s: float = STARTS_WITHIN_S, extra: Mapping[str, str] = NOTHING) -> Broker:
    """Start a broker on `folder` and return it once it answers. Raises BrokerError, with nothing left running."""
    broker = launch(folder, address, prepare(folder, address, extra))
    try:
        wait_until_up(broker.kafka, within_s, is_alive=lambda: broker.process.poll() is None)
    except BaseException as error:
        broker.stop()
        if isinstance(error, BrokerError):
            raise BrokerError(f"{error}; last in {broker.log}: {most_relevant_line(broker.log)}") from None
        raise
    return broker


@contextmanager
def running(folder: Path, address: str, extra: Mapping[str, str] = NOTHING) -> Iterator[Broker]:
    """Run a broker for the length of a `with` block."""
    broker = start(folder, address, extra=extra)
    try:
        yield broker
    finally:
        broker.stop()


def become(folder: Path, address: str) -> NoReturn:
    """Turn this very process into the broker, its output in the folder's log.

    A supervisor's signal, or the terminal's Ctrl-C, so reaches the JVM itself: there is no signal to pass on, and no
    orphan when the one process is killed.
    """
    command = prepare(folder, address)
    with _open_log(folder) as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    os.chdir(folder)
    os.execv(command[0], command)
