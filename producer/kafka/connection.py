"""Whether a broker answers at an address, and waiting until it does."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from kafka import KafkaAdminClient
from kafka.errors import KafkaError
from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from producer.errors import BrokerError

Security = Mapping[str, Any]
"""Settings of kafka-python for a broker that wants TLS or a password (`producer.kafka.client`)."""
PLAINTEXT: Security = MappingProxyType({})
UP_WITHIN_S = 60.0
ANSWERS_WITHIN_MS = 2000


def serving(address: str, security: Security = PLAINTEXT) -> str | None:
    """Return the cluster id that a broker answers with (a real request, not a mere open port); None without answer."""
    try:
        with KafkaAdminClient(bootstrap_servers=address, bootstrap_timeout_ms=ANSWERS_WITHIN_MS, **security) as admin:
            return str(admin.describe_cluster()["cluster_id"])
    except (KafkaError, OSError):
        return None


def answers(address: str, security: Security = PLAINTEXT) -> bool:
    """Say whether a broker answers at an address."""
    return serving(address, security) is not None


def wait_until_up(
    address: str,
    within_s: float = UP_WITHIN_S,
    is_alive: Callable[[], bool] = lambda: True,
    security: Security = PLAINTEXT,
) -> None:
    """Return once the broker at `address` answers. Raises BrokerError when time is up or the process has ended."""
    # a busy machine may need seconds to answer; an absent broker refuses at once
    attempts = Retrying(stop=stop_after_delay(within_s), wait=wait_fixed(0.1), retry=retry_if_result(lambda up: not up))

    def ask() -> bool:
        if not is_alive():
            raise BrokerError("the broker ended while it was starting")
        return answers(address, security)

    try:
        attempts(ask)
    except RetryError:
        raise BrokerError(
            f"no broker answers at {address} after {within_s:g} s: start one with  make up  or  "
            f"python -m ops broker, or name yours with  PLAYPROOF_BROKER=host:port"
        ) from None
