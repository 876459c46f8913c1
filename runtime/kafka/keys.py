"""What is in a store, as PEM: PKCS12 is opened by `cryptography`, JKS is converted by Java's own keytool first."""

import os
import secrets
import subprocess
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import (
    PKCS12Certificate,
    PKCS12KeyAndCertificates,
    load_pkcs12,
)
from pydantic import SecretStr

from runtime.errors import SecuritySettingError
from runtime.jvm import find_java
from runtime.kafka.stores import Store, pem_blocks

KEYTOOL_WITHIN_S = 60


def trusted_certificates(store: Store) -> str:
    """Return the certificates of a PKCS12 or JKS trust store. Raises SecuritySettingError where there is none."""
    content = _open(store, "ssl.truststore")
    certificates = _as_pem(content.cert, *content.additional_certs)
    if not certificates:
        raise SecuritySettingError(f"ssl.truststore.location is {store.location}: it has no certificate")
    return certificates


def key_and_certificates(store: Store, password: str) -> str:
    """Return the private key of a key store, encrypted with `password`, and below it its certificates.

    Raises SecuritySettingError where the key cannot be opened.
    """
    if store.type == "PEM":
        blocks = pem_blocks(store.read_pem())
        certificates = "".join(block for label, block in blocks if label == "CERTIFICATE")
        text = next((block for label, block in blocks if label.endswith("PRIVATE KEY")), "")
        try:
            key = load_pem_private_key(text.encode(), _bytes(store.key_password))
        except (ValueError, TypeError):
            raise SecuritySettingError("the key of the key store cannot be opened: see ssl.key.password") from None
    else:
        content = _open(store, "ssl.keystore")
        if content.key is None or content.cert is None:
            raise SecuritySettingError(f"ssl.keystore.location is {store.location}: it has no key with a certificate")
        key, certificates = content.key, _as_pem(content.cert, *content.additional_certs)
    encryption = BestAvailableEncryption(password.encode())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode() + certificates


def _as_pem(*certificates: PKCS12Certificate | None) -> str:
    return "".join(c.certificate.public_bytes(Encoding.PEM).decode() for c in certificates if c is not None)


def _open(store: Store, name: str) -> PKCS12KeyAndCertificates:
    data, password = store.read(), store.password
    if store.type == "JKS":
        data, password = _jks_as_pkcs12(store, name)
    try:
        return load_pkcs12(data, _bytes(password))
    except ValueError:
        raise SecuritySettingError(
            f"{name}.location is {store.location}: it cannot be opened with {name}.password"
        ) from None


def _jks_as_pkcs12(store: Store, name: str) -> tuple[bytes, SecretStr]:
    """Convert a store of Java's old type, whose format only Java knows. The passwords go by the environment."""
    once = secrets.token_hex(16)
    with tempfile.TemporaryDirectory(prefix="playproof-store-") as folder:
        target = Path(folder) / "store.p12"
        # keytool is in Java's base module, so a Java without its tools has it too
        command = [str(find_java() / "bin" / "java"), "-XX:TieredStopAtLevel=1"]
        command += ["-m", "java.base/sun.security.tools.keytool.Main"]
        command += ["-importkeystore", "-noprompt", "-srckeystore", str(store.location), "-srcstoretype", "JKS"]
        command += ["-destkeystore", str(target), "-deststoretype", "PKCS12"]
        command += ["-srcstorepass:env", "STORE_PASSWORD", "-deststorepass:env", "ONCE"]
        passwords = {"STORE_PASSWORD": store.password.get_secret_value() if store.password else "", "ONCE": once}
        done = subprocess.run(
            command, env=os.environ | passwords, capture_output=True, stdin=subprocess.DEVNULL, check=False,
            timeout=KEYTOOL_WITHIN_S,
        )  # fmt: skip
        if done.returncode != 0:
            raise SecuritySettingError(
                f"{name}.location is {store.location}: it cannot be opened with {name}.password (a key in a JKS store "
                f"must have the store's password)"
            )
        return target.read_bytes(), SecretStr(once)


def _bytes(password: SecretStr | None) -> bytes | None:
    return password.get_secret_value().encode() if password else None
