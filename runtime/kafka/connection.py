"""Where Kafka is and how to connect: one object for every program, written for each of the two clients."""

from dataclasses import dataclass
from typing import Any

from runtime.kafka.security import PLAINTEXT, KafkaSecurity


@dataclass(frozen=True, slots=True)
class KafkaConnection:
    """The bootstrap servers, `host:port` or several with commas, and the security settings."""

    address: str
    security: KafkaSecurity = PLAINTEXT

    def python(self) -> dict[str, Any]:
        """Return the arguments of a kafka-python client. Raises SecuritySettingError where a store cannot be opened.

        >>> KafkaConnection("b:1").python()
        {'bootstrap_servers': 'b:1'}
        """
        return {"bootstrap_servers": self.address, **self.security.python()}

    def spark(self) -> dict[str, str]:
        """Return the options of Spark's Kafka connector.

        >>> KafkaConnection("b:1", KafkaSecurity("SSL")).spark()
        {'kafka.bootstrap.servers': 'b:1', 'kafka.security.protocol': 'SSL'}
        """
        return {
            "kafka.bootstrap.servers": self.address,
            **{f"kafka.{name}": value for name, value in self.security.java().items()},
        }
