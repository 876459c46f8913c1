"""Create the topics of the contract, with their explicit settings; what exists already is left as it is."""

import contextlib
from collections.abc import Iterable

from kafka import KafkaAdminClient
from kafka.errors import KafkaError, TopicAlreadyExistsError

from contracts.topics import TOPICS, Topic
from producer.errors import BrokerError
from producer.kafka.connection import PLAINTEXT, UP_WITHIN_S, Security, wait_until_up


def create(
    address: str,
    topics: Iterable[Topic] = tuple(TOPICS.values()),
    within_s: float = UP_WITHIN_S,
    security: Security = PLAINTEXT,
) -> list[str]:
    """Create the topics that are missing, wait until each can be used, and return the names of the new ones.

    Waits up to `within_s` for the broker. Raises BrokerError where it does not answer, or where an existing topic has
    another number of partitions than the contract: a checkpoint would not fit it.
    """
    wait_until_up(address, within_s, security=security)
    wanted = {topic.name: topic for topic in topics}
    try:
        with KafkaAdminClient(bootstrap_servers=address, **security) as admin:
            found = {t["name"]: len(t["partitions"]) for t in admin.describe_topics()}
            _check_partitions(found, wanted)
            missing = [name for name in wanted if name not in found]
            if missing:
                _create(admin, [wanted[name] for name in missing])
            return missing
    except KafkaError as error:
        raise BrokerError(f"the topics cannot be created at {address}: {error}") from error


def _check_partitions(found: dict[str, int], wanted: dict[str, Topic]) -> None:
    for name, topic in wanted.items():
        if found.get(name, topic.partitions) != topic.partitions:
            raise BrokerError(
                f"topic {name} has {found[name]} partitions, expected {topic.partitions}: delete the topic, or begin a "
                f"new version of the world with  python -m ops replay --fresh"
            )


def _create(admin: KafkaAdminClient, topics: list[Topic]) -> None:
    request = {
        # -1: as many copies as the cluster makes by default, one on the embedded broker
        topic.name: {"num_partitions": topic.partitions, "replication_factor": -1, "configs": topic.config}
        for topic in topics
    }
    # another process may make one between our look and our request: with the same settings, from the same contract
    with contextlib.suppress(TopicAlreadyExistsError):
        admin.create_topics(request)
    admin.wait_for_topics(list(request))


def require(address: str, names: Iterable[str], security: Security = PLAINTEXT) -> None:
    """Raise BrokerError, naming them, where topics are missing."""
    wait_until_up(address, security=security)
    with KafkaAdminClient(bootstrap_servers=address, **security) as admin:
        missing = sorted(set(names) - set(admin.list_topics()))
    if missing:
        raise BrokerError(
            f"no topic {', '.join(missing)} at {address} (auto-creation is off): run  python -m ops topics"
        )
