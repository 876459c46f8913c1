"""One attempt to be let in by a broker, step by step: connect, TLS, login. The step that fails says why.

kafka-python takes a wrong password for an absent broker: the broker answers and ends the connection, the client loses
the answer with the connection, tries until its time is up, and says that nobody is there. So the few requests of a
login are sent here (Kafka protocol guide: SaslHandshake 1, SaslAuthenticate 0, both with request header 1).
"""

import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import contextmanager

from kafka.net.sasl import get_sasl_mechanism

from runtime.errors import AccessError
from runtime.kafka.connection import KafkaConnection

ANSWERS_WITHIN_S = 2.0
DEFAULT_PORT = 9092
SASL_HANDSHAKE, SASL_AUTHENTICATE = (17, 1), (36, 0)
"""API key and version."""
UNSUPPORTED_SASL_MECHANISM, ILLEGAL_SASL_STATE = 33, 34
"""Error codes: the mechanism is not offered, with those that are; there is no login at this port."""
MAX_ANSWER_BYTES = 1 << 20
SEE = "see PLAYPROOF_SECURITY (docs/security.md)"


def attempt(kafka: KafkaConnection, address: str) -> None:
    """Connect to one of the bootstrap servers, log in, and hang up.

    Raises AccessError where the broker refuses us, OSError where nobody answers; its text says what happened instead.
    """
    client = kafka.python()
    host, port = _host_and_port(address)
    with socket.create_connection((host, port), ANSWERS_WITHIN_S) as plain:
        plain.settimeout(ANSWERS_WITHIN_S)
        context = client.get("ssl_context")
        with _tls_errors(address):
            stream = context.wrap_socket(plain, server_hostname=host) if context else plain
            with stream:
                _log_in(stream, kafka, address)


def _log_in(stream: socket.socket, kafka: KafkaConnection, address: str) -> None:
    login = kafka.security.login
    answer = _ask(stream, SASL_HANDSHAKE, _string(login.mechanism if login else "none"))
    (error,) = struct.unpack_from(">h", answer)
    if login is None:
        if error == UNSUPPORTED_SASL_MECHANISM:
            raise AccessError(f"the broker at {address} asks for user and password ({_offered(answer)}): {SEE}")
        return
    if error == UNSUPPORTED_SASL_MECHANISM:
        raise AccessError(f"the broker at {address} offers {_offered(answer)}, not {login.mechanism}: {SEE}")
    if error:
        raise AccessError(
            f"the broker at {address} asks for no user: security.protocol is {kafka.security.protocol}: {SEE}"
        )
    mechanism = get_sasl_mechanism(login.mechanism)(
        host=address, sasl_mechanism=login.mechanism, security_protocol=kafka.security.protocol,
        sasl_plain_username=login.username, sasl_plain_password=login.password.get_secret_value(),
    )  # fmt: skip
    while not mechanism.is_done():
        token = mechanism.auth_bytes()
        answer = _ask(stream, SASL_AUTHENTICATE, struct.pack(">i", len(token)) + token)
        (error,) = struct.unpack_from(">h", answer)
        if error:
            raise AccessError(
                f"the broker at {address} refuses user {login.username}: authentication failed ({login.mechanism}), "
                f"name or password is wrong: {SEE}"
            )
        mechanism.receive(_answered_token(answer))


@contextmanager
def _tls_errors(address: str) -> Iterator[None]:
    """Tell a TLS refusal, which may come with the first answer only, from a connection that ended."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        why = error.verify_message.rstrip(".")
        cure = "use a name it has" if "mismatch" in why else "name its authority with ssl.truststore.location"
        raise AccessError(f"the certificate of the broker at {address} is not trusted ({why}): {cure}, {SEE}") from None
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
        # a broker that is being stopped ends the connection too
        raise ConnectionError("something listens there and ends the connection: does that port speak TLS?") from None
    except ssl.SSLError as error:
        why = error.reason or "no reason given"
        cure = "our own certificate is ssl.keystore.location, " if "CERTIFICATE" in why else ""
        raise AccessError(f"TLS with the broker at {address} fails ({why}): {cure}{SEE}") from None


def _ask(stream: socket.socket, api: tuple[int, int], body: bytes) -> bytes:
    """Send a request and return the body of its answer. Raises OSError where there is none."""
    request = struct.pack(">hhi", *api, 1) + _string("playproof") + body
    stream.sendall(struct.pack(">i", len(request)) + request)
    (size,) = struct.unpack(">i", _read(stream, 4))
    if not 4 < size <= MAX_ANSWER_BYTES:
        raise ConnectionError("what listens there is no Kafka broker, or its port speaks TLS")
    return _read(stream, size)[4:]


def _read(stream: socket.socket, size: int) -> bytes:
    read = b""
    while len(read) < size:
        piece = stream.recv(size - len(read))
        if not piece:
            raise ConnectionError("something listens there and ends the connection: does that port want TLS?")
        read += piece
    return read


def _string(text: str) -> bytes:
    return struct.pack(">h", len(text.encode())) + text.encode()


def _offered(answer: bytes) -> str:
    """Return the mechanisms in the answer to a SaslHandshake: error code, then an array of strings."""
    (count,) = struct.unpack_from(">i", answer, 2)
    names, start = [], 6
    for _ in range(count):
        (length,) = struct.unpack_from(">h", answer, start)
        names.append(answer[start + 2 : start + 2 + length].decode())
        start += 2 + length
    return ", ".join(sorted(names))


def _answered_token(answer: bytes) -> bytes:
    """Return the bytes in the answer to a SaslAuthenticate: error code, text that may be null (-1), then the bytes."""
    (length,) = struct.unpack_from(">h", answer, 2)
    start = 4 + max(length, 0)
    (size,) = struct.unpack_from(">i", answer, start)
    return answer[start + 4 : start + 4 + size]


def _host_and_port(address: str) -> tuple[str, int]:
    """Split `host:port`; an IPv6 address is in brackets.

    >>> _host_and_port("kafka.example.com:9093"), _host_and_port("[::1]:9093"), _host_and_port("kafka")
    (('kafka.example.com', 9093), ('::1', 9093), ('kafka', 9092))
    """
    host, colon, port = address.strip().rpartition(":")
    if not colon or not port.isdigit():
        host, port = address.strip(), str(DEFAULT_PORT)
    return host.strip("[]"), int(port)
