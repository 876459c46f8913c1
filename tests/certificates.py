"""Certificates made for a test: an authority, a server on loopback, a client, and the files that hold them."""

import datetime
import ipaddress
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID

from runtime.kafka.security import KafkaSecurity

VALID_FOR = datetime.timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Certified:
    """A key, its certificate, and the certificate of who signed it."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    authority: x509.Certificate

    def key_pem(self, password: str = "") -> str:
        """Return the key as PKCS#8, encrypted where there is a password."""
        encryption = BestAvailableEncryption(password.encode()) if password else NoEncryption()
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption).decode()

    def chain_pem(self) -> str:
        return pem(self.certificate) + pem(self.authority)

    def write_pem(self, path: Path, password: str = "") -> Path:
        """Write key and certificates to one file, as Kafka's type PEM has them."""
        path.write_text(self.key_pem(password) + self.chain_pem())
        path.chmod(0o600)
        return path

    def write_pkcs12(self, path: Path, password: str) -> Path:
        """Write key and certificates to a store."""
        encryption = BestAvailableEncryption(password.encode())
        path.write_bytes(
            pkcs12.serialize_key_and_certificates(b"us", self.key, self.certificate, [self.authority], encryption)
        )
        path.chmod(0o600)
        return path


@dataclass(frozen=True, slots=True)
class Authority:
    """Who signs."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def make(cls, name: str) -> "Authority":
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(name, key.public_key()).issuer_name(_name(name))
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        return cls(key, builder.sign(key, hashes.SHA256()))

    def certify(self, name: str, hosts: tuple[str, ...] = ("127.0.0.1",)) -> Certified:
        """Make a key and a certificate for a server at these addresses, or for a client."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host)) for host in hosts])
        builder = _builder(name, key.public_key()).issuer_name(self.certificate.subject)
        return Certified(
            key, builder.add_extension(names, critical=False).sign(self.key, hashes.SHA256()), self.certificate
        )

    def write_pem(self, path: Path) -> Path:
        """Write the authority's certificate."""
        path.write_text(pem(self.certificate))
        return path

    def write_pkcs12(self, path: Path, password: str) -> Path:
        """Write the authority's certificate to a trust store that Java reads."""
        entry = pkcs12.PKCS12Certificate(self.certificate, b"authority")
        encryption = BestAvailableEncryption(password.encode())
        path.write_bytes(pkcs12.serialize_java_truststore([entry], encryption))
        return path


def pem(certificate: x509.Certificate) -> str:
    """Return a certificate as PEM."""
    return certificate.public_bytes(Encoding.PEM).decode()


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _builder(name: str, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - VALID_FOR)
        .not_valid_after(now + VALID_FOR)
    )


def trusted(security: KafkaSecurity) -> list[str]:
    """Return the names of whom a Python client trusts."""
    context: ssl.SSLContext = security.python()["ssl_context"]
    certificates: list[Any] = context.get_ca_certs()
    return [value for found in certificates for ((name, value),) in found["subject"] if name == "commonName"]
