"""Kafka's security settings, read once, in Kafka's own names; written again for the Java and for the Python client.

The two clients know different names and types. What one of them would ignore, or take for something else, is refused
here: a program that connects connects with both, and as it was asked to.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pydantic import SecretStr

from runtime.errors import SecuritySettingError
from runtime.kafka.entries import JAAS, Entry, file_entries, inline_entries
from runtime.kafka.jaas import MODULES, parse_jaas, render_jaas
from runtime.kafka.names import NAMES, unknown_name
from runtime.kafka.store_settings import one_of, read_keystore, read_truststore
from runtime.kafka.stores import Store, pem_blocks, readable_file, warn_if_world_readable
from runtime.kafka.tls import client_context

VARIABLE = "PLAYPROOF_SECURITY"
PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
CHECKS_HOST, CHECKS_NO_HOST = "https", ""
"""Values of ssl.endpoint.identification.algorithm."""


class HiddenText(str):
    """A text for a library that takes no SecretStr: whole to use, hidden wherever settings are printed or logged.

    >>> {"password": HiddenText("geheim")}
    {'password': '**********'}
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(str(SecretStr(self)))


@dataclass(frozen=True, slots=True)
class Login:
    """User and password, and how they are proven."""

    mechanism: str
    username: str
    password: SecretStr


@dataclass(frozen=True, slots=True)
class KafkaSecurity:
    """How to connect: plain text, TLS, a login, or both. Without arguments: plain text."""

    protocol: str = "PLAINTEXT"
    login: Login | None = None
    truststore: Store | None = None
    keystore: Store | None = None
    verifies_host_name: bool = True

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the value of PLAYPROOF_SECURITY: `key=value;key=value`, or `@` and the path of a properties file.

        Raises SecuritySettingError for a name that is unknown, a value that is not allowed, settings that contradict
        one another, a file that is not there; its message never has a value in it.

        >>> login = "sasl.mechanism=PLAIN; sasl.username=alice; sasl.password=secret"
        >>> KafkaSecurity.parse(f"security.protocol = SASL_SSL; {login}").login
        Login(mechanism='PLAIN', username='alice', password=SecretStr('**********'))
        """
        text = text.strip()
        try:
            if not text.startswith("@"):
                return cls._of(inline_entries(text), None)
            path = readable_file(text[1:].strip(), "the settings file", Path.cwd())
            settings = cls._of(file_entries(_text_of(path)), path.parent)
            if settings.login or settings.keystore:
                warn_if_world_readable(path)
            return settings
        except SecuritySettingError as error:
            raise SecuritySettingError(f"{VARIABLE}: {error} (docs/security.md)") from None

    @classmethod
    def _of(cls, entries: Iterable[Entry], folder: Path | None) -> Self:
        values: dict[str, str] = {}
        for entry in entries:
            if entry.name not in NAMES:
                raise SecuritySettingError(unknown_name(entry.name, entry.where))
            if entry.name in values:
                raise SecuritySettingError(f"{entry.name} is given twice")
            values[entry.name] = entry.value
        if not values:
            return cls()
        protocol = one_of("security.protocol", values.get("security.protocol", "").upper(), PROTOCOLS)
        _check_protocol(protocol, values)
        return cls(
            protocol,
            _login(values) if protocol.startswith("SASL") else None,
            read_truststore(values, folder),
            read_keystore(values, folder),
            _verifies_host_name(values),
        )

    def java(self) -> dict[str, str]:
        """Return the settings of a Java client; nothing for plain text, its default.

        >>> KafkaSecurity("SSL").java()
        {'security.protocol': 'SSL'}
        """
        if self.protocol == "PLAINTEXT":
            return {}
        settings = {"security.protocol": self.protocol}
        if self.login:
            line = render_jaas(self.login.mechanism, self.login.username, self.login.password.get_secret_value())
            settings |= {"sasl.mechanism": self.login.mechanism, JAAS: HiddenText(line)}
        if self.truststore:
            settings |= _java_store("ssl.truststore", self.truststore)
        if self.keystore:
            settings |= _java_store("ssl.keystore", self.keystore)
        if not self.verifies_host_name:
            settings["ssl.endpoint.identification.algorithm"] = CHECKS_NO_HOST
        return settings

    def python(self) -> dict[str, Any]:
        """Return the arguments of a kafka-python client; nothing for plain text, its default.

        Raises SecuritySettingError where a store cannot be opened.
        """
        if self.protocol == "PLAINTEXT":
            return {}
        arguments: dict[str, Any] = {"security_protocol": self.protocol}
        if self.login:
            arguments |= {
                "sasl_mechanism": self.login.mechanism,
                "sasl_plain_username": self.login.username,
                "sasl_plain_password": HiddenText(self.login.password.get_secret_value()),
            }
        if self.protocol.endswith("SSL"):
            try:
                context = client_context(self.truststore, self.keystore, self.verifies_host_name)
            except SecuritySettingError as error:
                raise SecuritySettingError(f"{VARIABLE}: {error} (docs/security.md)") from None
            arguments["ssl_context"] = context
        return arguments


PLAINTEXT = KafkaSecurity()


def whole_path(text: str) -> str:
    """Return a value of PLAYPROOF_SECURITY that means the same in any folder: `@` with the whole path.

    >>> whole_path("@/etc/kafka/client.properties")
    '@/etc/kafka/client.properties'
    """
    text = text.strip()
    return f"@{Path(text[1:].strip()).expanduser().absolute()}" if text.startswith("@") else text


def _text_of(path: Path) -> str:
    """Read a properties file: UTF-8, or else Latin-1, Java's own."""
    content = path.read_bytes()
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _check_protocol(protocol: str, values: dict[str, str]) -> None:
    """Refuse settings that the protocol would ignore: whoever wrote them expects their protection."""
    for prefix, has_use in (("sasl.", protocol.startswith("SASL")), ("ssl.", protocol.endswith("SSL"))):
        useless = sorted(name for name in values if name.startswith(prefix))
        if useless and not has_use:
            raise SecuritySettingError(f"{useless[0]} has no use with security.protocol={protocol}")


