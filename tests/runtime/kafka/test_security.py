"""Kafka's security settings: what is read, what is refused, what the two clients get, and that nothing secret shows."""

import logging
import pickle
import ssl
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.errors import SecuritySettingError
from runtime.kafka.connection import KafkaConnection
from runtime.kafka.entries import file_entries
from runtime.kafka.jaas import MODULES, parse_jaas, render_jaas
from runtime.kafka.names import NAMES
from runtime.kafka.security import KafkaSecurity
from runtime.kafka.stores import warn_if_world_readable
from runtime.settings import Settings
from tests.certificates import Authority, trusted

SASL = "security.protocol=SASL_PLAINTEXT;sasl.mechanism=SCRAM-SHA-512"
LOGIN = f"{SASL};sasl.username=alice;sasl.password=secret"
AUTHORITY = Authority.make("authority")
CLIENT = AUTHORITY.certify("client")
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)
mechanisms = st.sampled_from(list(MODULES))


def quoted(value: str) -> str:
    """Write a value in quotes, as the docs say."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def escaped(value: str) -> str:
    """Write a value as Java's Properties.store does."""
    special = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\f": "\\f", "=": "\\=", ":": "\\:", "#": "\\#"}
    leading = len(value) - len(value.lstrip(" "))
    units = value[leading:].encode("utf-16-be")
    codes = [int.from_bytes(units[i : i + 2], "big") for i in range(0, len(units), 2)]
    return "\\ " * leading + "".join(
        special.get(chr(code), chr(code)) if 32 <= code < 127 or chr(code) in special else f"\\u{code:04x}"
        for code in codes
    )


def refusal(text: str) -> str:
    """Return why a value is refused."""
    with pytest.raises(SecuritySettingError) as error:
        KafkaSecurity.parse(text)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.fixture
def ca(tmp_path: Path) -> Path:
    return AUTHORITY.write_pem(tmp_path / "ca.pem")


@given(texts, texts, mechanisms)
def test_user_and_password_survive_in_one_line(username: str, password: str, mechanism: str) -> None:
    text = f"security.protocol=SASL_PLAINTEXT ; sasl.mechanism = {mechanism};"
    login = KafkaSecurity.parse(f"{text}sasl.username={quoted(username)};sasl.password={quoted(password)}").login
    assert login is not None
    assert (login.username, login.password.get_secret_value()) == (username, password)


@given(texts, texts, mechanisms)
def test_user_and_password_survive_in_the_form_of_java(username: str, password: str, mechanism: str) -> None:
    line = render_jaas(mechanism, username, password)
    assert "\n" not in line
    assert parse_jaas(line, mechanism) == (username, password)
    security = KafkaSecurity.parse(
        f"security.protocol=SASL_PLAINTEXT;sasl.mechanism={mechanism};sasl.jaas.config={line}"
    )
    assert security.java()["sasl.jaas.config"] == line
    assert (security.python()["sasl_plain_username"], security.python()["sasl_plain_password"]) == (username, password)


@given(texts, texts)
def test_user_and_password_survive_in_a_properties_file(username: str, password: str) -> None:
    line = render_jaas("PLAIN", username, password)
    written = f"# ours\r\n ! and\n\nsasl.mechanism : PLAIN\nsasl.jaas.config={escaped(line)}\n"
    assert [(name, value) for name, value, _ in file_entries(written)] == [
        ("sasl.mechanism", "PLAIN"), ("sasl.jaas.config", line),
    ]  # fmt: skip


