"""The trust store and the key store that Kafka's security settings name, each checked as it is read."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from runtime.errors import SecuritySettingError
from runtime.kafka.stores import (
    STORE_TYPES,
    Store,
    check_certificates,
    check_key,
    readable_file,
    type_of,
    warn_if_world_readable,
)

Settings = Mapping[str, str]
"""Settings by Kafka's own names."""


def one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    """Return a value that is allowed. Raises SecuritySettingError for another."""
    if value not in allowed:
        raise SecuritySettingError(f"{name} must be one of {', '.join(allowed)}")
    return value


def read_truststore(values: Settings, folder: Path | None) -> Store | None:
    """Read whose certificates a broker's must come from; None for those of the system. Raises SecuritySettingError."""
    name = "ssl.truststore"
    if f"{name}.certificates" in values:
        _refuse_with(values, f"{name}.certificates", f"{name}.location", f"{name}.password")
        _check_type(values, name, "PEM")
        store = Store("PEM", pem=SecretStr(values[f"{name}.certificates"]))
        check_certificates(store, f"{name}.certificates")
        return store
    from_file = _store_file(values, name, folder)
    if from_file and from_file.type == "PEM":
        check_certificates(from_file, f"{name}.location")
    return from_file


def read_keystore(values: Settings, folder: Path | None) -> Store | None:
    """Read the client's own certificate and key; None where it has none. Raises SecuritySettingError."""
    name = "ssl.keystore"
    key_password = _secret(values, "ssl.key.password")
    texts = [f"{name}.key", f"{name}.certificate.chain"]
    given = [text for text in texts if text in values]
    if given:
        if len(given) == 1:
            raise SecuritySettingError(f"{' and '.join(texts)} are given together or not at all")
        _refuse_with(values, given[0], f"{name}.location", f"{name}.password")
        _check_type(values, name, "PEM")
        pem = SecretStr("\n".join(values[text] for text in texts))
        store = Store("PEM", pem=pem, key_password=key_password)
        check_key(store, texts[0])
        return store
    from_file = _store_file(values, name, folder, key_password)
    if from_file is None:
        _refuse_without(values, "ssl.key.password", f"{name}.location")
        return None
    if from_file.type == "PEM":
        check_key(from_file, f"{name}.location")
    elif from_file.password is None:
        raise SecuritySettingError(f"{name}.password is missing: a {from_file.type} store has one")
    elif key_password and key_password != from_file.password:
        raise SecuritySettingError(
            f"ssl.key.password differs from {name}.password: Python cannot open such a {from_file.type} store, turn it "
            f"into PEM"
        )
    assert from_file.location is not None
    warn_if_world_readable(from_file.location)
    return from_file


def _store_file(
    values: Settings, name: str, folder: Path | None, key_password: SecretStr | None = None
) -> Store | None:
    location = f"{name}.location"
    if location not in values:
        _refuse_without(values, f"{name}.type", location)
        _refuse_without(values, f"{name}.password", location)
        return None
    path = readable_file(values[location], location, folder)
    store_type = type_of(path)
    # Java's type JKS reads PKCS12 too, and is its default
    if not (values.get(f"{name}.type", "").upper() == "JKS" and store_type == "PKCS12"):
        _check_type(values, name, store_type)
    if store_type == "PEM":
        _refuse_with(values, f"{name}.type=PEM", f"{name}.password")
    password = _secret(values, f"{name}.password")
    if store_type == "PKCS12" and password is not None and not password.get_secret_value().isascii():
        raise SecuritySettingError(
            f"{name}.password is not ASCII, and Java opens no PKCS12 file with such a password: "
            f"write the file again with another one, or use PEM"
        )
    return Store(store_type, path, password, key_password=key_password)


def _check_type(values: Settings, name: str, store_type: str) -> None:
    if f"{name}.type" in values:
        given = one_of(f"{name}.type", values[f"{name}.type"].upper(), STORE_TYPES)
        if given != store_type:
            raise SecuritySettingError(f"{name}.type is {given}, but what is there is {store_type}")


def _refuse_with(values: Settings, name: str, *others: str) -> None:
    for other in others:
        if other in values:
            raise SecuritySettingError(f"{name} and {other} exclude each other")


def _refuse_without(values: Settings, name: str, needed: str) -> None:
    if name in values:
        raise SecuritySettingError(f"{name} has no use without {needed}")


def _secret(values: Settings, name: str) -> SecretStr | None:
    return SecretStr(values[name]) if values.get(name) else None
