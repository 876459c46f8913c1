"""The same settings connect the Python client and the Java client that Spark has, by every way in."""

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kafka import KafkaAdminClient
from pyspark.java_gateway import launch_gateway

from runtime.errors import AccessError
from runtime.jvm import find_java, jars
from runtime.kafka.access import answers
from runtime.kafka.broker_folders import folder_cluster_id
from runtime.kafka.connection import KafkaConnection
from runtime.kafka.jaas import render_jaas
from runtime.kafka.security import KafkaSecurity
from tests.certificates import pem
from tests.flow.secured import PASSWORD, STORE_PASSWORD, SUPER, SecuredBroker, quoted

JAVA_WITHIN_S = 60


def scram_512_with_pem(secured: SecuredBroker) -> str:
    return secured.login(SUPER)


def scram_256_in_a_file_with_pkcs12(secured: SecuredBroker) -> str:
    secured.authority.write_pkcs12(secured.folder / "trust.p12", "trust-secret")
    # a properties file drops one level of backslashes
    jaas = render_jaas("SCRAM-SHA-256", SUPER, PASSWORD).replace("\\", "\\\\")
    file = secured.folder / "client.properties"
    file.touch(mode=0o600)
    file.write_text(
        f"security.protocol=SASL_SSL\nsasl.mechanism=SCRAM-SHA-256\nsasl.jaas.config={jaas}\n"
        f"ssl.truststore.location=trust.p12\nssl.truststore.password=trust-secret\n"
    )
    return f"@{file}"


def plain_with_certificates_as_text(secured: SecuredBroker) -> str:
    return (
        f"security.protocol=SASL_SSL;sasl.mechanism=PLAIN;sasl.username={SUPER};sasl.password=plain-{SUPER};"
        f"ssl.truststore.certificates={pem(secured.authority.certificate)}"
    )


def certificate_as_pem(secured: SecuredBroker) -> str:
    return f"security.protocol=SSL;ssl.truststore.location={secured.ca};ssl.keystore.location={secured.client_pem}"


def certificate_as_pkcs12(secured: SecuredBroker) -> str:
    return (
        f"security.protocol=SSL;ssl.truststore.location={secured.ca};ssl.keystore.location={secured.client_pkcs12};"
        f"ssl.keystore.password={quoted(STORE_PASSWORD)}"
    )


def certificate_as_text(secured: SecuredBroker) -> str:
    return (
        f"security.protocol=SSL;ssl.truststore.location={secured.ca};"
        f"ssl.keystore.key={secured.client.key_pem()};ssl.keystore.certificate.chain={secured.client.chain_pem()}"
    )


WAYS_IN = (
    scram_512_with_pem,
    scram_256_in_a_file_with_pkcs12,
    plain_with_certificates_as_text,
    certificate_as_pem,
    certificate_as_pkcs12,
    certificate_as_text,
)


@pytest.fixture(scope="module")
def java() -> Iterator[Any]:
    """A JVM with the jars of the Spark job, and nothing that runs in it."""
    path = os.pathsep.join(str(jar) for jar in jars("connector"))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("JAVA_HOME", str(find_java()))
        environment.setenv("PYSPARK_SUBMIT_ARGS", f'--driver-class-path "{path}" pyspark-shell')
        gateway: Any = launch_gateway()  # type: ignore[no-untyped-call]
    yield gateway.jvm
    gateway.shutdown()
    gateway.proc.stdin.close()
    gateway.proc.wait()


def cluster_seen_by_java(java: Any, kafka: KafkaConnection) -> str:
    """Ask a broker for its cluster's id with the Java client, set up as Spark sets it up."""
    settings = java.java.util.HashMap()
    for name, value in kafka.spark().items():
        settings[name.removeprefix("kafka.")] = str(value)
    admin = java.org.apache.kafka.clients.admin.Admin.create(settings)
    try:
        return str(admin.describeCluster().clusterId().get(JAVA_WITHIN_S, java.java.util.concurrent.TimeUnit.SECONDS))
    finally:
        admin.close()


@pytest.mark.parametrize("way_in", WAYS_IN, ids=lambda way_in: way_in.__name__)
def test_both_clients_are_let_in(way_in: Callable[[SecuredBroker], str], secured: SecuredBroker, java: Any) -> None:
    address = secured.mtls if way_in.__name__.startswith("certificate") else secured.sasl
    kafka = KafkaConnection(address, KafkaSecurity.parse(way_in(secured)))
    expected = folder_cluster_id(secured.broker.folder)
    assert answers(kafka)
    with KafkaAdminClient(**kafka.python()) as admin:
        assert admin.describe_cluster()["cluster_id"] == expected
    assert cluster_seen_by_java(java, kafka) == expected


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("security.protocol=SSL;ssl.truststore.location={ca}", "our own certificate is ssl.keystore.location"),
        (
            "security.protocol=SSL;ssl.truststore.location={ca};ssl.keystore.location={broker_pem}",
            "our own certificate is ssl.keystore.location",
        ),
    ],
)
def test_a_client_certificate_that_is_missing_or_not_trusted_is_told(
    text: str, line: str, secured: SecuredBroker
) -> None:
    with pytest.raises(AccessError) as error:
        answers(KafkaConnection(secured.mtls, security(text, secured)))
    assert f"TLS with the broker at {secured.mtls} fails (" in str(error.value)
    assert line in str(error.value)


def security(text: str, secured: SecuredBroker) -> KafkaSecurity:
    return KafkaSecurity.parse(text.format(ca=secured.ca, broker_pem=secured.folder / "broker.pem"))


def test_an_address_that_the_certificate_does_not_name_is_told(secured: SecuredBroker) -> None:
    elsewhere = secured.sasl.replace("127.0.0.1", "localhost")
    with pytest.raises(AccessError, match=r"is not trusted \(Hostname mismatch.*: use a name it has"):
        answers(KafkaConnection(elsewhere, KafkaSecurity.parse(secured.login(SUPER))))
    anywhere = KafkaSecurity.parse(f"{secured.login(SUPER)};ssl.endpoint.identification.algorithm=")
    assert answers(KafkaConnection(elsewhere, anywhere))


def test_a_login_that_is_missing_or_not_offered_is_told_with_what_is(secured: SecuredBroker) -> None:
    without = KafkaSecurity.parse(f"security.protocol=SSL;ssl.truststore.location={secured.ca}")
    with pytest.raises(AccessError, match=r"asks for user and password \(PLAIN, SCRAM-SHA-256, SCRAM-SHA-512\)"):
        answers(KafkaConnection(secured.sasl, without))