@given(st.text(st.sampled_from('hus;="\\ .#'), max_size=12), st.integers(0, 200), st.sampled_from(["", ";", '"', "="]))
def test_no_piece_of_a_password_is_shown_whatever_is_wrong(extra: str, position: int, put: str) -> None:
    secret = f"hush-{extra}-hush"
    for right in (
        f"{SASL};sasl.username=alice;sasl.password={quoted(secret)}",
        f"{SASL};sasl.username=alice;sasl.password={secret}",
        f"{SASL};sasl.jaas.config={render_jaas('SCRAM-SHA-512', 'alice', secret)}",
    ):
        text = right[: position % len(right)] + put + right[position % len(right) + 1 :]
        try:
            security = KafkaSecurity.parse(text)
        except SecuritySettingError as error:
            shown = f"{error!r} {error.__cause__!r}"
        else:
            connection = KafkaConnection("b:1", security)
            shown = f"{connection!r} {connection} {connection.python()!r} {connection.spark()!r}"
        assert "hush" not in shown.replace("username='alice", "")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("security_protocol=SSL", "unknown setting security_protocol (entry 1): did you mean security.protocol?"),
        ("SECURITY.PROTOCOL=SSL", "did you mean security.protocol?"),
        ("security.protocoll=SSL", "did you mean security.protocol?"),
        (f"{SASL};sasl_plain_username=a", "unknown setting sasl_plain_username (entry 3): did you mean sasl.username?"),
        ("ssl_cafile=ca.pem", "did you mean ssl.truststore.location?"),
        ("ssl.ca.location=ca.pem", "did you mean ssl.truststore.location?"),
        ("bootstrap.servers=evil:1", "did you mean PLAYPROOF_BROKER?"),
        ("ssl.cipher.suites=X", "unknown setting ssl.cipher.suites (entry 1): known are security.protocol, "),
        (f"{SASL};sasl.password=hidden;42;a=b", 'entry 4 has no "="'),
        (f"{SASL};sasl.password=hidden;4=2", "entry 4 is no security setting of Kafka (not shown"),
        ("security.protocol:SSL", 'entry 1 has no "="'),
        (f'{SASL};sasl.password="open', "entry 3 has a quote that does not end"),
        (f'{SASL};sasl.password="a"b', "entry 3 has a quote that does not end, or text behind it"),
        (f'{SASL};sasl.jaas.config=M required password="open', "entry 3 has a quote that does not end"),
    ],
)
def test_a_name_or_an_entry_that_is_wrong_is_named(text: str, line: str) -> None:
    assert line in refusal(text)
    assert "hidden" not in refusal(text)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("sasl.username=a", "security.protocol must be one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL"),
        ("security.protocol=NONSENSE", "security.protocol must be one of"),
        ("security.protocol=SSL;security.protocol=SSL", "security.protocol is given twice"),
        ("security.protocol=SASL_SSL", "sasl.mechanism is missing: one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512"),
        ("security.protocol=SASL_SSL;sasl.mechanism=GSSAPI", "sasl.mechanism must be one of"),
        (SASL, "sasl.username and sasl.password are missing"),
        (f"{SASL};sasl.username=a", "sasl.username and sasl.password are missing"),
        (f"{LOGIN};sasl.jaas.config=x", "keep one of them"),
        (f"{SASL};sasl.jaas.config=x", "sasl.jaas.config cannot be read: write  org.apache.kafka"),
        (f'{SASL};sasl.jaas.config={MODULES["PLAIN"]} required username="a" password="b";', "another login module"),
        (f'{SASL};sasl.jaas.config={MODULES["PLAIN"]} required user="a" password="b";', "cannot be read"),
        ("security.protocol=SSL;sasl.username=a", "sasl.username has no use with security.protocol=SSL"),
        ("security.protocol=PLAINTEXT;ssl.truststore.location=/x", "ssl.truststore.location has no use with"),
        (f"{LOGIN};ssl.key.password=x", "ssl.key.password has no use with security.protocol=SASL_PLAINTEXT"),
        ("security.protocol=SSL;ssl.truststore.location=/no/ca.pem", "is /no/ca.pem: there is no such file"),
        ("security.protocol=SSL;ssl.truststore.location=ca.pem", "is ca.pem: write the whole path"),
        ("@/no/client.properties", "the settings file is /no/client.properties: there is no such file"),
        ("security.protocol=SSL;ssl.truststore.password=x", "has no use without ssl.truststore.location"),
        ("security.protocol=SSL;ssl.truststore.type=PEM", "has no use without ssl.truststore.location"),
        ("security.protocol=SSL;ssl.truststore.certificates=x", "has no  -----BEGIN CERTIFICATE-----"),
        ("security.protocol=SSL;ssl.keystore.key=x", "are given together or not at all"),
        ("security.protocol=SSL;ssl.key.password=x", "has no use without ssl.keystore.location"),
        ("security.protocol=SSL;ssl.endpoint.identification.algorithm=false", "must be https, or empty"),
    ],
)
def test_settings_that_contradict_one_another_are_refused(text: str, line: str) -> None:
    assert line in refusal(text)


