"""A broker with TLS, users and rights, as a company runs one; the rights are those in docs/security.md."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ResourcePattern,
    ResourceType,
    UserScramCredentialUpsertion,
)

from contracts.topics import TOPICS
from ops.stack.broker import Broker, running
from ops.stack.ports import LOOPBACK, free_port
from producer.kafka import topics
from runtime.kafka.security import HiddenText
from tests.certificates import Authority, Certified

DOCS = Path(__file__).resolve().parents[2] / "docs" / "security.md"
STRANGER = "stranger"
"""A user with a password and without a right."""
SUPER = "root"
STORE_PASSWORD = HiddenText('p;w "=\\')
"""Java opens a PKCS12 file only with an ASCII password."""
PASSWORD = HiddenText('p;w "=ä\\')
"""What every user has here: each character of it means something to one of the parsers on the way."""
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
JAAS = "org.apache.kafka.common.security"


@dataclass(frozen=True, slots=True)
class Rights:
    """What a program may do, as the table of the docs says it."""

    read: tuple[str, ...]
    write: tuple[str, ...]
    more: str


@dataclass(frozen=True, slots=True)
class SecuredBroker:
    """Where it listens, and the files that clients have."""

    broker: Broker
    """Its listener in plain text, for the test alone."""
    sasl: str
    """Address for users with a password, over TLS."""
    mtls: str
    """Address for clients with a certificate."""
    folder: Path
    authority: Authority
    client: Certified
    """A client that may do everything."""

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    @property
    def other_ca(self) -> Path:
        """An authority that did not sign the broker's certificate."""
        return self.folder / "other-ca.pem"

    @property
    def client_pem(self) -> Path:
        return self.folder / "client.pem"

    @property
    def client_pkcs12(self) -> Path:
        """The same, with STORE_PASSWORD."""
        return self.folder / "client.p12"

    def login(
        self, user: str, password: str = PASSWORD, ca: Path | None = None, mechanism: str = "SCRAM-SHA-512"
    ) -> str:
        """Return PLAYPROOF_SECURITY of a user."""
        return (
            f"security.protocol=SASL_SSL; sasl.mechanism={mechanism}; sasl.username={user}; "
            f"sasl.password={quoted(password)}; ssl.truststore.location={ca or self.ca}"
        )


def quoted(value: str) -> str:
    """Write a value in quotes, as docs/security.md says."""
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def rights_of_docs() -> dict[str, Rights]:
    """Read the table of users and rights."""
    rows = re.findall(r"^\| `playproof .+?\| (\w+) \|(.*?)\|(.*?)\|(.*?)\|$", DOCS.read_text(), re.MULTILINE)
    return {
        user: Rights(tuple(re.findall(r"[\w-]+", read)), tuple(re.findall(r"[\w-]+", write)), more.strip())
        for user, read, write, more in rows
    }


@contextmanager
def secured_broker(folder: Path, world: str) -> Iterator[SecuredBroker]:
    """Run the broker, with the topics, the users of the docs, and their rights for a world's programs."""
    authority, client_authority = Authority.make("authority"), Authority.make("clients")
    authority.write_pem(folder / "ca.pem")
    Authority.make("other").write_pem(folder / "other-ca.pem")
    client_authority.write_pem(folder / "clients-ca.pem")
    client = client_authority.certify("client")
    client.write_pem(folder / "client.pem")
    client.write_pkcs12(folder / "client.p12", STORE_PASSWORD)
    authority.certify("broker").write_pem(folder / "broker.pem")
    sasl, mtls = free_port(), free_port()
    extra = {
        "listeners": f"SECURE://{LOOPBACK}:{sasl},MTLS://{LOOPBACK}:{mtls}",
        "advertised.listeners": f"SECURE://{LOOPBACK}:{sasl},MTLS://{LOOPBACK}:{mtls}",
        "listener.security.protocol.map": "SECURE:SASL_SSL,MTLS:SSL",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        # the listener in plain text is anonymous
        "super.users": f"User:ANONYMOUS;User:{SUPER};User:CN=client",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(folder / "broker.pem"),
        "listener.name.mtls.ssl.client.auth": "required",
        "listener.name.mtls.ssl.truststore.type": "PEM",
        "listener.name.mtls.ssl.truststore.location": str(folder / "clients-ca.pem"),
        "listener.name.secure.sasl.enabled.mechanisms": ",".join(MECHANISMS),
        "listener.name.secure.plain.sasl.jaas.config": (
            f'{JAAS}.plain.PlainLoginModule required user_{SUPER}="plain-{SUPER}";'
        ),
    }
    for mechanism in MECHANISMS[1:]:
        extra[f"listener.name.secure.{mechanism.lower()}.sasl.jaas.config"] = f"{JAAS}.scram.ScramLoginModule required;"
    with running(folder / "broker", f"{LOOPBACK}:{free_port()}", extra) as broker:
        topics.create(broker.kafka)
        with KafkaAdminClient(**broker.kafka.python()) as admin:
            _make_users(admin)
            _grant(admin, world)
        yield SecuredBroker(broker, f"{LOOPBACK}:{sasl}", f"{LOOPBACK}:{mtls}", folder, authority, client)


def _make_users(admin: KafkaAdminClient) -> None:
    users = (*rights_of_docs(), STRANGER, SUPER)
    for mechanism in MECHANISMS[1:]:  # a request may name a user once
        wanted = [UserScramCredentialUpsertion(user, mechanism, PASSWORD) for user in users]
        assert not any(admin.alter_user_scram_credentials(wanted).values())


def _grant(admin: KafkaAdminClient, world: str) -> None:
    """Give every user of the docs just the rights of its row."""
    acls = []
    for user, rights in rights_of_docs().items():
        acls += [_allowed(user, ACLOperation.READ, ResourceType.TOPIC, topic) for topic in rights.read]
        acls += [_allowed(user, ACLOperation.WRITE, ResourceType.TOPIC, topic) for topic in rights.write]
        if re.match(r"transactional ids .*: Describe, Write$", rights.more):
            for name in re.findall(r"`([\w-]+)WORLD`", rights.more):
                for operation in (ACLOperation.DESCRIBE, ACLOperation.WRITE):
                    acls.append(_allowed(user, operation, ResourceType.TRANSACTIONAL_ID, name + world))
        if rights.more == "Create and Describe on each topic":
            for operation in (ACLOperation.CREATE, ACLOperation.DESCRIBE):
                acls += [_allowed(user, operation, ResourceType.TOPIC, topic) for topic in TOPICS]
    assert admin.create_acls(acls)["failed"] == []


def _allowed(user: str, operation: ACLOperation, kind: ResourceType, name: str) -> ACL:
    return ACL(f"User:{user}", "*", operation, ACLPermissionType.ALLOW, ResourcePattern(kind, name))
