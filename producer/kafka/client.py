"""Settings of the Kafka client in Python, from those of the environment."""

from typing import Any

from kafka import KafkaProducer

from producer.errors import ReplayError
from runtime.settings import Settings


def client_settings(settings: Settings) -> dict[str, Any]:
    """Return kafka-python's settings. `security` has Kafka's own names; a name that only Java knows is refused.

    >>> client_settings(Settings(broker="b:1", security="security.protocol=SSL;ssl.cafile=ca.pem"))
    {'bootstrap_servers': 'b:1', 'security_protocol': 'SSL', 'ssl_cafile': 'ca.pem'}
    """
    client: dict[str, Any] = {"bootstrap_servers": settings.broker}
    for pair in filter(None, settings.security.split(";")):
        name, found, value = pair.strip().partition("=")
        key = name.replace(".", "_")
        if not found or key not in KafkaProducer.DEFAULT_CONFIG:
            raise ReplayError(
                f"PLAYPROOF_SECURITY has {name!r}, which the Python client does not know: expected "
                f"security.protocol, sasl.mechanism, sasl.plain.username, sasl.plain.password, ssl.cafile"
            )
        client[key] = value
    return client


def security_settings(settings: Settings) -> dict[str, Any]:
    """Return those of kafka-python's settings that say how to connect, without whereto.

    >>> security_settings(Settings(security="security.protocol=SSL"))
    {'security_protocol': 'SSL'}
    """
    return {key: value for key, value in client_settings(settings).items() if key != "bootstrap_servers"}
