"""Settings shared by every package: read from the environment (PLAYPROOF_…) once, when a command starts."""

import os
import re
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import SettingsConfigDict

from contracts.events import CLOCK_AHEAD_MINUTES
from contracts.tables import LAKE
from runtime.desk.settings import EXPECTED, DeskSettings
from runtime.errors import PlayproofError
from runtime.kafka.connection import KafkaConnection
from runtime.kafka.security import KafkaSecurity
from runtime.storage import MARKER
from runtime.world import World, WorldError, world_names

PREFIX = "PLAYPROOF_"
MAX_CLOCK_MINUTES = 100 * 366 * 24 * 60
"""A hundred years."""
_WORLD_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
"""A folder in the data folder, and part of the name of a Docker volume."""
_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:,/]+):\d{1,5}")
_KEEP_DAYS = re.compile(r"[a-z_]+\s*=\s*[1-9]\d{0,4}")
_FOLDER = r"/[A-Za-z0-9_=-][A-Za-z0-9._=-]*"
_STORAGE = re.compile(
    rf"s3://[a-z0-9][a-z0-9.-]{{1,61}}[a-z0-9]({_FOLDER})*|hdfs://[A-Za-z0-9][A-Za-z0-9.-]*(:\d{{1,5}})?({_FOLDER})+"
)
"""A bucket, and a folder in it, or a folder of HDFS; clients do not agree on what `..` is."""
ZONE_FILE, ZONE_LINK = Path("/etc/timezone"), Path("/etc/localtime")
ZONES_FOLDER = "zoneinfo/"
UNKNOWN_ZONE = "UTC"


def machine_zone(name_file: Path = ZONE_FILE, link: Path = ZONE_LINK) -> str:
    """Return the name of the machine's zone: of TZ, Debian's file, or the link that all systems have; else UTC.

    >>> machine_zone(Path("/nowhere"), Path("/nowhere")) == os.environ.get("TZ", "UTC").lstrip(":")
    True
    """
    named = name_file.read_text().strip() if name_file.is_file() else ""
    linked = os.path.realpath(link).partition(ZONES_FOLDER)[2]
    candidates = (os.environ.get("TZ", "").lstrip(":"), named, linked)
    return next((name for name in candidates if name and _is_zone(name)), UNKNOWN_ZONE)


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


class SettingError(PlayproofError):
    """A setting has a value that cannot be used; the message names the variable and what is expected."""


