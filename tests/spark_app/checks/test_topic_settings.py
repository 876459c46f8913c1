"""Settings of real topics that would lose rows, or make them late, are named; others are not."""

from contracts.topics import RULES, TOPICS, Topic
from ops.stack.broker import Broker
from producer.kafka import topics
from spark_app.checks.topic_settings import ALL_ROWS, NEWEST_RULES, TIMES_BY_BROKER, wrong_settings


def test_a_topic_with_its_producers_times_is_named(broker: Broker) -> None:
    names = ["by-producers", "by-broker"]
    theirs = Topic(names[0], 1, "for this test", config={"message.timestamp.type": "CreateTime"})
    topics.create(broker.kafka, [theirs, Topic(names[1], 1, "for this test")])
    expected = TIMES_BY_BROKER.of(names)
    assert wrong_settings(broker.kafka, [expected]) == [expected.message(names[:1])]
    assert wrong_settings(broker.kafka, [TIMES_BY_BROKER.of(["no-such-topic"])]) == []


def test_a_topic_of_rules_that_is_not_compacted_is_named_and_one_of_messages_that_is(broker: Broker) -> None:
    names = ["rules-deleted", "rules-compacted"]
    policies = [{"cleanup.policy": "delete"}, TOPICS[RULES].config]
    topics.create(broker.kafka, [Topic(n, 1, "for this test", config=p) for n, p in zip(names, policies, strict=True)])
    rules, rows = NEWEST_RULES.of(names), ALL_ROWS.of(names)
    assert wrong_settings(broker.kafka, [rules, rows]) == [rules.message(names[:1]), rows.message(names[1:])]
    assert rows.message(names[1:]).startswith(
        "topic rules-compacted is compacted (cleanup.policy is not delete): Kafka refuses messages without a key"
    )


def test_the_topics_that_we_make_are_as_expected(broker: Broker) -> None:
    topics.create(broker.kafka)
    assert wrong_settings(broker.kafka) == []
