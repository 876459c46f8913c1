"""Send messages to Kafka: idempotent, in the order of event time, each acknowledged by all replicas."""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from contracts.topics import MAX_MESSAGE_BYTES, SOCKET_BYTES
from producer.errors import DeliveryError, ReplayError
from producer.kafka.messages import Identity, Message, read_identity
from runtime.kafka.connection import KafkaConnection

IN_FLIGHT = 64
"""Messages of a topic on their way at once: about 6 MB."""
SPAN_MS = 60_000
"""Event time that messages of a topic on their way may span: the watermark's delay."""
LINGER_MS = 2
"""How long a message waits for company: fewer requests, each of which costs the client about a millisecond."""
GIVE_UP_AFTER_S = 120.0
"""How long a message may wait for its acknowledgement, a restart of the broker included."""


class Sender:
    """Sends to explicit partitions, round-robin by message number, and tells when a message is acknowledged.

    A reader sees the partitions side by side. Were a message to get ahead of another of its topic that is over a
    minute older, the watermark would make the older one's rows late; so it waits until those are acknowledged. Few
    accounts make this slow (a batch spans minutes, and each message waits for the one before), many do not.
    """

    def __init__(self, kafka: KafkaConnection, partitions: dict[str, int]):
        """Connect; `partitions` is how many each topic has. Raises DeliveryError where the broker does not answer."""
        self._partitions = partitions
        self._on_the_way: dict[str, deque[tuple[int, Any]]] = {topic: deque() for topic in partitions}
        with _answers():
            self._producer = KafkaProducer(
                **kafka.python(),
                acks="all",
                enable_idempotence=True,
                batch_size=1 << 20,
                linger_ms=LINGER_MS,
                send_buffer_bytes=SOCKET_BYTES,
                max_request_size=MAX_MESSAGE_BYTES,
                metrics_enabled=False,  # a quarter of the client's work
                delivery_timeout_ms=int(GIVE_UP_AFTER_S * 1000),
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        # every message gets an answer or is given up before we go on: none may arrive behind our back, to be sent twice
        try:
            self._producer.close(2 * GIVE_UP_AFTER_S)
        except KafkaError as unanswered:
            raise _undelivered(unanswered) from error

    def send(self, message: Message, number: int, start_ms: int) -> Any:
        """Send a message whose rows begin at `start_ms`; return a future of its acknowledgement.

        Raises DeliveryError where one before it was not acknowledged.
        """
        on_the_way = self._on_the_way[message.topic]
        while on_the_way and (on_the_way[0][0] <= message.clock_ms - SPAN_MS or len(on_the_way) >= IN_FLIGHT):
            wait_for(on_the_way.popleft()[1])
        partition = number % self._partitions[message.topic]
        try:
            future = self._producer.send(
                message.topic, message.value, headers=message.headers(number), partition=partition
            )
        except KafkaError as error:
            raise _undelivered(error) from error
        on_the_way.append((start_ms, future))
        return future


def wait_for(future: Any) -> Any:
    """Return the metadata of an acknowledged message. Raises DeliveryError where it was not."""
    try:
        return future.get(GIVE_UP_AFTER_S)
    except KafkaError as error:
        raise _undelivered(error) from error


def _undelivered(error: KafkaError) -> DeliveryError:
    return DeliveryError(
        f"the broker did not acknowledge what was sent ({error}): see that it runs, then start the replay again, "
        f"which goes on where this one stopped"
    )


@contextmanager
def _answers() -> Iterator[None]:
    """Turn what the client raises where it gets no answer into DeliveryError: a replay waits for the broker then."""
    try:
        yield
    except KafkaError as error:
        raise DeliveryError(
            f"the broker did not answer ({error}): see that it runs, then start the replay again, which goes on where "
            f"this one stopped"
        ) from error


def arrived_messages(kafka: KafkaConnection, topic: str, partitions: int, last_known: dict[int, int]) -> set[Identity]:
    """Read which of a replay's messages a topic has behind the last acknowledged offsets, by partition.

    Those of another producer are passed over. Raises ReplayError where a partition ends before such an offset: the
    topic is another than the ledger's; DeliveryError where the broker does not answer.
    """
    wanted = [TopicPartition(topic, p) for p in range(partitions)]
    arrived: set[Identity] = set()
    with _answers(), KafkaConsumer(**kafka.python(), enable_auto_commit=False) as consumer:
        consumer.assign(wanted)
        ends = consumer.end_offsets(wanted)
        starts = {tp: last_known.get(tp.partition, -1) + 1 for tp in wanted}
        for tp in wanted:
            if ends[tp] < starts[tp]:
                raise ReplayError(
                    f"{topic}[{tp.partition}] ends at offset {ends[tp]}, but the ledger knows of {starts[tp]}: "
                    f"the topic was made again; begin a new version of the world with  --fresh"
                )
            consumer.seek(tp, starts[tp])
        while any(consumer.position(tp) < ends[tp] for tp in wanted):
            for records in consumer.poll(1000).values():
                arrived.update(identity for r in records if (identity := read_identity(r.headers)))
    return arrived


def message_counts(kafka: KafkaConnection, topics: Sequence[str]) -> dict[str, int]:
    """Count the messages ever appended to each topic, by the ends of its partitions.

    Raises DeliveryError where the broker does not answer.
    """
    with _answers(), KafkaConsumer(**kafka.python()) as consumer:
        counts = {}
        for topic in topics:
            ends = consumer.end_offsets([TopicPartition(topic, p) for p in consumer.partitions_for_topic(topic) or ()])
            counts[topic] = sum(ends.values())
        return counts