class Settings(DeskSettings):
    """What a user may set for every command. Command-line options win over the environment."""

    # Compose, among others, sets a variable that nobody gave to nothing
    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, env_ignore_empty=True)

    data: Path = Path("data")
    """Folder of all worlds."""
    storage: str = ""
    """Address of tables and checkpoints, `s3://bucket/prefix` or `hdfs://name-node:8020/folder`; empty: in the folder
    of the world."""
    world: str = "main"
    """The world that commands work on."""
    broker: str = "127.0.0.1:19092"
    """Kafka bootstrap servers. 19092, since 9092 is often taken."""
    security: SecretStr = SecretStr("")
    """Kafka's security settings: `key=value;key=value`, or `@` and the path of a properties file; never shown."""
    hash_key: SecretStr = SecretStr("playproof-local")
    """Key of the hashes that stand for addresses in the lake; set your own where the listeners are real."""
    clock_ahead: int = Field(default=CLOCK_AHEAD_MINUTES, ge=-MAX_CLOCK_MINUTES, le=MAX_CLOCK_MINUTES)
    """Minutes by which a message's clock and rows may be ahead of the broker's; what is further ahead is rejected.
    A negative number bounds a replay of old data."""
    docker: bool = True
    """Whether `playproof up` may use Docker Compose where an engine answers; 0: always the embedded broker."""
    time_zone: str = Field(default_factory=machine_zone)
    """Zone of what people see, by default that of this machine; what is stored is UTC."""
    keep_days: str = ""
    """Days that rows stay in tables of the lake, as `plays=90,activity=90,sessions=400`; a table without a number keeps
    all. The job removes older rows once a day. What analysts decided is kept."""
    upkeep: bool = True
    """Whether the job merges the small files of its tables and removes those that nothing needs, at quiet times."""
    dash_port: int = Field(default=8787, ge=1, le=65535)
    """Port of the analyst's pages, on loopback."""
    spark_master: str = "local[*]"
    """Spark master; a cluster's address to scale out."""
    spark_jvm_flags: str = ""
    """Flags of the JVM of job and batch commands: collector, compiler. Empty: those that suit the command."""
    metrics_port: int = Field(default=19404, ge=1024, le=65532)
    """First of four ports for Prometheus: the job's, then the replay's, the live plot's, the pages'."""
    metrics_address: str = "127.0.0.1"
    """Address of this machine that metrics are served at; `0.0.0.0` for a Prometheus elsewhere, as in a pod."""
    log_level: str = "INFO"
    """Level of Playproof's own log lines on stderr: DEBUG, INFO, WARNING or ERROR. DEBUG adds tracebacks to errors."""

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise SettingError("; ".join(_message(each["loc"], each["input"]) for each in error.errors())) from None

    @field_validator("world")
    @classmethod
    def _check_world(cls, name: str) -> str:
        if not _WORLD_NAME.fullmatch(name):
            raise ValueError
        return name

    @field_validator("data", mode="before")
    @classmethod
    def _check_data(cls, folder: object) -> object:
        if "://" in str(folder):
            raise ValueError
        try:
            return Path(str(folder)).expanduser()  # no shell has read what Compose or systemd gives
        except RuntimeError:
            raise ValueError from None

    @field_validator("storage")
    @classmethod
    def _check_storage(cls, address: str) -> str:
        address = address.rstrip("/")
        if address and not _STORAGE.fullmatch(address):
            raise ValueError
        return address

    @field_validator("broker")
    @classmethod
    def _check_broker(cls, addresses: str) -> str:
        if not all(_ADDRESS.fullmatch(address.strip()) for address in addresses.split(",")):
            raise ValueError
        return addresses

    @field_validator("time_zone")
    @classmethod
    def _check_time_zone(cls, name: str) -> str:
        if not _is_zone(name):
            raise ValueError
        return name

    @field_validator("keep_days")
    @classmethod
    def _check_keep_days(cls, text: str) -> str:
        parts = [part.strip() for part in text.split(",") if part.strip()]
        if not all(_KEEP_DAYS.fullmatch(part) and part.split("=")[0].strip() in LAKE for part in parts):
            raise ValueError
        return text

    @property
    def retention(self) -> dict[str, int]:
        """The days that rows stay, by table of the lake."""
        parts = (part.split("=") for part in self.keep_days.split(",") if part.strip())
        return {name.strip(): int(days) for name, days in parts}

    @field_validator("metrics_address")
    @classmethod
    def _check_metrics_address(cls, address: str) -> str:
        return str(ip_address(address))

    @field_validator("log_level")
    @classmethod
    def _check_log_level(cls, name: str) -> str:
        if name.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
            raise ValueError
        return name.upper()

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def the_world(self) -> World:
        """Return the world, whether it exists or not."""
        return World(self.data.resolve() / self.world)

    def kafka(self) -> KafkaConnection:
        """Return where Kafka is and how to connect. Raises SecuritySettingError where `security` cannot be used."""
        return KafkaConnection(self.broker, KafkaSecurity.parse(self.security.get_secret_value()))

    def existing_world(self) -> World:
        """Return a world that a command reads. Raises WorldError, which names all worlds, if it does not exist."""
        world = self.the_world()
        if world.root.is_dir():
            return world
        names = ", ".join(world_names(self.data)) or "none yet"
        elsewhere = f"; one of another machine: copy its static and v<N>/{MARKER} to here" if self.storage else ""
        raise WorldError(
            f"there is no world {self.world}; there are: {names}: run  playproof simulate --world {self.world}"
            f"{elsewhere}"
        )


_EXPECTED = EXPECTED | {
    "data": "is no folder of this machine: tables and checkpoints go to a bucket with PLAYPROOF_STORAGE",
    "storage": "is neither s3://bucket/prefix nor hdfs://name-node:8020/folder",
    "broker": "is no address, as 127.0.0.1:19092 (host:port, or several)",
    "clock_ahead": "is no whole number of minutes, a hundred years at most",
    "dash_port": "is no port (1–65535)",
    "metrics_port": "is no port with three free ones above it (1024–65532)",
    "metrics_address": "is no IP address, as 127.0.0.1 or 0.0.0.0",
    "docker": "is neither 1 nor 0",
    "keep_days": "is no list of tables of the lake with days, as plays=90,activity=90",
    "upkeep": "is neither 1 nor 0",
    "time_zone": "is no time zone, such as Europe/Berlin",
    "log_level": "is none of DEBUG, INFO, WARNING, ERROR",
    "world": "is no name of a world (letters, digits, '.', '_' and '-', a letter or digit first)",
}


def _message(location: tuple[int | str, ...], value: object) -> str:
    """Return what is wrong with the value of a field, in one line."""
    name = str(location[0])
    option = "--world or " if name == "world" else ""
    return f"{option}{PREFIX}{name.upper()}: {value!r} {_EXPECTED.get(name, 'cannot be used')}"
