"""Settings shared by every package: read from the environment (PLAYPROOF_…) once, at each `__main__`."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from runtime.kafka.connection import KafkaConnection
from runtime.kafka.security import KafkaSecurity
from runtime.world import World


class Settings(BaseSettings):
    """What a user may set for every command. Command-line options win over the environment."""

    model_config = SettingsConfigDict(env_prefix="PLAYPROOF_", frozen=True)

    data: Path = Path("data")
    """Folder of all worlds."""
    world: str = "main"
    """The world that commands work on."""
    broker: str = "127.0.0.1:19092"
    """Kafka bootstrap servers. 19092, since 9092 is often taken."""
    security: SecretStr = SecretStr("")
    """Kafka's security settings: `key=value;key=value`, or `@` and the path of a properties file; never shown."""
    hash_key: SecretStr = SecretStr("playproof-local")
    """Key of the hashes that stand for addresses in the lake; set your own where the listeners are real."""
    docker: bool = True
    """Whether `make up` may use Docker Compose where an engine answers; 0 for the embedded broker in any case."""
    time_zone: str = "Australia/Melbourne"
    """Zone of what people see; what is stored is UTC."""
    dash_port: int = Field(default=8787, ge=1, le=65535)
    """Port of the analyst's pages, on loopback."""
    spark_master: str = "local[*]"
    """Spark master; a cluster's address to scale out."""
    spark_jvm_flags: str = "-XX:+UseParallelGC -XX:NewRatio=1"
    """Flags of the job's JVM; `-XX:+UseSerialGC -XX:TieredStopAtLevel=1` starts sooner and peaks lower."""
    metrics_port: int = Field(default=19404, ge=1024, le=65532)
    """First of four loopback ports for Prometheus: the job's, then the replay's, the live plot's, the pages'."""
    log_level: str = "INFO"

    def the_world(self) -> World:
        return World(self.data.resolve() / self.world)

    def kafka(self) -> KafkaConnection:
        """Return where Kafka is and how to connect. Raises SecuritySettingError where `security` cannot be used."""
        return KafkaConnection(self.broker, KafkaSecurity.parse(self.security.get_secret_value()))
