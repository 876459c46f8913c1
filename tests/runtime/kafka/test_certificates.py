"""Kafka's certificates and stores: each form that is named in the docs reaches both clients, or is refused by name."""

import ssl
import subprocess
from pathlib import Path

import pytest

from runtime.errors import SecuritySettingError
from runtime.jvm import find_java
from runtime.kafka.security import KafkaSecurity
from tests.certificates import Authority, Certified, pem, trusted

AUTHORITY = Authority.make("authority")
CLIENT = AUTHORITY.certify("client")


@pytest.fixture
def ca(tmp_path: Path) -> Path:
    return AUTHORITY.write_pem(tmp_path / "ca.pem")


def refusal(text: str) -> str:
    """Return why a value is refused."""
    with pytest.raises(SecuritySettingError) as error:
        KafkaSecurity.parse(text)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_the_name_of_the_host_is_checked_where_nothing_else_is_said(ca: Path) -> None:
    security = KafkaSecurity.parse(f"security.protocol=SSL;ssl.truststore.location={ca}")
    assert security.python()["ssl_context"].check_hostname
    assert "ssl.endpoint.identification.algorithm" not in security.java()


def test_certificates_as_text_need_no_line_breaks(tmp_path: Path) -> None:
    one_line = " ".join(pem(AUTHORITY.certificate).split("\n"))
    security = KafkaSecurity.parse(f"security.protocol=SSL;ssl.truststore.certificates={one_line}")
    assert trusted(security) == ["authority"]
    assert security.java()["ssl.truststore.type"] == "PEM"
    assert security.java()["ssl.truststore.certificates"] == pem(AUTHORITY.certificate)


@pytest.mark.parametrize("kind", ["PKCS12", "JKS"])
def test_stores_of_java_are_opened_for_python(kind: str, tmp_path: Path) -> None:
    trust, keys = tmp_path / "trust store", tmp_path / "keys"
    AUTHORITY.write_pkcs12(trust, "t-secret")
    CLIENT.write_pkcs12(keys, "k-secret")
    if kind == "JKS":
        trust, keys = as_jks(trust, "t-secret"), as_jks(keys, "k-secret")
    text = f"security.protocol=SSL;ssl.truststore.location={trust};ssl.keystore.location={keys};"
    security = KafkaSecurity.parse(f"{text}ssl.truststore.password=t-secret;ssl.keystore.password=k-secret")
    assert trusted(security) == ["authority"]
    assert security.java()["ssl.truststore.type"] == security.java()["ssl.keystore.type"] == kind
    for passwords, name in (("wrong-t", "k-secret"), "ssl.truststore"), (("t-secret", "wrong-k"), "ssl.keystore"):
        wrong = f"{text}ssl.truststore.password={passwords[0]};ssl.keystore.password={passwords[1]}"
        with pytest.raises(SecuritySettingError, match=rf"{name}.location is .*: it cannot be opened with") as error:
            KafkaSecurity.parse(wrong).python()
        assert "wrong" not in str(error.value)


def as_jks(store: Path, password: str) -> Path:
    """Convert a PKCS12 store with Java's own tool."""
    target = store.with_suffix(".jks")
    tool = [str(find_java() / "bin" / "java"), "-m", "java.base/sun.security.tools.keytool.Main", "-importkeystore"]
    tool += ["-srckeystore", str(store), "-srcstoretype", "PKCS12", "-srcstorepass", password, "-noprompt"]
    tool += ["-destkeystore", str(target), "-deststoretype", "JKS", "-deststorepass", password]
    subprocess.run(tool, check=True, capture_output=True)
    return target


def test_javas_type_jks_reads_pkcs12_too_and_another_type_is_refused(tmp_path: Path, ca: Path) -> None:
    store = AUTHORITY.write_pkcs12(tmp_path / "trust", "secret")
    text = f"security.protocol=SSL;ssl.truststore.location={store};ssl.truststore.password=secret;ssl.truststore.type="
    assert KafkaSecurity.parse(f"{text}JKS").java()["ssl.truststore.type"] == "PKCS12"
    assert "ssl.truststore.type is PEM, but what is there is PKCS12" in refusal(f"{text}PEM")
    assert "ssl.truststore.type must be one of PEM, PKCS12, JKS" in refusal(f"{text}BKS")
    assert "exclude each other" in refusal(
        f"security.protocol=SSL;ssl.truststore.location={ca};ssl.truststore.password=secret"
    )


def test_a_key_of_our_own_as_pem_with_a_password_or_as_text(tmp_path: Path) -> None:
    file = CLIENT.write_pem(tmp_path / "client.pem", "k-secret")
    text = f"security.protocol=SSL;ssl.keystore.location={file}"
    assert "has an encrypted key: give  ssl.key.password" in refusal(text)
    from_file = KafkaSecurity.parse(f"{text};ssl.key.password=k-secret")
    assert from_file.java()["ssl.key.password"] == "k-secret"
    assert isinstance(from_file.python()["ssl_context"], ssl.SSLContext)
    with pytest.raises(SecuritySettingError, match=r"cannot be opened: see ssl\.key\.password"):
        KafkaSecurity.parse(f"{text};ssl.key.password=wrong").python()

    key, chain = CLIENT.key_pem(), CLIENT.chain_pem()
    as_text = KafkaSecurity.parse(
        f"security.protocol=SSL;ssl.keystore.key={key};ssl.keystore.certificate.chain={chain}"
    )
    assert as_text.java()["ssl.keystore.key"] == key
    assert as_text.java()["ssl.keystore.certificate.chain"] == chain
    assert isinstance(as_text.python()["ssl_context"], ssl.SSLContext)
    body = key.splitlines()[1]
    assert body not in f"{as_text!r} {as_text.java()!r}"


def test_a_key_that_java_cannot_read_or_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "client.pem"
    file.write_text(CLIENT.key_pem().replace("PRIVATE KEY", "EC PRIVATE KEY") + CLIENT.chain_pem())
    assert "openssl pkcs8 -topk8" in refusal(f"security.protocol=SSL;ssl.keystore.location={file}")
    file.write_text(CLIENT.chain_pem())
    assert "must have both the private key and its certificates" in refusal(
        f"security.protocol=SSL;ssl.keystore.location={file}"
    )
    Certified(AUTHORITY.key, CLIENT.certificate, AUTHORITY.certificate).write_pem(file)
    with pytest.raises(SecuritySettingError, match="do not belong together"):
        KafkaSecurity.parse(f"security.protocol=SSL;ssl.keystore.location={file}").python()


def test_a_pkcs12_password_that_java_cannot_use_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "client.p12"
    CLIENT.write_pkcs12(file, "ä")
    line = refusal(f"security.protocol=SSL;ssl.keystore.location={file};ssl.keystore.password=ä")
    assert "ssl.keystore.password is not ASCII" in line
