"""Settings of topics that would lose rows, or make them late, without an error of anybody's: named before the start."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import KafkaError

from contracts.events import ACTIVITY, PLAYS
from contracts.topics import RULES
from runtime.kafka.connection import KafkaConnection


@dataclass(frozen=True, slots=True)
class Expected:
    """What a setting of some topics has to be, in Kafka's words; what they are without it, and what comes of that."""

    topics: tuple[str, ...]
    setting: str
    value: str
    otherwise: str
    consequence: str

    def of(self, topics: Sequence[str]) -> "Expected":
        """Return the same of other topics."""
        return replace(self, topics=tuple(topics))

    def message(self, topics: Sequence[str]) -> str:
        """Say in one line what is wrong with topics.

        >>> TIMES_BY_BROKER.message(["plays"])[:72]
        "topic plays has its producers' times (message.timestamp.type is not LogA"
        """
        return f"topic {', '.join(topics)} {self.otherwise} ({self.setting} is not {self.value}): {self.consequence}"


TIMES_BY_BROKER = Expected(
    (PLAYS, ACTIVITY), "message.timestamp.type", "LogAppendTime", "has its producers' times",
    "one with a wrong clock makes the rows of all others late (docs/reference/reliability.md#clocks)",
)  # fmt: skip
ALL_ROWS = Expected(
    (PLAYS, ACTIVITY), "cleanup.policy", "delete", "is compacted",
    "Kafka refuses messages without a key, and forgets those whose key comes again; set cleanup.policy=delete on it",
)  # fmt: skip
NEWEST_RULES = Expected(
    (RULES,), "cleanup.policy", "compact", "is not compacted",
    "rules stop when the broker deletes their messages; set cleanup.policy=compact on it",
)  # fmt: skip


def wrong_settings(
    kafka: KafkaConnection, expected: Sequence[Expected] = (TIMES_BY_BROKER, ALL_ROWS, NEWEST_RULES)
) -> list[str]:
    """Return a line for each setting that topics have otherwise; none where the broker does not tell: that is a right.

    One that a topic lacks is as expected.
    """
    topics = sorted({topic for one in expected for topic in one.topics})
    try:
        with KafkaAdminClient(**kafka.python()) as admin:
            resources = [ConfigResource(ConfigResourceType.TOPIC, topic) for topic in topics]
            configs = admin.describe_configs(resources, config_filter="all")["topic"]
    except (KafkaError, KeyError):
        return []
    wrong = [
        (one, [t for t in one.topics if configs.get(t, {}).get(one.setting, {}).get("value", one.value) != one.value])
        for one in expected
    ]
    return [one.message(topics) for one, topics in wrong if topics]
