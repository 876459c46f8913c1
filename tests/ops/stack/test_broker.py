"""The embedded broker, on a real Kafka."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic

from contracts.topics import MAX_MESSAGE_BYTES, Topic
from ops.stack import ports
from ops.stack.broker import MAX_LOG_BYTES, Broker, launch, running, server_properties, start
from producer.kafka import topics
from runtime.errors import BrokerError
from runtime.kafka.access import answers, wait_until_up
from runtime.kafka.broker_folders import folder_cluster_id
from runtime.kafka.connection import KafkaConnection
from runtime.kafka.security import KafkaSecurity
from runtime.world import World
from tests.flow.stage import WITHIN_S
from tests.read_topic import read_topic


def free_address() -> str:
    return f"127.0.0.1:{ports.free_port()}"


def values(address: str, topic: str) -> list[bytes]:
    return [record.value for record in read_topic(address, topic)]


def cluster_at(address: str) -> str:
    with KafkaAdminClient(bootstrap_servers=address) as admin:
        return str(admin.describe_cluster()["cluster_id"])


def test_a_broker_answers_with_the_cluster_id_of_its_folder(broker: Broker) -> None:
    assert answers(broker.kafka)
    assert cluster_at(broker.address) == folder_cluster_id(broker.folder)


def test_only_loopback_is_listened_on(broker: Broker) -> None:
    listeners = [
        line for line in (broker.folder / "server.properties").read_text().splitlines() if "listeners=" in line
    ]
    assert all("//127.0.0.1:" in line for line in listeners)
    assert len(listeners) == 2


def test_nobody_at_the_address_is_no_answer() -> None:
    assert not answers(KafkaConnection(free_address()))


def test_a_client_that_insists_on_tls_gets_no_answer_from_a_broker_without_it(broker: Broker) -> None:
    assert not answers(KafkaConnection(broker.address, KafkaSecurity("SSL")))


def test_waiting_for_an_absent_broker_ends_in_one_line_with_the_way_out() -> None:
    address = free_address()
    line = rf"no broker answers at {address} after 0.2 s \(Connection refused\): start one with  playproof up"
    with pytest.raises(BrokerError, match=line):
        wait_until_up(KafkaConnection(address), within_s=0.2)


def test_a_taken_port_is_named_with_its_holder_and_another_choice(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(BrokerError) as error:
            start(tmp_path, f"127.0.0.1:{port}")
    said = str(error.value)
    assert f"port {port} is taken by {psutil.Process().name()} (pid {os.getpid()})" in said
    assert "PLAYPROOF_BROKER=127.0.0.1:" in said
    assert "\n" not in said


@pytest.mark.parametrize("address", ["kafka.example:9092", "0.0.0.0:9092", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:0"])
def test_an_embedded_broker_takes_loopback_addresses_only(address: str, tmp_path: Path) -> None:
    with pytest.raises(BrokerError, match=r"expected 127\.0\.0\.1:PORT"):
        start(tmp_path, address)


def test_the_broker_takes_messages_as_large_as_the_topics_allow(broker: Broker) -> None:
    topics.create(broker.kafka, [Topic("large", 1, "for this test")])
    message = b"x" * (5 * 1024 * 1024)
    assert len(message) < MAX_MESSAGE_BYTES
    with KafkaProducer(bootstrap_servers=broker.address, max_request_size=MAX_MESSAGE_BYTES) as producer:
        assert producer.send("large", message).get(timeout=WITHIN_S).offset == 0
    assert [len(value) for value in values(broker.address, "large")] == [len(message)]


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
def test_messages_are_read_whatever_codec_a_topic_has(broker: Broker, codec: str) -> None:
    topic = f"compressed-{codec}"
    with KafkaAdminClient(bootstrap_servers=broker.address) as admin:
        settings = {"compression.type": codec, "max.message.bytes": str(MAX_MESSAGE_BYTES)}
        admin.create_topics([NewTopic(topic, 1, 1, topic_configs=settings)])
    sent = [b'{"play_id": 1}', b"x" * (2 * 1024 * 1024)]
    with KafkaProducer(bootstrap_servers=broker.address, max_request_size=MAX_MESSAGE_BYTES) as producer:
        for message in sent:
            producer.send(topic, message).get(timeout=30)
    assert values(broker.address, topic) == sent


def test_after_a_stop_and_after_a_kill_the_same_cluster_comes_back_with_its_messages(tmp_path: Path) -> None:
    world, address = World(tmp_path / "a folder with spaces and é"), free_address()
    folder = world.unit.broker
    with running(folder, address) as first:
        topics.create(KafkaConnection(address), [Topic("kept", 1, "for this test")])
        with KafkaProducer(bootstrap_servers=address, acks="all") as producer:
            producer.send("kept", b"before the kill").get(timeout=WITHIN_S)
        named = folder_cluster_id(folder)
        first.kill()
    with running(folder, address) as second:
        assert cluster_at(address) == named
        with KafkaProducer(bootstrap_servers=address, acks="all") as producer:
            producer.send("kept", b"after it").get(timeout=WITHIN_S)
        assert values(address, "kept") == [b"before the kill", b"after it"]
    assert second.process.poll() is not None
    # a version of the world that reads the topics again
    with running(world.reread_version().broker, address):
        assert values(address, "kept") == [b"before the kill", b"after it"]
    assert ports.is_free(ports.loopback_port(address))


def test_the_command_becomes_the_broker_and_ends_cleanly_on_a_signal(tmp_path: Path) -> None:
    address = free_address()
    environment = os.environ | {"PLAYPROOF_DATA": str(tmp_path), "PLAYPROOF_WORLD": "w", "PLAYPROOF_BROKER": address}
    log = World(tmp_path / "w").unit.broker / "broker.log"
    log.parent.mkdir(parents=True)
    log.write_bytes(b"x" * (MAX_LOG_BYTES + 1))
    command = [sys.executable, "-m", "ops", "broker"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        wait_until_up(KafkaConnection(address), is_alive=lambda: process.poll() is None)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=WITHIN_S) == 128 + signal.SIGINT
    finally:
        process.kill()
        process.wait()
    assert ports.is_free(ports.loopback_port(address))
    assert "Kafka Server started" in log.read_text()
    assert log.with_name("broker.log.1").stat().st_size == MAX_LOG_BYTES + 1


def test_a_log_that_has_grown_large_is_kept_once_and_begun_anew_at_a_start(tmp_path: Path) -> None:
    log, speaks = tmp_path / "broker.log", [sys.executable, "-c", "print('up')"]
    for run in (b"first", b"second"):
        log.write_bytes(run.ljust(MAX_LOG_BYTES + 1))
        assert launch(tmp_path, free_address(), speaks).process.wait(WITHIN_S) == 0
        assert log.read_text() == "up\n"
        assert log.with_name("broker.log.1").read_bytes().startswith(run)
    assert launch(tmp_path, free_address(), speaks).process.wait(WITHIN_S) == 0
    assert log.read_text() == "up\nup\n"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["broker.log", "broker.log.1"]


def test_the_settings_name_the_message_limit_of_the_contract() -> None:
    assert f"message.max.bytes={MAX_MESSAGE_BYTES}\n" in server_properties(9092, 9093)
