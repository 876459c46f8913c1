"""What is at the address: a broker, something else, nothing; and that the topics are there."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kafka.errors import KafkaTimeoutError

from contracts.topics import RULES
from ops.stack.broker import Broker
from ops.stack.ports import free_port
from runtime.errors import AccessError, BrokerError
from runtime.kafka.access import answers, check_access, explain, missing_topics, require_topics, wait_until_up
from runtime.kafka.compacted import CompactedTopic
from runtime.kafka.connection import KafkaConnection
from runtime.kafka.security import KafkaSecurity
from runtime.kafka.stores import Store

LOGIN = KafkaSecurity.parse("security.protocol=SASL_PLAINTEXT;sasl.mechanism=PLAIN;sasl.username=a;sasl.password=b")


@contextmanager
def listening(answer: bytes) -> Iterator[str]:
    """Listen, answer whatever comes with the same bytes, and hang up."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    peer, _ = server.accept()
                except OSError:
                    return
                with peer:
                    peer.recv(1024)
                    peer.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


def silence(kafka: KafkaConnection) -> str:
    """Return what is said of an address where no broker answers."""
    with pytest.raises(BrokerError) as error:
        wait_until_up(kafka, within_s=0.1)
    assert not isinstance(error.value, AccessError)
    return str(error.value)


def test_any_of_several_addresses_is_enough(broker: Broker) -> None:
    assert answers(KafkaConnection(f"127.0.0.1:{free_port()}, {broker.address}"))


def test_nobody_there_is_told_with_the_reason() -> None:
    assert "Connection refused" in silence(KafkaConnection(f"127.0.0.1:{free_port()}"))
    assert "no broker answers at no.such.host.invalid:1" in silence(KafkaConnection("no.such.host.invalid:1"))


def test_a_broker_without_tls_or_users_is_told_from_one_that_is_absent(broker: Broker) -> None:
    assert "does that port speak TLS?" in silence(KafkaConnection(broker.address, KafkaSecurity("SSL")))
    with pytest.raises(AccessError, match=r"asks for no user: security\.protocol is SASL_PLAINTEXT"):
        answers(KafkaConnection(broker.address, LOGIN))


def test_something_that_is_no_broker_is_told_from_one() -> None:
    with listening(b"HTTP/1.1 400 Bad Request\r\n\r\n") as address:
        assert "is no Kafka broker" in silence(KafkaConnection(address))
    with listening(b"") as address:
        assert "does that port want TLS?" in silence(KafkaConnection(address))


def test_missing_topics_are_named_and_an_absent_broker_is_no_refusal(broker: Broker) -> None:
    assert missing_topics(broker.kafka, read=["no-b"], write=["no-a"]) == ["no-a", "no-b"]
    with pytest.raises(BrokerError, match=r"no topic no-a at .*run  playproof topics"):
        require_topics(broker.kafka, write=["no-a"])
    check_access(broker.kafka, read=["no-a"])
    check_access(KafkaConnection(f"127.0.0.1:{free_port()}"), read=["no-a"])


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "ca.pem cannot be read: No such file"),
        (b"", "the certificates of the trust store cannot be read"),
        (b"-----BEGIN CERTIFICATE-----\nMIIB", "the certificates of the trust store cannot be read"),
        (b"-----BEGIN CERTIFICATE-----\nMI\xff=\n-----END CERTIFICATE-----\n", "the certificates of the trust store"),
    ],
    ids=["absent", "empty", "half", "damaged"],
)
def test_certificates_that_are_being_replaced_are_a_broker_that_does_not_answer_yet(
    tmp_path: Path, content: bytes | None, why: str
) -> None:
    store = tmp_path / "ca.pem"
    if content is not None:
        store.write_bytes(content)
    kafka = KafkaConnection(f"127.0.0.1:{free_port()}", KafkaSecurity("SSL", truststore=Store("PEM", store)))
    assert why in str(explain(kafka, KafkaTimeoutError()))
    with pytest.raises(BrokerError, match=re.escape(why)):
        CompactedTopic(kafka, RULES).read()
