"""Python's TLS context from the stores."""

import os
import secrets
import ssl
import tempfile
from pathlib import Path

from runtime.errors import SecuritySettingError
from runtime.kafka.stores import Store, pem_blocks


def client_context(truststore: Store | None, keystore: Store | None, verifies_host_name: bool) -> ssl.SSLContext:
    """Build a client's TLS context; without a trust store it trusts what the machine trusts.

    Raises SecuritySettingError where a store cannot be opened; the message never shows what is in it.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = verifies_host_name
    if truststore is None:
        context.load_default_certs()
    else:
        _load_trusted(context, truststore)
    if keystore is not None:
        _load_key(context, keystore)
    return context


def _load_trusted(context: ssl.SSLContext, store: Store) -> None:
    if store.type == "PEM":
        trusted = "".join(block for label, block in pem_blocks(store.read_pem()) if label == "CERTIFICATE")
    else:
        from runtime.kafka import keys  # noqa: PLC0415  # 80 ms to import, needed for such stores only

        trusted = keys.trusted_certificates(store)
    try:
        context.load_verify_locations(cadata=trusted)
    except (ssl.SSLError, ValueError, TypeError):  # the latter two: no certificate, no ASCII, as in half a file
        raise SecuritySettingError("the certificates of the trust store cannot be read") from None


def _load_key(context: ssl.SSLContext, store: Store) -> None:
    """Give the context our key and certificates.

    Python's `ssl` reads keys from files only. The key goes through a temporary file that only this user can read,
    encrypted with a password that is used once.
    """
    from runtime.kafka import keys  # noqa: PLC0415  # 80 ms to import, needed for such stores only

    once = secrets.token_hex(16)
    pem = keys.key_and_certificates(store, once)
    # mkstemp: readable by this user only
    number, name = tempfile.mkstemp(prefix="playproof-key-")
    try:
        with os.fdopen(number, "w") as file:
            file.write(pem)
        context.load_cert_chain(name, password=once)
    except ssl.SSLError:
        raise SecuritySettingError("key and certificates of the key store do not belong together") from None
    finally:
        Path(name).unlink()
