"""The two topics of rows, empty: every test of theirs begins so."""

from kafka import KafkaAdminClient
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

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
            # a busy broker answers before it has forgotten them: they would count as there, and go then
            gone = Retrying(stop=stop_after_delay(60), wait=wait_fixed(0.05), retry=retry_if_result(bool))
            gone(lambda: there & set(admin.list_topics()))
    topics.create(kafka, [contract.TOPICS[PLAYS], contract.TOPICS[ACTIVITY]])
