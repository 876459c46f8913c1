"""Topics are made from the contract, once, with explicit settings."""

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType

from contracts.events import PLAYS
from contracts.topics import TOPICS, Topic
from ops.stack import ports
from ops.stack.broker import Broker
from producer.kafka import topics
from runtime.errors import BrokerError
from runtime.kafka.access import require_topics
from runtime.kafka.connection import KafkaConnection


def test_every_topic_of_the_contract_is_made_once_with_its_partitions_and_settings(broker: Broker) -> None:
    topics.create(broker.kafka)
    assert topics.create(broker.kafka) == []
    with KafkaAdminClient(bootstrap_servers=broker.address) as admin:
        made = {t["name"]: len(t["partitions"]) for t in admin.describe_topics(list(TOPICS))}
        resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in TOPICS]
        settings = admin.describe_configs(resources, config_filter="all")["topic"]
    assert made == {name: topic.partitions for name, topic in TOPICS.items()}
    for name, topic in TOPICS.items():
        assert {key: settings[name][key]["value"] for key in topic.config} == topic.config


def test_only_what_is_missing_is_made(broker: Broker) -> None:
    there, missing = Topic("there", 1, "for this test"), Topic("missing", 2, "for this test")
    assert topics.create(broker.kafka, [there]) == ["there"]
    assert topics.create(broker.kafka, [there, missing]) == ["missing"]


def test_a_topic_of_an_administrator_may_have_more_partitions_than_the_contract() -> None:
    topics.check_partitions(dict.fromkeys(TOPICS, 12), TOPICS)
    with pytest.raises(BrokerError, match=f"topic {PLAYS} has 2 partitions, expected 4 at least: add some"):
        topics.check_partitions({PLAYS: 2}, TOPICS)


def test_a_topic_with_fewer_partitions_than_the_contract_is_refused(broker: Broker) -> None:
    topics.create(broker.kafka, [Topic("shape", 1, "for this test")])
    with pytest.raises(BrokerError, match="topic shape has 1 partitions, expected 3"):
        topics.create(broker.kafka, [Topic("shape", 3, "for this test")])


def test_missing_topics_are_named_in_one_line(broker: Broker) -> None:
    with pytest.raises(BrokerError, match=r"no topic no-such-a, no-such-b at .*run  playproof topics"):
        require_topics(broker.kafka, read=["no-such-b", "no-such-a"])


def test_without_a_broker_the_command_says_where_it_looked() -> None:
    address = f"127.0.0.1:{ports.free_port()}"
    with pytest.raises(BrokerError, match=f"no broker answers at {address}"):
        topics.create(KafkaConnection(address), within_s=0.2)
