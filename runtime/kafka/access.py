"""Whether the broker answers, whether it lets us in, and whether we may read and write the topics we need."""

from collections.abc import Callable, Iterable

import kafka.errors as kafka_errors
from kafka import KafkaAdminClient
from kafka.errors import KafkaError
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from runtime.errors import AccessError, BrokerError, SecuritySettingError
from runtime.kafka.connection import KafkaConnection
from runtime.kafka.handshake import attempt

UP_WITHIN_S = 60.0
DESCRIBES_WITHIN_MS = 10_000
READ, WRITE, DESCRIBE = "READ", "WRITE", "DESCRIBE"


def answers(kafka: KafkaConnection) -> bool:
    """Say whether a broker answers and lets us in. Raises AccessError where it answers and refuses us."""
    return _silence(kafka) is None


def _silence(kafka: KafkaConnection) -> str | None:
    """Return why no broker answers; None where one answers and lets us in. Raises AccessError where it refuses us."""
    why = ""
    for address in kafka.address.split(","):
        try:
            attempt(kafka, address.strip())
        except OSError as error:
            why = error.strerror or str(error) or type(error).__name__
        else:
            return None
    return why


def wait_until_up(
    kafka: KafkaConnection, within_s: float = UP_WITHIN_S, is_alive: Callable[[], bool] = lambda: True
) -> None:
    """Return once the broker answers.

    Raises AccessError at once where it refuses us; BrokerError when time is up or the broker's process has ended.
    """
    # a busy machine may need seconds to answer; an absent broker refuses at once
    attempts = Retrying(
        stop=stop_after_delay(within_s),
        wait=wait_fixed(0.1),
        retry=retry_if_result(lambda why: why is not None),
        retry_error_callback=lambda last: last.outcome.result() if last.outcome else "",
    )

    def ask() -> str | None:
        if not is_alive():
            raise BrokerError("the broker ended while it was starting")
        return _silence(kafka)

    why = attempts(ask)
    if why is not None:
        raise BrokerError(
            f"no broker answers at {kafka.address} after {within_s:g} s ({why}): start one with  playproof up  or  "
            f"playproof broker, or name yours with  PLAYPROOF_BROKER=host:port"
        )


def missing_topics(
    kafka: KafkaConnection,
    *,
    read: Iterable[str] = (),
    write: Iterable[str] = (),
    describe: Iterable[str] = (),
) -> list[str]:
    """Return those of the topics that do not exist.

    Raises AccessError, naming it, for a topic that we may not read, write or describe as asked; BrokerError where the
    broker does not tell.
    """
    needed: dict[str, list[str]] = {}
    for right, topics in ((READ, read), (WRITE, write), (DESCRIBE, describe)):
        for topic in topics:
            needed.setdefault(topic, []).append(right)
    try:
        with KafkaAdminClient(**kafka.python(), bootstrap_timeout_ms=DESCRIBES_WITHIN_MS) as admin:
            described = admin.describe_topics(list(needed))
    except KafkaError as error:
        raise explain(kafka, error) from None
    missing = []
    # the broker answers in an order of its own: the first one that was asked for is named
    order = list(needed)
    for topic in sorted(described, key=lambda topic: order.index(topic["name"])):
        name, code = topic["name"], topic["error_code"]
        if code == kafka_errors.UnknownTopicOrPartitionError.errno:
            missing.append(name)
            continue
        hidden = code == kafka_errors.TopicAuthorizationFailedError.errno
        # a broker that does not tell rights, or has none to give, is asked by the first message
        allowed = topic.get("authorized_operations") or [READ, WRITE, DESCRIBE]
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
    """Return what a client's error means, in one line: no right, no entry, no usable certificate, or nobody there."""
    if isinstance(error, kafka_errors.AuthorizationError):
        return AccessError(_forbidden(kafka, f"do this ({error})"))
    try:
        why = _silence(kafka)
    except AccessError as refused:
        return refused
    except SecuritySettingError as unusable:  # our certificates are being replaced, for example
        return BrokerError(str(unusable))
    return BrokerError(f"no broker answers at {kafka.address} ({why or type(error).__name__}): run  playproof up")


def _forbidden(kafka: KafkaConnection, act: str) -> str:
    login = kafka.security.login
    user = f"user {login.username}" if login else "we"
    return f"{user} may not {act} at {kafka.address}: docs/security.md lists the rights that each program needs"
