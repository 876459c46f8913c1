"""The two topics of rows, empty: every test of theirs begins so."""

from typing import Any

from kafka import KafkaAdminClient

from contracts import topics as contract
from contracts.events import ACTIVITY, PLAYS
from producer.kafka import topics


def empty_topics(client: dict[str, Any]) -> None:
    """Make the topics of plays and activity anew, without a message."""
    with KafkaAdminClient(**client) as admin:
        there = {PLAYS, ACTIVITY} & set(admin.list_topics())
        if there:
            admin.delete_topics(sorted(there))
    topics.create(client["bootstrap_servers"], [contract.TOPICS[PLAYS], contract.TOPICS[ACTIVITY]])