def _login(values: dict[str, str]) -> Login:
    if "sasl.mechanism" not in values:
        raise SecuritySettingError(f"sasl.mechanism is missing: one of {', '.join(MODULES)}")
    mechanism = one_of("sasl.mechanism", values["sasl.mechanism"].upper(), tuple(MODULES))
    has_pair = "sasl.username" in values or "sasl.password" in values
    if has_pair and JAAS in values:
        raise SecuritySettingError(f"sasl.username and sasl.password are given, and {JAAS} too: keep one of them")
    if JAAS in values:
        username, password = parse_jaas(values[JAAS], mechanism)
    else:
        username, password = values.get("sasl.username", ""), values.get("sasl.password", "")
    if not username or not password:
        raise SecuritySettingError(f"sasl.username and sasl.password are missing, or {JAAS}")
    return Login(mechanism, username, SecretStr(password))


def _verifies_host_name(values: dict[str, str]) -> bool:
    name = "ssl.endpoint.identification.algorithm"
    algorithm = values.get(name, CHECKS_HOST).lower()
    if algorithm not in (CHECKS_HOST, CHECKS_NO_HOST):
        raise SecuritySettingError(f"{name} must be {CHECKS_HOST}, or empty: the host's name is not checked then")
    return algorithm == CHECKS_HOST


def _java_store(name: str, store: Store) -> dict[str, str]:
    settings = {f"{name}.type": str(store.type)}
    if store.location is not None:
        settings[f"{name}.location"] = str(store.location)
    elif name == "ssl.truststore":
        settings[f"{name}.certificates"] = store.read_pem()
    else:
        blocks = pem_blocks(store.read_pem())
        certificates = "".join(text for label, text in blocks if label == "CERTIFICATE")
        key = next(text for label, text in blocks if label.endswith("PRIVATE KEY"))
        settings |= {f"{name}.key": HiddenText(key), f"{name}.certificate.chain": certificates}
    if store.password:
        settings[f"{name}.password"] = HiddenText(store.password.get_secret_value())
    if name == "ssl.keystore" and (password := store.key_password or store.password):
        settings["ssl.key.password"] = HiddenText(password.get_secret_value())
    return settings
