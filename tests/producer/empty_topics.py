"""The two topics of rows, empty: every test of theirs begins so."""

from kafka import KafkaAdminClient

from contracts import topics as contract
from contracts.events import ACTIVITY, PLAYS
from producer.kafka import topics
from runtime.kafka.connection import KafkaConnection


def empty_topics(kafka: KafkaConnection) -> None:
    """Make the topics of plays and activity anew, without a message."""
    with KafkaAdminClient(**kafka.python()) as admin:
        there = {PLAYS, ACTIVITY} & set(admin.list_topics())
        if there:
            admin.delete_topics(sorted(there))
    topics.create(kafka, [contract.TOPICS[PLAYS], contract.TOPICS[ACTIVITY]])
