"""Bring topic `rules` to what the record holds: only what the topic lacks, or has an older message of, is sent.

So a topic that was made again, as with `playproof up --fresh`, gets its rules back, and any process may send at any
time: a message that is sent twice changes nothing.
"""

import orjson

from contracts.topics import RULES
from models.rules.rule_set import messages_of
from models.rules.store import RuleStore
from runtime.kafka.compacted import CompactedTopic, send_messages
from runtime.kafka.connection import KafkaConnection


def send_rules(store: RuleStore, kafka: KafkaConnection, topic: CompactedTopic) -> int:
    """Send what topic `rules` lacks; return the number of messages. Raises BrokerError."""
    held: dict[str, int] = {}
    for value in topic.read():
        try:
            message = orjson.loads(value)
            key, sequence = str(message["rule_id"]), int(message["sequence"])
        except (ValueError, KeyError, TypeError):
            continue  # what is broken is sent again under its key, or is not ours
        held[key] = max(held.get(key, 0), sequence)
    missing = {k: orjson.dumps(m) for k, m in messages_of(store).items() if held.get(k, 0) < m["sequence"]}
    if missing:
        send_messages(kafka, RULES, missing)
    return len(missing)
