"""Whom we trust and who we are in TLS: certificates in files or in the setting itself, as PEM, PKCS12 or JKS."""

import logging
import os
import re
import stat
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, get_args

from pydantic import SecretStr

from runtime.errors import SecuritySettingError

StoreType = Literal["PEM", "PKCS12", "JKS"]
STORE_TYPES: tuple[StoreType, ...] = get_args(StoreType)

_PEM_BLOCK = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
_JKS_MAGIC = b"\xfe\xed\xfe\xed"
_PKCS8 = ("PRIVATE KEY", "ENCRYPTED PRIVATE KEY")
"""The forms of a private key in PEM that Java reads."""
_WIDTH = 64
"""Characters of base64 per line of PEM (RFC 7468)."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Store:
    """A file of certificates, or the PEM text itself: one of the two. Keys and passwords are hidden in every print."""

    type: StoreType
    location: Path | None = None
    password: SecretStr | None = None
    pem: SecretStr | None = None
    """Certificates; of a key store first the key, then its certificates."""
    key_password: SecretStr | None = None

    def read_pem(self) -> str:
        """Return the PEM text. Raises SecuritySettingError where the file has gone."""
        if self.pem is not None:
            return normalise_pem(self.pem.get_secret_value())
        return normalise_pem(self.read().decode("latin-1"))

    def read(self) -> bytes:
        """Return the file's bytes. Raises SecuritySettingError where it has gone."""
        assert self.location is not None
        try:
            return self.location.read_bytes()
        except OSError as error:
            raise SecuritySettingError(f"{self.location} cannot be read: {error.strerror}") from None


def readable_file(text: str, name: str, folder: Path | None) -> Path:
    """Return the path that a setting `name` gives; a relative one begins in `folder`, the settings file's.

    Raises SecuritySettingError, with the path, where there is no such file or it cannot be read.
    """
    path = Path(text).expanduser()
    if not path.is_absolute():
        if folder is None:
            raise SecuritySettingError(f"{name} is {path}: write the whole path, programs start in several folders")
        path = folder / path
    if not path.is_file():
        raise SecuritySettingError(f"{name} is {path}: there is no such file")
    if not os.access(path, os.R_OK):
        raise SecuritySettingError(f"{name} is {path}: this user may not read it")
    return path


@cache
def warn_if_world_readable(path: Path) -> None:
    """Warn, once per process, of a file with secrets that every user of the machine can read."""
    if path.stat().st_mode & stat.S_IROTH:
        logger.warning("%s holds secrets and every user of this machine can read it: chmod 600 %s", path, path)


def type_of(path: Path) -> StoreType:
    """Tell the type of a store from its first bytes."""
    with path.open("rb") as file:
        start = file.read(4096)
    if start.startswith(_JKS_MAGIC):
        return "JKS"
    return "PEM" if b"-----BEGIN " in start else "PKCS12"


def pem_blocks(text: str) -> list[tuple[str, str]]:
    """List the blocks of a PEM text, as label and text with the line breaks that OpenSSL wants.

    >>> pem_blocks("-----BEGIN CERTIFICATE----- QUJD REVG -----END CERTIFICATE-----")
    [('CERTIFICATE', '-----BEGIN CERTIFICATE-----\\nQUJDREVG\\n-----END CERTIFICATE-----\\n')]
    """
    blocks = []
    for label, body in _PEM_BLOCK.findall(text):
        base64 = "".join(body.split())
        lines = [base64[i : i + _WIDTH] for i in range(0, len(base64), _WIDTH)]
        blocks.append((label, "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""])))
    return blocks


def normalise_pem(text: str) -> str:
    """Return the blocks of a PEM text one below the other."""
    return "".join(block for _, block in pem_blocks(text))


def check_certificates(store: Store, name: str) -> None:
    """Raise SecuritySettingError where a PEM trust store has no certificate."""
    if not any(label == "CERTIFICATE" for label, _ in pem_blocks(store.read_pem())):
        raise SecuritySettingError(f"{name} has no  -----BEGIN CERTIFICATE-----")


def check_key(store: Store, name: str) -> None:
    """Raise SecuritySettingError where a PEM key store lacks key or certificate, or has a key that Java cannot read."""
    labels = [label for label, _ in pem_blocks(store.read_pem())]
    if "CERTIFICATE" not in labels or not any(label.endswith("PRIVATE KEY") for label in labels):
        raise SecuritySettingError(f"{name} must have both the private key and its certificates, as PEM")
    if not any(label in _PKCS8 for label in labels):
        raise SecuritySettingError(
            f"{name} has a key in a form that Java does not read: turn it into PKCS#8 with  "
            f"openssl pkcs8 -topk8 -in KEY -out KEY8"
        )
    if "ENCRYPTED PRIVATE KEY" in labels and store.key_password is None:
        raise SecuritySettingError(f"{name} has an encrypted key: give  ssl.key.password")
