"""The two topics of rows, empty: every test of theirs begins so."""

from kafka import KafkaAdminClient

from contracts import topics as contract
from contracts.events import ACTIVITY, PLAYS
from producer.kafka import topics
from runtime.kafka.connection import KafkaConnection
from tests.flow.stage import wait_until


def empty_topics(kafka: KafkaConnection) -> None:
    """Make the topics of plays and activity anew, without a message."""
    with KafkaAdminClient(**kafka.python()) as admin:
        there = {PLAYS, ACTIVITY} & set(admin.list_topics())
        if there:
            admin.delete_topics(sorted(there))
            # a busy broker answers before it has forgotten them: they would count as there, and go then
            wait_until(lambda: not there & set(admin.list_topics()), "the topics are gone")
    topics.create(kafka, [contract.TOPICS[PLAYS], contract.TOPICS[ACTIVITY]])
