"""Whether the broker answers, whether it lets us in, and whether we may read and write the topics we need.

kafka-python itself takes a wrong password for an absent broker: it tries until its time is up and says that nobody
answers. So one attempt is made here whose error is seen.
"""

import ssl
from collections.abc import Callable, Iterable

import kafka.errors as kafka_errors
from kafka import KafkaAdminClient
from kafka.errors import KafkaError
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector
from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from runtime.errors import AccessError, BrokerError
from runtime.kafka.connection import KafkaConnection

UP_WITHIN_S = 60.0
ANSWERS_WITHIN_MS = 2000
DESCRIBES_WITHIN_MS = 10_000
READ, WRITE = "READ", "WRITE"


def answers(kafka: KafkaConnection) -> bool:
    """Say whether a broker answers and lets us in. Raises AccessError where it answers and refuses us."""
    net = NetworkSelector()
    manager = KafkaConnectionManager(net, **kafka.python(), request_timeout_ms=ANSWERS_WITHIN_MS)
    try:
        for broker in manager.cluster.bootstrap_brokers():
            try:
                net.run(_connect, manager, broker.node_id)
            except (KafkaError, OSError) as error:
                if refusal := _refusal(kafka, error):
                    raise AccessError(refusal) from None
            else:
                return True
        return False
    finally:
        manager.close()
        net.close()


async def _connect(manager: KafkaConnectionManager, node_id: str) -> None:
    await manager.get_connection(node_id, timeout_ms=ANSWERS_WITHIN_MS)


def wait_until_up(
    kafka: KafkaConnection, within_s: float = UP_WITHIN_S, is_alive: Callable[[], bool] = lambda: True
) -> None:
    """Return once the broker answers.

    Raises AccessError at once where it refuses us; BrokerError when time is up or the broker's process has ended.
    """
    # a busy machine may need seconds to answer; an absent broker refuses at once
    attempts = Retrying(stop=stop_after_delay(within_s), wait=wait_fixed(0.1), retry=retry_if_result(lambda up: not up))

    def ask() -> bool:
        if not is_alive():
            raise BrokerError("the broker ended while it was starting")
        return answers(kafka)

    try:
        attempts(ask)
    except RetryError:
        raise BrokerError(
            f"no broker answers at {kafka.address} after {within_s:g} s: start one with  playproof up  or  "
            f"playproof broker, or name yours with  PLAYPROOF_BROKER=host:port"
        ) from None


def missing_topics(kafka: KafkaConnection, *, read: Iterable[str] = (), write: Iterable[str] = ()) -> list[str]:
    """Return those of the topics that do not exist.

    Raises AccessError, naming it, for a topic that we may not read or write as asked; BrokerError where the broker
    does not tell.
    """
    needed = {topic: [READ] for topic in read}
    for topic in write:
        needed.setdefault(topic, []).append(WRITE)
    try:
        with KafkaAdminClient(**kafka.python(), bootstrap_timeout_ms=DESCRIBES_WITHIN_MS) as admin:
            described = admin.describe_topics(list(needed))
    except KafkaError as error:
        raise explain(kafka, error) from None
    missing = []
    for topic in described:
        name, code = topic["name"], topic["error_code"]
        if code == kafka_errors.UnknownTopicOrPartitionError.errno:
            missing.append(name)
            continue
        hidden = code == kafka_errors.TopicAuthorizationFailedError.errno
        # a broker that does not tell rights, or has none to give, is asked by the first message
        allowed = topic.get("authorized_operations") or [READ, WRITE]
        lacking = needed[name] if hidden else [right for right in needed[name] if right not in allowed]
        if lacking:
            raise AccessError(_forbidden(kafka, f"{' and '.join(lacking).lower()} topic {name}"))
    return sorted(missing)


def require_topics(kafka: KafkaConnection, *, read: Iterable[str] = (), write: Iterable[str] = ()) -> None:
    """Raise BrokerError, naming them, where topics are missing; AccessError where we may not use one."""
    missing = missing_topics(kafka, read=read, write=write)
    if missing:
        raise BrokerError(
            f"no topic {', '.join(missing)} at {kafka.address} (auto-creation is off): run  playproof topics"
        )


def check_access(kafka: KafkaConnection, *, read: Iterable[str] = (), write: Iterable[str] = ()) -> None:
    """Raise AccessError where the broker refuses us, or refuses us a topic; who is absent yet may come later."""
    if answers(kafka):
        missing_topics(kafka, read=read, write=write)


def explain(kafka: KafkaConnection, error: Exception) -> BrokerError:
    """Return what a client's error means, in one line: no right, no entry, or nobody there."""
    if isinstance(error, kafka_errors.AuthorizationError):
        return AccessError(_forbidden(kafka, f"do this ({error})"))
    try:
        answers(kafka)
    except AccessError as refused:
        return refused
    return BrokerError(f"no broker answers at {kafka.address} ({type(error).__name__}): run  playproof up")


def _forbidden(kafka: KafkaConnection, act: str) -> str:
    login = kafka.security.login
    user = f"user {login.username}" if login else "we"
    return f"{user} may not {act} at {kafka.address}: docs/security.md lists the rights that each program needs"


def _refusal(kafka: KafkaConnection, error: Exception) -> str | None:
    """Say why a broker refuses us; None where nobody answers, or the connection broke."""
    login = kafka.security.login
    see = "see PLAYPROOF_SECURITY (docs/security.md)"
    if login and isinstance(error, kafka_errors.UnsupportedSaslMechanismError):
        return f"the broker at {kafka.address} does not offer sasl.mechanism={login.mechanism}: {see}"
    if login and isinstance(error, kafka_errors.SaslAuthenticationFailedError):
        return (
            f"the broker at {kafka.address} refuses user {login.username}: authentication failed ({login.mechanism}), "
            f"so name or password is wrong: {see}"
        )
    cause = next((e for e in (error.__context__, *error.args) if isinstance(e, ssl.SSLError)), None)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return (
            f"the certificate of the broker at {kafka.address} is not trusted ({cause.verify_message}): name its CA "
            f"with ssl.truststore.location, {see}"
        )
    # a broker that is being stopped ends the connection too
    if cause is None or isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return None
    return f"TLS with the broker at {kafka.address} fails ({cause.reason or cause}): {see}"