def test_nothing_is_plain_text_and_leaves_both_clients_alone() -> None:
    for text in ("", "  ", ";;", "security.protocol=plaintext"):
        security = KafkaSecurity.parse(text)
        assert security == KafkaSecurity()
        assert (security.java(), security.python()) == ({}, {})


@pytest.mark.parametrize("password", ["007", "true", "false", "1e3"])
def test_a_password_stays_text(password: str) -> None:
    security = KafkaSecurity.parse(f"{SASL}; sasl.username=alice; sasl.password={password}")
    assert security.python()["sasl_plain_password"] == password


def test_every_known_setting_reaches_java_and_python(tmp_path: Path, ca: Path) -> None:
    keys = CLIENT.write_pkcs12(tmp_path / "keys.p12", "k-secret")
    security = KafkaSecurity.parse(
        f"security.protocol=sasl_ssl;sasl.mechanism=plain;sasl.username=alice;sasl.password=secret;"
        f"ssl.truststore.location={ca};ssl.keystore.location={keys};ssl.keystore.password=k-secret;"
        f"ssl.endpoint.identification.algorithm="
    )
    assert KafkaConnection("b:1", security).spark() == {
        "kafka.bootstrap.servers": "b:1",
        "kafka.security.protocol": "SASL_SSL",
        "kafka.sasl.mechanism": "PLAIN",
        "kafka.sasl.jaas.config": render_jaas("PLAIN", "alice", "secret"),
        "kafka.ssl.truststore.type": "PEM",
        "kafka.ssl.truststore.location": str(ca),
        "kafka.ssl.keystore.type": "PKCS12",
        "kafka.ssl.keystore.location": str(keys),
        "kafka.ssl.keystore.password": "k-secret",
        "kafka.ssl.key.password": "k-secret",
        "kafka.ssl.endpoint.identification.algorithm": "",
    }
    client = KafkaConnection("b:1", security).python()
    context = client.pop("ssl_context")
    assert client == {
        "bootstrap_servers": "b:1", "security_protocol": "SASL_SSL", "sasl_mechanism": "PLAIN",
        "sasl_plain_username": "alice", "sasl_plain_password": "secret",
    }  # fmt: skip
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, False)
    assert trusted(security) == ["authority"]


def test_a_settings_file_is_read_with_its_paths_and_a_warning_where_others_can_read_it(
    tmp_path: Path, ca: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "with spaces"
    folder.mkdir()
    file = folder / "client.properties"
    jaas = render_jaas("PLAIN", "alice", "p;w é")
    file.write_bytes(
        f"# ours\nsecurity.protocol = SASL_SSL\nsasl.mechanism: PLAIN\nsasl.jaas.config={jaas}\n"
        f"ssl.truststore.location=../{ca.name}\n".encode("latin-1")
    )
    file.chmod(0o600)
    monkeypatch.chdir(tmp_path)
    settings = Settings(security=f"@ {folder.name}/{file.name}")
    found = settings.kafka().security
    assert found.login is not None
    assert (found.login.username, found.login.password.get_secret_value()) == ("alice", "p;w é")
    assert trusted(found) == ["authority"]
    assert caplog.messages == []
    file.chmod(0o644)
    warn_if_world_readable.cache_clear()
    with caplog.at_level(logging.WARNING):
        settings.kafka()
        settings.kafka()
    assert len(caplog.messages) == 1
    assert f"every user of this machine can read it: chmod 600 {file}" in caplog.messages[0]
    assert "p;w" not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"


def test_settings_never_show_what_is_in_them() -> None:
    settings = Settings(security=LOGIN.replace("secret", "xyzzy"))
    kafka = settings.kafka()
    shown = [repr(settings), str(settings.model_dump()), repr(kafka), repr(kafka.python()), repr(kafka.spark())]
    assert not any("xyzzy" in text for text in shown)
    assert all("*****" in text for text in shown)


def test_every_name_is_on_the_page_of_the_docs() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "security.md").read_text()
    assert [name for name in NAMES if f"`{name}`" not in page] == []


def test_a_connection_goes_to_another_process_with_its_login() -> None:
    connection = KafkaConnection("kafka.example:9093", KafkaSecurity.parse(LOGIN))
    sent = pickle.loads(pickle.dumps(connection))
    assert sent.python() == connection.python()
    assert sent.python()["sasl_plain_password"] == "secret"
