"""Create the topics of the contract, with their explicit settings; what exists already is left as it is."""

import contextlib
from collections.abc import Iterable

from kafka import KafkaAdminClient
from kafka.errors import AuthorizationError, KafkaError, TopicAlreadyExistsError

from contracts.topics import TOPICS, Topic
from runtime.errors import BrokerError
from runtime.kafka.access import UP_WITHIN_S, explain, missing_topics, wait_until_up
from runtime.kafka.connection import KafkaConnection


def create(
    kafka: KafkaConnection, topics: Iterable[Topic] = tuple(TOPICS.values()), within_s: float = UP_WITHIN_S
) -> list[str]:
    """Create the topics that are missing, wait until each can be used, and return the names of the new ones.

    Waits up to `within_s` for the broker. Raises BrokerError where it does not answer, or where an existing topic has
    fewer partitions than the contract: a replay sends to all of these. Raises AccessError where we may not.
    """
    wait_until_up(kafka, within_s)
    wanted = {topic.name: topic for topic in topics}
    try:
        missing = missing_topics(kafka, describe=wanted)
        with KafkaAdminClient(**kafka.python()) as admin:
            there = [name for name in wanted if name not in missing]
            check_partitions({t["name"]: len(t["partitions"]) for t in admin.describe_topics(there)}, wanted)
            if missing:
                _create(admin, [wanted[name] for name in missing])
            return missing
    except KafkaError as error:
        if isinstance(error, AuthorizationError):
            raise explain(kafka, error) from None
        raise BrokerError(f"the topics cannot be created at {kafka.address}: {error}") from error


def check_partitions(existing: dict[str, int], wanted: dict[str, Topic]) -> None:
    """Raise BrokerError where an existing topic has fewer partitions than the contract. It may have more."""
    for name, topic in wanted.items():
        if existing.get(name, topic.partitions) < topic.partitions:
            raise BrokerError(
                f"topic {name} has {existing[name]} partitions, expected {topic.partitions} at least: add some with  "
                f"kafka-topics.sh --alter --topic {name} --partitions {topic.partitions} , or begin a new version of "
                "the world with  playproof up --fresh"
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
