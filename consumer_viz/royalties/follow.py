"""Follow topic `actions` with a plain Kafka consumer and keep the royalty ledger."""

from collections.abc import Callable

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from consumer_viz.feed.consumer import TIMEOUT_MS
from consumer_viz.royalties.ledger import RoyaltyLedger
from consumer_viz.royalties.messages import ActionMessage
from contracts.actions import HOLD, MICROS_PER_EUR, RELEASE, RESTORE
from contracts.topics import ACTIONS
from runtime.kafka.access import explain, require_topics
from runtime.kafka.connection import KafkaConnection

WORDS = {HOLD: "held", RELEASE: "released", RESTORE: "restored"}
POLL_MS = 500


def follow(kafka: KafkaConnection, ledger: RoyaltyLedger, report: Callable[[str], None], *, is_once: bool) -> None:
    """Take every committed action into the ledger; `is_once`: end when all that is there now was read.

    Raises BrokerError, AccessError.
    """
    require_topics(kafka, read=(ACTIONS,))
    try:
        with KafkaConsumer(
            isolation_level="read_committed", allow_auto_create_topics=False, enable_auto_commit=False,
            request_timeout_ms=2 * TIMEOUT_MS, bootstrap_timeout_ms=TIMEOUT_MS, **kafka.python(),
        ) as consumer:  # fmt: skip
            _read(consumer, ledger, report, is_once=is_once)
    except KafkaError as error:
        raise explain(kafka, error) from None


def _read(consumer: KafkaConsumer, ledger: RoyaltyLedger, report: Callable[[str], None], *, is_once: bool) -> None:
    partitions = [TopicPartition(ACTIONS, n) for n in sorted(consumer.partitions_for_topic(ACTIONS) or {0})]
    consumer.assign(partitions)
    ends = consumer.end_offsets(partitions)
    for partition in partitions:
        start = ledger.next_offset(partition.partition)
        # a topic that was made again is read from its beginning: an action counts once by its id
        consumer.seek(partition, start if start <= ends[partition] else 0)
    while not is_once or any(consumer.position(each) < ends[each] for each in partitions):
        for partition, records in consumer.poll(POLL_MS).items():
            for action in ledger.take(partition.partition, [(record.offset, record.value) for record in records]):
                report(_line(action))


def _line(action: ActionMessage) -> str:
    eur = sum(line[4] for line in action.lines) / MICROS_PER_EUR
    what = f" €{eur:,.2f} of {len({line[0] for line in action.lines})} sessions" if action.action == HOLD else ""
    return f"{action.created_at}  {WORDS[action.action]}{what}, case {action.case_id} ({action.action_id})"
